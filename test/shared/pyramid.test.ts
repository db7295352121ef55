import { describe, expect, it } from 'vitest';
import {
  addValue,
  BucketList,
  bucketsAround,
  bucketWidth,
  emptyStats,
  meanOf,
  mergeBucket,
  type Stats,
  statsAround,
  statsOf,
} from '~/shared/pyramid';

const statsFrom = (...buckets: number[][]): Stats => {
  const stats = emptyStats(buckets.length);
  for (const [i, values] of buckets.entries()) for (const value of values) addValue(stats, i, value);
  return stats;
};
const plain = ({ min, max, last, sum, nonFinite }: Stats) => ({
  min: [...min],
  max: [...max],
  last: [...last],
  sum: [...sum],
  nonFinite: [...nonFinite],
});

describe('the statistics of a bucket', () => {
  it('are the finite extremes and sum, the last value as it is, and the number of values that are not finite', () => {
    expect(plain(statsFrom([2, -1, 3, 1], [5, Number.NaN, Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY]))).toEqual({
      min: [-1, 5, Number.NaN],
      max: [3, 5, Number.NaN],
      last: [1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      sum: [5, 5, 0],
      nonFinite: [0, 2, 1],
    });
  });

  it('merged are those of all the values, also where one of the two has no finite value', () => {
    const parts = [[2, 3], [1, 4], [5, -5], [Number.NaN], [6], []];
    for (const first of parts)
      for (const second of parts.slice(0, -1)) {
        const merged = statsFrom(first);
        mergeBucket(merged, 0, statsFrom([9, 9], second), 1);
        expect(plain(merged), `${first} and ${second}`).toEqual(plain(statsFrom([...first, ...second])));
      }
  });

  it('have a mean, also where the sum of the values is too large for a number', () => {
    const large = 1.5e308;
    const stats = statsFrom([1, 2, Number.NaN], [large, large, large], [large, large, -large, -large], [Infinity]);
    // (1 + 2) / 2; a sum of Infinity; one of Infinity - 2 * large; no finite value.
    expect(stats.sum[1]).toBe(Infinity);
    expect([0, 1, 2, 3].map((i) => meanOf(stats, Int32Array.of(3, 3, 4, 1), i))).toEqual([1.5, large, 0, Infinity]);
  });

  it('are cut to the buckets that are used, and not copied when all are', () => {
    const stats = statsFrom([1], [2], [3]);
    expect(plain(statsOf(stats, 2))).toEqual(plain(statsFrom([1], [2])));
    expect(statsOf(stats, 3)).toBe(stats);
  });
});

describe('the width of buckets', () => {
  it.each([
    [0, 9, 10, 10, 1, 'as many rows as buckets: each row is one'],
    [0, 1_000_000, 10, 10, 1, 'few rows far apart'],
    [0, 15, 16, 8, 2, '16 steps in 8 buckets of 2'],
    [0, 16, 17, 8, 4, 'one step more does not fit'],
    [1, 16, 16, 8, 4, 'the grid begins at step 0: 1-2-...-16 touch 9 buckets of 2'],
    [1000, 1031, 32, 4, 8, 'far from step 0'],
    [-16, -1, 16, 8, 2, 'before step 0'],
  ])('steps %i to %i, %i rows in at most %i buckets: %i (%6$s)', (first, last, rows, buckets, width) => {
    expect(bucketWidth(first, last, rows, buckets)).toBe(width);
  });
});

describe('buckets under construction', () => {
  it('hold the rows of one place of the grid, from their first step to their last, with the time of the last', () => {
    const list = new BucketList(4, 4);
    expect([list.add(1, 1, 100, 1), list.add(3, 3, 101, 1), list.add(4, 7, 102, 4), list.add(13, 13, 103, 1)]).toEqual([
      0, 0, 1, 2,
    ]);
    expect(list.buckets()).toEqual({
      bucketSteps: 4,
      steps: Float64Array.of(1, 4, 13),
      lastSteps: Float64Array.of(3, 7, 13),
      times: Float64Array.of(101, 102, 103),
      rows: Int32Array.of(2, 4, 1),
    });
    list.add(16, 16, 104, 1);
    expect(() => list.add(20, 20, 105, 1)).toThrow('buckets of 4 steps: more than 4 are needed');
  });

  it('begin anew after a cut, even in the same place of the grid', () => {
    const list = new BucketList(4, 2);
    list.add(0, 0, 1, 1);
    list.cut();
    list.add(1, 1, 2, 1);
    expect([...list.buckets().steps]).toEqual([0, 1]);
  });
});

describe('the rows on either side of a range', () => {
  const buckets = {
    bucketSteps: 2,
    steps: Float64Array.of(4),
    lastSteps: Float64Array.of(5),
    times: Float64Array.of(50),
    rows: Int32Array.of(2),
  };
  const stats = statsFrom([7, 8]);
  const [before, after] = [
    { step: 3, time: 30 },
    { step: 9, time: 90 },
  ];

  it.each([
    [before, after, [3, 4, 9], [3, 5, 9], [30, 50, 90], [1, 2, 1]],
    [before, null, [3, 4], [3, 5], [30, 50], [1, 2]],
    [null, after, [4, 9], [5, 9], [50, 90], [2, 1]],
    [null, null, [4], [5], [50], [2]],
  ])('%j and %j are buckets of their own', (first, last, steps, lastSteps, times, rows) => {
    expect(bucketsAround(buckets, first, last)).toEqual({
      bucketSteps: 2,
      steps: Float64Array.from(steps),
      lastSteps: Float64Array.from(lastSteps),
      times: Float64Array.from(times),
      rows: Int32Array.from(rows),
    });
  });

  it.each([
    [1, Number.NaN, statsFrom([1], [7, 8], [Number.NaN])],
    [1, null, statsFrom([1], [7, 8])],
    [null, 2, statsFrom([7, 8], [2])],
  ])('values %d before and %d after have statistics of their own', (first, last, expected) => {
    expect(plain(statsAround(stats, first, last))).toEqual(plain(expected));
  });

  it('that do not exist leave the statistics as they are, uncopied', () => {
    expect(statsAround(stats, null, null)).toBe(stats);
    expect(bucketsAround(buckets, null, null).steps).toBe(buckets.steps);
  });
});
