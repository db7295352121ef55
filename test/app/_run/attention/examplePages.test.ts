import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describePage, pagedSplits, readPage } from '~/app/_run/attention/examplePages';
import { parseSetNumbers } from '~/trainer/recipes/anomaly';

const sizes = { train: 1000, validation: 1000, test: 1000 };

describe('a page of sets', () => {
  it('is read back as it was written, and the trainer reads the same sets', () => {
    fc.assert(
      fc.property(
        fc.record({ split: fc.constantFrom(...pagedSplits), first: fc.nat(900), size: fc.integer({ min: 1, max: 64 }) }),
        (page) => {
          expect(readPage(describePage(page))).toEqual(page);
          expect(parseSetNumbers(describePage(page), sizes)).toEqual({
            split: page.split,
            numbers: Array.from({ length: page.size }, (_, i) => page.first + i),
          });
        },
      ),
      { seed: 1 },
    );
  });

  it.each([
    ['test 3 14 15', null],
    ['test 4 3', null],
    ['test', null],
    ['', null],
    [null, null],
    [7, null],
    ['train 1 2', null],
    ['test x', null],
    ['5, 6; 7', { split: 'validation', first: 5, size: 3 }],
    ['test 9', { split: 'test', first: 9, size: 1 }],
  ])('%j is %j', (value, page) => expect(readPage(value)).toEqual(page));
});
