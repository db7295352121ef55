import { expect, it } from 'vitest';
import { initials } from '~/app/_components/Avatars';
import { ago, bytes, count, dateTime, duration, isoTime, measured, percent, withUnit } from '~/app/_components/format';

it.each([
  [null, '–'],
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, '∞'],
  [Number.NEGATIVE_INFINITY, '−∞'],
  [0, '0'],
  [0.012345, '0.01235'],
  [4.871e-7, '4.87e-7'],
  [-0.0005, '-5.00e-4'],
  [12.3456, '12.35'],
  [123456, '123,456'],
  [2e6, '2.00e6'],
])('a measured %s reads %s', (n, text) => expect(measured(n)).toBe(text));

it('shares are percent, and what is no number says so', () => {
  expect([percent(0.98765), percent(1), percent(0), percent(null), percent(Number.NaN)]).toEqual([
    '98.77 %',
    '100 %',
    '0 %',
    '–',
    'NaN',
  ]);
});

it.each([
  ['Warm-up', 'steps', 'Warm-up (steps)'],
  ['Time', 's', 'Time (s)'],
  ['Seeds', 's', 'Seeds (s)'],
  ['Parts of a batch', 'parts', 'Parts of a batch'],
  ['Validation examples', 'examples', 'Validation examples'],
  ['Seed', null, 'Seed'],
])('%s in %s is called %s', (label, unit, text) => expect(withUnit(label, unit)).toBe(text));

it('durations read as a clock, from a day on as days and hours', () => {
  expect([0, 83_000, 3_723_000, 200_000_000, -5].map(duration)).toEqual(['0:00', '1:23', '1:02:03', '2 d 7 h', '0:00']);
});

it('what is no time is shown as what it is, and nothing throws: ns, µs, NaN, infinities', () => {
  const wrong = [1.7e18, -8.65e15, Number.NaN, Number.POSITIVE_INFINITY];
  expect(wrong.map(dateTime)).toEqual(['1.70e18 (not a time)', '-8.65e15 (not a time)', 'NaN (not a time)', '∞ (not a time)']);
  expect(wrong.map((t) => isoTime(t))).toEqual([undefined, undefined, undefined, undefined]);
  expect(wrong.map((t) => ago(t, 1_000))).toEqual(wrong.map(dateTime));
  expect([Number.NaN, Number.POSITIVE_INFINITY].map(duration)).toEqual(['NaN', '∞']);
  expect(isoTime(0)).toBe('1970-01-01T00:00:00.000Z');
});

it('moments read as how long ago; one of a clock ahead of ours is now', () => {
  const now = 1_000_000_000;
  expect([0, 12, 300, 10_800, 172_800, -60].map((s) => ago(now - s * 1000, now))).toEqual([
    'now',
    '12 s',
    '5 min',
    '3 h',
    '2 d',
    'now',
  ]);
});

it('counts are grouped, bytes carry their unit', () => {
  expect([count(12345), bytes(0), bytes(999), bytes(1536), bytes(2_500_000)]).toEqual([
    '12,345',
    '0 B',
    '999 B',
    '1.5 kB',
    '2.5 MB',
  ]);
});

it('initials are of the first two words, whole characters', () => {
  expect([initials('Ada Lovelace King'), initials('élan'), initials('𝒳 y'), initials('  ')]).toEqual(['AL', 'É', '𝒳Y', '?']);
});
