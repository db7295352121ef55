import { expect, it } from 'vitest';
import { formatPercent, wholeNumber } from '~/shared/numbers';

it('a share is written in percent without digits that say nothing, and only 1 is 100 %', () => {
  const shares = [0, 0.5, 0.98765, 0.99949, 0.99996, 0.9999999, 1, 1.5, -0.25, Number.NaN, Number.POSITIVE_INFINITY];
  expect(shares.map((share) => formatPercent(share))).toEqual([
    '0 %',
    '50 %',
    '98.77 %',
    '99.95 %',
    '99.99 %',
    '99.99 %',
    '100 %',
    '150 %',
    '−25 %',
    'NaN',
    '∞',
  ]);
  expect([formatPercent(0.9999999, 6), formatPercent(0.999996, 6)]).toEqual(['99.9999 %', '99.9996 %']);
});

it('a whole number has its thousands separated', () => {
  expect([0, 999, 1000, 12345.6, -1234567, 1e21].map(wholeNumber)).toEqual([
    '0',
    '999',
    '1,000',
    '12,346',
    '-1,234,567',
    '1,000,000,000,000,000,000,000',
  ]);
});
