import type { EmaState } from './ema';

/**
 * Min/max reduction of rows that keeps every spike: a bucket of steps holds, per series, the extremes, the last value, the sum
 * and the number of non-finite values. Buckets merge associatively, so levels of 16 rows build on each other (server) and live
 * rows append to a drawn range (browser). Only buckets that hold a row are listed, so that the cost of a range depends on its
 * rows and the pixels requested, never on step numbers.
 */

/** The contents of a bucket for one series; arrays are [n], one element per bucket, in step order. */
export interface Stats {
  /** Finite extremes; NaN when the bucket has no finite value. */
  min: Float64Array;
  max: Float64Array;
  /** Last value of the bucket, unchanged: may be NaN or infinite. */
  last: Float64Array;
  /** Sum of finite values. */
  sum: Float64Array;
  /** Number of values that are NaN or infinite. */
  nonFinite: Int32Array;
}

/** The steps that the buckets of a series cover; series of one stream share these arrays. */
export interface Buckets {
  /** A power of two: bucket k of the grid holds the steps from k * bucketSteps on. 1 = one row per bucket. */
  bucketSteps: number;
  /** [n] first and last step in the bucket. */
  steps: Float64Array;
  lastSteps: Float64Array;
  /** [n] rows in the bucket, at least 1. */
  rows: Int32Array;
  /**
   * [n] time at which the bucket's last row was measured or committed, ms since 1970; left out where it is not known (a replay
   * file).
   */
  times?: Float64Array;
}

/** One reduced range of one series. */
export interface ReducedSeries extends Buckets, Stats {
  /**
   * Only when smoothing was requested: the moving average (ema.ts) over all values of the series from its first row to the
   * bucket's last, whatever the range and width of the buckets; NaN where a bucket has no finite value.
   */
  ema?: Float64Array;
  /** Its state at the end of the range, from which later rows continue. */
  emaEnd?: EmaState;
}

export interface RangeAnswer {
  /** One above the highest step in force of any stream, or the step at which the run last resumed, whichever is higher. */
  headStep: number;
  /**
   * In the order requested, or of declaration; names are data, so this is a list. Series that the run does not have are left out;
   * series without a row in the range have no bucket.
   */
  series: ({ name: string; stream: string } & ReducedSeries)[];
}

export const emptyStats = (count: number): Stats => ({
  min: new Float64Array(count).fill(Number.NaN),
  max: new Float64Array(count).fill(Number.NaN),
  last: new Float64Array(count).fill(Number.NaN),
  sum: new Float64Array(count),
  nonFinite: new Int32Array(count),
});

/** Adds one value to bucket `i`; values must arrive in step order so that `last` is the last. */
export function addValue(s: Stats, i: number, value: number): void {
  s.last[i] = value;
  if (!Number.isFinite(value)) {
    s.nonFinite[i]! += 1;
    return;
  }
  s.sum[i]! += value;
  if (!(s.min[i]! <= value)) s.min[i] = value;
  if (!(s.max[i]! >= value)) s.max[i] = value;
}

/** Merges bucket `j` of `from` into bucket `i` of `into`; `from` holds the later steps. */
export function mergeBucket(into: Stats, i: number, from: Stats, j: number): void {
  into.last[i] = from.last[j]!;
  into.nonFinite[i]! += from.nonFinite[j]!;
  into.sum[i]! += from.sum[j]!;
  if (!(into.min[i]! <= from.min[j]!) && !Number.isNaN(from.min[j]!)) into.min[i] = from.min[j]!;
  if (!(into.max[i]! >= from.max[j]!) && !Number.isNaN(from.max[j]!)) into.max[i] = from.max[j]!;
}

/**
 * Mean of the finite values of bucket `i`; without any, its last value (NaN or infinite). Where their sum is not a finite number, the middle of the extremes.
 */
export function meanOf({ min, max, last, sum, nonFinite }: Stats, rows: Int32Array, i: number): number {
  const finite = rows[i]! - nonFinite[i]!;
  if (finite === 0) return last[i]!;
  return Number.isFinite(sum[i]!) ? sum[i]! / finite : min[i]! / 2 + max[i]! / 2;
}

/** Index of the grid's bucket that holds a step. */
export const bucketOf = (step: number, bucketSteps: number): number => Math.floor(step / bucketSteps);

/**
 * Width of the buckets for rows with a given first and last step: one row per bucket when there are at most `buckets` rows, else
 * the least power of two for which at most `buckets` buckets of the grid (from step 0, so that buckets stay in position while a
 * run grows) reach from the first to the last.
 */
export function bucketWidth(firstStep: number, lastStep: number, rows: number, buckets: number): number {
  if (rows <= buckets) return 1;
  let width = 1;
  while (bucketOf(lastStep, width) - bucketOf(firstStep, width) >= buckets) width *= 2;
  return width;
}

/** Buckets under construction: rows, or whole buckets of a finer grid, are added in step order. */
export class BucketList {
  count = 0;
  #key = Number.NaN;
  readonly steps: Float64Array;
  readonly lastSteps: Float64Array;
  readonly times: Float64Array;
  readonly rows: Int32Array;

  /** @param capacity most buckets that will be added */
  constructor(
    readonly bucketSteps: number,
    capacity: number,
  ) {
    this.steps = new Float64Array(capacity);
    this.lastSteps = new Float64Array(capacity);
    this.times = new Float64Array(capacity);
    this.rows = new Int32Array(capacity);
  }

  /** Adds `rows` rows from `first` to `last`, all in one bucket of the grid. @returns the index of their bucket */
  add(first: number, last: number, time: number, rows: number): number {
    const key = bucketOf(first, this.bucketSteps);
    if (key !== this.#key) {
      this.#key = key;
      if (this.count === this.steps.length)
        throw new Error(`buckets of ${this.bucketSteps} steps: more than ${this.count} are needed`);
      this.steps[this.count++] = first;
    }
    const i = this.count - 1;
    this.lastSteps[i] = last;
    this.times[i] = time;
    this.rows[i]! += rows;
    return i;
  }

  /** The next row begins a new bucket, even in the same bucket of the grid. */
  cut(): void {
    this.#key = Number.NaN;
  }

  /** The buckets in the form of the answer; arrays have exactly one element per bucket. */
  buckets(): Required<Buckets> {
    const { count, bucketSteps } = this;
    return {
      bucketSteps,
      steps: this.steps.slice(0, count),
      lastSteps: this.lastSteps.slice(0, count),
      times: this.times.slice(0, count),
      rows: this.rows.slice(0, count),
    };
  }
}

/** A single row: the nearest one before or after a range. */
export interface LoneRow {
  step: number;
  time: number;
}

/**
 * The buckets with those of the rows before and after the range, each in a bucket of its own, whatever its position in the grid.
 */
export function bucketsAround(b: Required<Buckets>, before: LoneRow | null, after: LoneRow | null): Required<Buckets> {
  const steps = (key: 'step' | 'time', inside: Float64Array) => around(inside, before?.[key] ?? null, after?.[key] ?? null);
  return {
    bucketSteps: b.bucketSteps,
    steps: steps('step', b.steps),
    lastSteps: steps('step', b.lastSteps),
    times: steps('time', b.times),
    rows: Int32Array.from([...(before ? [1] : []), ...b.rows, ...(after ? [1] : [])]),
  };
}

/** The same for the statistics of one series; null = there is no such row. */
export function statsAround(s: Stats, before: number | null, after: number | null): Stats {
  if (before === null && after === null) return s;
  const lone = (value: number | null) => {
    const one = emptyStats(value === null ? 0 : 1);
    if (value !== null) addValue(one, 0, value);
    return one;
  };
  const [first, last] = [lone(before), lone(after)];
  const joined = (key: Exclude<keyof Stats, 'nonFinite'>) => Float64Array.from([...first[key], ...s[key], ...last[key]]);
  return {
    min: joined('min'),
    max: joined('max'),
    last: joined('last'),
    sum: joined('sum'),
    nonFinite: Int32Array.from([...first.nonFinite, ...s.nonFinite, ...last.nonFinite]),
  };
}

/** Adds a number before and one after; null = none. */
export const around = (inside: Float64Array, before: number | null, after: number | null): Float64Array =>
  before === null && after === null
    ? inside
    : Float64Array.from([...(before === null ? [] : [before]), ...inside, ...(after === null ? [] : [after])]);

export const statsOf = (s: Stats, count: number): Stats =>
  s.min.length === count
    ? s
    : {
        min: s.min.slice(0, count),
        max: s.max.slice(0, count),
        last: s.last.slice(0, count),
        sum: s.sum.slice(0, count),
        nonFinite: s.nonFinite.slice(0, count),
      };
