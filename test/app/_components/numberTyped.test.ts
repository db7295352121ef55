import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { numberTyped, wholeTyped } from '~/app/_components/numberTyped';
import { unsure } from '~/app/_runs/newRun/several';
import { root } from '~/test/support/root';

it.each([
  ['1e-3', 0.001],
  [' 5 ', 5],
  ['−2.5', -2.5],
  ['.5', 0.5],
  ['10,000', 10_000],
  ['10_000', 10_000],
  ['1 234 567.5', 1_234_567.5],
])('%j is read as %d', (text, n) => expect(numberTyped(text)).toBe(n));

it.each(['', 'abc', '0,001', '1,5', '10,00', '1,000_000', '007', '0x10', 'Infinity', '1e999', '1-2'])('%j is no number', (text) =>
  expect(numberTyped(text)).toBeNull(),
);

it('a whole number may be typed with an exponent, but not with a fraction or beyond what is exact', () => {
  expect(['1e3', '2.5e3', '1.5', '9007199254740993'].map(wholeTyped)).toEqual([1000, 2500, null, null]);
});

it('a text that may be one value or two names both ways to write it', () => {
  expect(unsure('0,5')).toBe('"0,5" may be one value or two: write 0.5, or "0, 5"');
  expect(unsure('128,256')).toBe('"128,256" may be one value or two: write 128256, or "128, 256"');
  for (const sure of ['10,000', '1,000,000', '0, 5', '128, 256', '5']) expect(unsure(sure)).toBeNull();
});

it('no field asks a phone for its keypad of decimals', () => {
  const files = execFileSync('git', ['ls-files', 'app'], { cwd: root, encoding: 'utf8' }).split('\n');
  const components = files.filter((file) => file.endsWith('.tsx'));
  expect(components.length).toBeGreaterThan(200);
  expect(components.filter((file) => /inputMode=.*decimal/.test(readFileSync(`${root}/${file}`, 'utf8')))).toEqual([]);
});
