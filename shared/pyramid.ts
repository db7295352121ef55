import type { EmaState } from './ema';

/**
 * Min/max reduction of step rows that keeps every spike: a bucket of consecutive steps holds, per series, the extremes, the last value, the sum and the number of
 * non-finite values. Buckets merge associatively, so levels of 16 build on each other (server) and live rows append to a drawn range (browser).
 */

/** One reduced range: `count` buckets of `bucketSteps` steps each, the first beginning at `firstStep`; arrays are [count] per series. The last bucket may be partial. */
export interface Reduced {
  firstStep: number;
  bucketSteps: number;
  count: number;
  /** Steps really present in the bucket (0 = a hole). */
  rows: Int32Array;
  series: Record<string, ReducedSeries>;
}

export interface ReducedSeries {
  /** Finite extremes; NaN when the bucket has no finite value. */
  min: Float64Array;
  max: Float64Array;
  /** Last value of the bucket, as it was: may be NaN or infinite. */
  last: Float64Array;
  /** Sum of finite values. */
  sum: Float64Array;
  /** Values that are NaN or infinite. */
  nonFinite: Int32Array;
  /**
   * Only where a smoothing was asked for: the moving average (ema.ts) over every value from the run's first step to the bucket's last, whatever the range and width of
   * the buckets; NaN where a bucket has no finite value.
   */
  ema?: Float64Array;
  /** Its state at the end of the range: what later rows go on from. */
  emaEnd?: EmaState;
}

export const emptyReduced = (names: string[], firstStep: number, bucketSteps: number, count: number): Reduced => ({
  firstStep,
  bucketSteps,
  count,
  rows: new Int32Array(count),
  series: Object.fromEntries(
    names.map((n) => [
      n,
      {
        min: new Float64Array(count).fill(Number.NaN),
        max: new Float64Array(count).fill(Number.NaN),
        last: new Float64Array(count).fill(Number.NaN),
        sum: new Float64Array(count),
        nonFinite: new Int32Array(count),
      },
    ]),
  ),
});

/** Adds one value to bucket `i`; values must arrive in step order so that `last` is the last. */
export function addValue(s: ReducedSeries, i: number, value: number): void {
  s.last[i] = value;
  if (!Number.isFinite(value)) {
    s.nonFinite[i]! += 1;
    return;
  }
  s.sum[i]! += value;
  if (!(s.min[i]! <= value)) s.min[i] = value;
  if (!(s.max[i]! >= value)) s.max[i] = value;
}

/** Merges bucket `j` of `from` into bucket `i` of `into`; `from` is the later one. */
export function mergeBucket(into: ReducedSeries, i: number, from: ReducedSeries, j: number): void {
  into.last[i] = from.last[j]!;
  into.nonFinite[i]! += from.nonFinite[j]!;
  into.sum[i]! += from.sum[j]!;
  if (!(into.min[i]! <= from.min[j]!) && !Number.isNaN(from.min[j]!)) into.min[i] = from.min[j]!;
  if (!(into.max[i]! >= from.max[j]!) && !Number.isNaN(from.max[j]!)) into.max[i] = from.max[j]!;
}

/**
 * The buckets that answer fromStep..toStep (exclusive): a power of two steps each, on a grid from step 0 so that they stay put while a run grows, at most `buckets` of them.
 * The first and last hold only the rows inside the range asked for.
 */
export function bucketing(
  fromStep: number,
  toStep: number,
  buckets: number,
): { firstStep: number; bucketSteps: number; count: number } {
  for (let bucketSteps = 1; ; bucketSteps *= 2) {
    const first = Math.floor(fromStep / bucketSteps);
    const count = toStep > fromStep ? Math.ceil(toStep / bucketSteps) - first : 0;
    if (count <= buckets) return { firstStep: first * bucketSteps, bucketSteps, count };
  }
}
