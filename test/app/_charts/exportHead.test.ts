import { describe, expect, it } from 'vitest';
import { exportHead, fitted } from '~/app/_charts/exportHead';

/** Estimated as in the file: 0.6 of the size, East Asian characters 1.05. */
const wide = (text: string, size: number) =>
  [...text].reduce((sum, c) => sum + size * (c.codePointAt(0)! >= 0x2e80 ? 1.05 : 0.6), 0);
const long = 'gradients/transformer.encoder.layers.11.self_attention.projection.weight.norm';

describe('the head of an exported chart', () => {
  it('is one row where title and names fit', () => {
    expect(exportHead('Loss', [{ label: 'loss', color: 'red' }], 40, 600)).toEqual({
      height: 28,
      title: [{ text: 'Loss', y: 19 }],
      // 40 + 4 characters of 7.8 + 14
      keys: [{ text: 'loss', color: 'red', x: expect.closeTo(85.2), y: 19 }],
    });
  });

  it.each([
    ['a long title', long, 3, 300],
    ['a title without a place to break', 'x'.repeat(300), 2, 300],
    ['characters as wide as high', '層の勾配ノルム/'.repeat(9), 5, 320],
    ['many long names', 'Norm by parameter', 40, 480],
    ['a narrow picture', long, 3, 120],
  ])('with %s nothing leaves the picture or runs into another', (_what, title, lines, width) => {
    const keys = Array.from({ length: lines }, (_, i) => ({ label: `${long}/${i}`, color: 'red' }));
    const head = exportHead(title, keys, 40, width);
    const boxes = [
      ...head.title.map(({ text, y }) => ({ y, from: 40, to: 40 + wide(text, 13) })),
      ...head.keys.map(({ text, color, x, y }) => ({ y, from: x, to: x + (color === null ? 0 : 14) + wide(text, 11) })),
    ];
    for (const box of boxes) expect([box.to <= width, box.y < head.height]).toEqual([true, true]);
    const apart = boxes.every((a, i) => boxes.slice(i + 1).every((b) => a.y !== b.y || a.to < b.from || b.to < a.from));
    expect(apart).toBe(true);
  });

  it('says how many lines it does not name', () => {
    const keys = Array.from({ length: 30 }, (_, i) => ({ label: `line ${i}`, color: 'red' }));
    const { keys: named } = exportHead('Loss', keys, 40, 600);
    expect([named.length, named.at(-1)!.text]).toEqual([25, 'and 6 more']);
  });

  it('leaves out the middle of a name that is too long', () => {
    expect(fitted('layers.0.weight', 60, 10)).toBe('layer…ight');
    expect(fitted('short', 60, 10)).toBe('short');
  });
});
