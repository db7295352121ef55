import { expect, it } from 'vitest';
import { onScreen } from '~/app/_run/console/onScreen';
import { seeded } from '~/test/support/seeded';

const shown = (...texts: string[]) =>
  onScreen(texts.map((text, i) => ({ seq: i, at: i, stream: 'out', text })))
    .map((part) => part.text)
    .join('');

it.each([
  ['colors', '\x1b[31mred\x1b[0m and \x1b[1;38;5;12mbold\x1b[m', 'red and bold'],
  ['a cursor that moves', 'a\x1b[2K\x1b[1A\x1b[?25lb', 'ab'],
  ['a title and a link', '\x1b]0;train.py\x07one \x1b]8;;http://x\x1b\\two', 'one two'],
  ['a bar that writes over its line', 'start\n 10%|#\r 50%|##\r100%|###\nend', 'start\n100%|###\nend'],
  ['lines that end as on Windows', 'one\r\ntwo\r\n', 'one\ntwo\n'],
])('%s: as a terminal shows it', (_, text, expected) => {
  expect(shown(text)).toBe(expected);
});

it('a bar whose states come in several parts is one line', () => {
  expect(shown('start\n', '\r 10%', '\r 50%', '\r100%', '\nend')).toBe('start\n100%\nend');
  expect(shown('one\r', '\ntwo')).toBe('one\ntwo');
});

it('a bar with as many states as parts, between lines and after a line that goes on in other parts', () => {
  const states = Array.from({ length: 50_000 }, (_, i) => `\r${i}%`);
  expect(shown('start\nhalf', ' a', ' line', ...states, '\nend\n', 'next', '\rlast')).toBe('start\n49999%\nend\nlast');
});

it('text without escapes and returns stays as it is, however it is cut', () => {
  const random = seeded(7);
  const pick = (n: number) => Math.floor(random() * n);
  const text = Array.from({ length: 500 }, () => 'ab\n \té'[pick(7)] ?? 'x').join('');
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const size = 1 + pick(9);
    parts.push(text.slice(at, at + size));
    at += size;
  }
  expect(shown(...parts)).toBe(text);
});
