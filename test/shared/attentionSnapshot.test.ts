import { describe, expect, it } from 'vitest';
import { columnPeak } from '~/shared/attention';
import { mapOf, mistakes, overExamples, parseAttentionSnapshot, picturesNamed, withPictures } from '~/shared/attentionSnapshot';
import { serializeSafetensors } from '~/shared/safetensors';
import { column, identity, joined, mirror, noise, seeded, snapshotBytes, uniform } from '~/test/support/attentionMaps';

const T = 5;
const bytes = () =>
  snapshotBytes({
    step: 40,
    layers: 1,
    heads: 2,
    keys: T,
    examples: [joined(identity(T), mirror(T)), joined(uniform(T), column(T, 3))],
    predictions: [
      [4, 3, 2, 1, 0],
      [4, 3, 9, 1, 9],
    ],
    signals: { entropy: [0, 0, 1, 0] },
  });

describe('reading a snapshot', () => {
  it('gives sizes, maps per example and head, and which answers are wrong', () => {
    const s = parseAttentionSnapshot(bytes());
    expect([s.task, s.step, s.examples, s.layers, s.heads, s.queries, s.keys, s.choices]).toEqual([
      'reverse',
      40,
      2,
      1,
      2,
      5,
      5,
      10,
    ]);
    expect(mapOf(s, 0, 0, 1)).toEqual(mirror(T));
    expect(mapOf(s, 1, 0, 1)).toEqual(column(T, 3));
    expect(mistakes(s)).toEqual(Int32Array.of(0, 2));
    expect(s.signals.entropy).toEqual(Float32Array.of(0, 0, 1, 0));
    expect(s.pictures).toBeNull();
  });

  it('a tensor that is missing or does not fit is named', () => {
    const one = { shape: [1, 1, 1, 2, 2], data: new Float32Array(4) };
    const ids = (...shape: number[]) => ({ shape, data: new Int32Array(shape.reduce((a, b) => a * b, 1)) });
    const meta = { task: 'reverse', step: '0' };
    const read = (tensors: Record<string, { shape: number[]; data: Float32Array | Int32Array }>, metadata = meta) =>
      parseAttentionSnapshot(serializeSafetensors(Object.entries(tensors), metadata));
    expect(() => read({ attention: one })).toThrow('tensor "inputs" is missing');
    expect(() => read({ attention: one, inputs: ids(1, 3) })).toThrow('tensor "inputs" has shape [1, 3], expected [1, 2]');
    expect(() => read({ attention: { shape: [4], data: new Float32Array(4) } })).toThrow('5 dimensions are needed');
    expect(() => read({ attention: one }, { task: 'sort', step: '0' })).toThrow('task "sort" is not known');
    expect(() => parseAttentionSnapshot(bytes().subarray(0, 100))).toThrow(/truncated/);
  });

  it('an index outside the pictures is refused', () => {
    const pictures = { data: new Uint8Array(2 * 2 * 2 * 3), count: 2, side: 2 };
    const of = (inputs: number[][]) =>
      snapshotBytes({ task: 'anomaly', layers: 1, heads: 1, keys: 3, examples: [uniform(3)], inputs, labels: [[0]], pictures });
    expect(parseAttentionSnapshot(of([[0, 1, 0]])).pictures).toEqual(pictures);
    expect(() => parseAttentionSnapshot(of([[0, 1, 2]]))).toThrow('names a picture outside the 2');
  });

  it('pictures may be in a file of their own, which it names; without that file it says so', () => {
    const pictures = { data: Uint8Array.from({ length: 2 * 2 * 2 * 3 }, (_, i) => i), count: 2, side: 2 };
    const file = serializeSafetensors([['pictures', { shape: [2, 2, 2, 3], data: pictures.data }]], {});
    const set = { task: 'anomaly' as const, layers: 1, heads: 1, keys: 3, examples: [uniform(3)], labels: [[0]] };
    const apart = snapshotBytes({ ...set, inputs: [[0, 1, 0]], picturesFile: 'abcdef' });
    expect(picturesNamed(apart)).toBe('abcdef');
    expect(parseAttentionSnapshot(apart, file).pictures).toEqual(pictures);
    expect(parseAttentionSnapshot(withPictures(apart, file))).toMatchObject({
      pictures,
      task: 'anomaly',
      inputs: Int32Array.of(0, 1, 0),
    });
    expect(picturesNamed(withPictures(apart, file))).toBeNull();
    expect(() => parseAttentionSnapshot(apart)).toThrow('its pictures, file abcdef..., are missing');
    const outside = snapshotBytes({ ...set, inputs: [[0, 1, 2]], picturesFile: 'abcdef' });
    expect(() => parseAttentionSnapshot(outside, file)).toThrow('names a picture outside the 2');
    expect(picturesNamed(snapshotBytes({ ...set, inputs: [[0, 1, 0]], pictures }))).toBeNull();
  });
});

describe('over the probe examples', () => {
  const odd = [0, 3, 4, 1];
  const sets = parseAttentionSnapshot(
    snapshotBytes({
      task: 'anomaly',
      layers: 1,
      heads: 1,
      keys: T,
      examples: odd.map((o) => column(T, o)),
      labels: odd.map((o) => [o]),
    }),
  );

  it('sets aligned by role show the odd column, unaligned ones do not', () => {
    expect(columnPeak(overExamples(sets, 'mean', true), sets)).toEqual({ key: T - 1, mass: 1 });
    expect(columnPeak(overExamples(sets, 'mean', false), sets).mass).toBe(0.25);
  });

  it('mean and spread equal their definition cell by cell', () => {
    const random = seeded(5);
    const maps = Array.from({ length: 6 }, () => noise(2, 2, random));
    const s = parseAttentionSnapshot(snapshotBytes({ layers: 1, heads: 1, keys: 2, examples: maps }));
    for (let n = 0; n < 4; n++) {
      const values = maps.map((m) => m[n]!);
      const mean = values.reduce((a, b) => a + b) / 6;
      expect(overExamples(s, 'mean', false)[n]).toBeCloseTo(mean, 6);
      expect(overExamples(s, 'spread', false)[n]).toBeCloseTo(Math.sqrt(values.reduce((t, v) => t + (v - mean) ** 2, 0) / 6), 6);
    }
  });
});
