import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shortNames } from '~/app/_charts/shortNames';

const within = (letters: number) => (name: string) => name.length <= letters;

it('parameters that end alike are told apart', () => {
  const names = ['L1 linear1.weight', 'L1 linear2.weight', 'L2 linear1.weight', 'L1 norm1.bias'];
  expect(shortNames(names, within(13))).toEqual(['L1 line1.weig', 'L1 line2.weig', 'L2 line1.weig', 'L1 norm1.bias']);
});

it('what has room stays as it is', () => {
  expect(shortNames(['a.weight', 'b.weight'], within(8))).toEqual(['a.weight', 'b.weight']);
});

it('short names are as many as the names, and fit unless nothing does', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.stringMatching(/^[a-z0-9.]{1,40}$/), { maxLength: 8 }),
      fc.integer({ min: 6, max: 40 }),
      (names, most) => {
        const short = shortNames(names, within(most));
        expect(new Set(short).size).toBe(names.length);
        for (const name of short) expect(name.length).toBeLessThanOrEqual(most);
      },
    ),
    { seed: 11 },
  );
});
