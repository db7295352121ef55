import { debiased, type EmaState, emaNext, emaStart } from '~/shared/ema';
import { addValue, bucketOf, emptyStats, meanOf, mergeBucket, type ReducedSeries, type Stats } from '~/shared/pyramid';

/** Names of the columns with one number per bucket. */
const columns = ['min', 'max', 'last', 'sum', 'nonFinite'] as const;

/**
 * One series of one run over a range of steps, reduced to a bounded number of buckets; lines are drawn from it. Only buckets with rows are stored, so that the cost
 * depends on the number of rows and never on the step numbers. Rows are appended at its end; when it is full, neighboring buckets merge and the bucket
 * width doubles, so that memory is bounded and no extreme is ever lost.
 *
 * Invariants: buckets ascend and do not overlap; bucket i holds `rows[i]` > 0 rows, of the steps steps[i] .. lastSteps[i], all in one cell of a grid from step 0
 * whose cells are `bucketSteps` (a power of two) wide; count <= capacity. A zoomed range may have one bucket more on either side: the nearest row outside.
 */
export class Curve {
  bucketSteps = 1;
  count = 0;
  /** Rows were skipped inside the range: only reading the range again adds them. */
  holes = false;
  /** Incremented by every change. */
  version = 0;
  /** Number of rows in all buckets. */
  total = 0;
  /** First and last step with a row, per bucket, [capacity]. */
  readonly steps: Float64Array;
  readonly lastSteps: Float64Array;
  /** When the bucket's last row was logged, ms since 1970, [capacity]; NaN where that is not known. */
  readonly times: Float64Array;
  /** Rows per bucket, [capacity]. */
  readonly rows: Int32Array;
  /** [capacity] each. */
  readonly values: Stats;
  /**
   * Moving average (shared/ema.ts) over every raw value of the series up to a bucket's last row, [capacity]; NaN where there is none. Each new row updates
   * it while `smoothing` is set.
   */
  readonly ema: Float64Array;
  /** Weight of the moving average; null: there is none, or it cannot be continued and must be read again. */
  smoothing: number | null = null;
  private emaState: EmaState = emaStart;

  constructor(
    readonly name: string,
    readonly capacity: number,
    /** Exclusive end of the range; null = grows with the run. */
    readonly toStep: number | null,
  ) {
    if (!(capacity >= 2)) throw new RangeError(`curve ${name}: capacity ${capacity} must be at least 2`);
    const numbers = () => new Float64Array(capacity).fill(Number.NaN);
    this.steps = numbers();
    this.lastSteps = numbers();
    this.times = numbers();
    this.rows = new Int32Array(capacity);
    this.ema = numbers();
    this.values = emptyStats(capacity);
  }

  /**
   * From the response to a range query. A series without rows there (null) gives an empty curve. Every bucket keeps its position and width.
   *
   * @param smoothing the requested weight
   */
  static of(
    name: string,
    from: ReducedSeries | null,
    capacity: number,
    toStep: number | null,
    smoothing: number | null = null,
  ): Curve {
    const count = from?.steps.length ?? 0;
    const curve = new Curve(name, Math.max(2, capacity, count), toStep);
    if (from) {
      curve.bucketSteps = from.bucketSteps;
      curve.count = count;
      curve.steps.set(from.steps);
      curve.lastSteps.set(from.lastSteps);
      curve.rows.set(from.rows);
      if (from.times) curve.times.set(from.times);
      for (const key of columns) curve.values[key].set(from[key] as never);
      for (let i = 0; i < count; i++) curve.total += curve.rows[i]!;
    }
    if (smoothing !== null) {
      curve.average(smoothing, from?.emaEnd);
      if (from?.ema) curve.ema.set(from.ema);
    }
    return curve;
  }

  /** Maintains a moving average from here on; `state`: of the rows before. */
  average(weight: number, state: EmaState = emaStart): void {
    if (!(weight >= 0 && weight < 1)) throw new RangeError(`smoothing ${weight} must be from 0 up to, not including, 1`);
    this.smoothing = weight;
    this.emaState = state;
  }

  /** Step of the newest row; -Infinity without rows. */
  get lastStep(): number {
    return this.count > 0 ? this.lastSteps[this.count - 1]! : Number.NEGATIVE_INFINITY;
  }

  /** Step of the first row; Infinity without rows. */
  get firstStep(): number {
    return this.count > 0 ? this.steps[0]! : Number.POSITIVE_INFINITY;
  }

  /** Whether a bucket holds several rows: the line is then a mean with an envelope. */
  get dense(): boolean {
    return this.total > this.count;
  }

  /**
   * Adds the row of one step, unless the curve already has it. Missing steps between two rows are not a gap. A range that ends takes one row beyond its end,
   * so that its line continues to the edge of the plot.
   */
  append(step: number, value: number, time = Number.NaN): void {
    const last = this.lastStep;
    if (step <= last || (this.toStep !== null && last >= this.toStep)) return;
    let i = this.count - 1;
    if (i < 0 || this.cell(step) !== this.cell(last)) {
      while (this.count === this.capacity) this.widen();
      i = this.count - 1;
      // Both may be in one cell now that cells are wider.
      if (i < 0 || this.cell(step) !== this.cell(last)) {
        i = this.count++;
        this.steps[i] = step;
      }
    }
    addValue(this.values, i, value);
    this.lastSteps[i] = step;
    this.times[i] = time;
    this.rows[i]! += 1;
    this.total++;
    if (this.smoothing !== null && Number.isFinite(value)) {
      this.emaState = emaNext(this.emaState, this.smoothing, value);
      this.ema[i] = debiased(this.emaState.value, this.emaState.seen, this.smoothing);
    }
    this.version++;
  }

  /** Marks that rows before the newest one are missing: the moving average stops, and only a new read adds the rows. */
  tear(): void {
    this.holes = true;
    this.smoothing = null;
    this.version++;
  }

  /**
   * Removes all rows from `step` on. A bucket that loses only part of its rows is removed as a whole and sets `holes`, and a moving average ends: only a new read
   * can restore them.
   */
  cut(step: number): void {
    if (step > this.lastStep) return;
    this.smoothing = null;
    while (this.count > 0 && this.lastSteps[this.count - 1]! >= step) {
      const i = --this.count;
      if (this.steps[i]! < step) this.holes = true;
      this.total -= this.rows[i]!;
      this.clear(i);
    }
    this.version++;
  }

  /** Index of the last bucket that begins at or before `step`; -1 before the first. */
  at(step: number): number {
    const { steps } = this;
    let lo = -1;
    let hi = this.count;
    while (hi - lo > 1) {
      const mid = (lo + hi) >> 1;
      if (steps[mid]! <= step) lo = mid;
      else hi = mid;
    }
    return lo;
  }

  /** Mean of the bucket's finite values; without any, its last value (NaN or infinite). */
  mean(i: number): number {
    return meanOf(this.values, this.rows, i);
  }

  /** Rows whose value is NaN or infinite. */
  nonFiniteCount(): number {
    let n = 0;
    for (let i = 0; i < this.count; i++) n += this.values.nonFinite[i]!;
    return n;
  }

  private cell(step: number): number {
    return bucketOf(step, this.bucketSteps);
  }

  /** Doubles the width of the cells; buckets in the same cell merge. */
  private widen(): void {
    this.bucketSteps *= 2;
    const { values, rows, ema, steps, lastSteps, times } = this;
    let into = -1;
    for (let i = 0; i < this.count; i++) {
      if (into >= 0 && this.cell(steps[i]!) === this.cell(steps[into]!)) {
        mergeBucket(values, into, values, i);
        rows[into]! += rows[i]!;
        lastSteps[into] = lastSteps[i]!;
        times[into] = times[i]!;
        if (!Number.isNaN(ema[i]!)) ema[into] = ema[i]!;
        continue;
      }
      into++;
      if (into === i) continue;
      for (const key of columns) values[key][into] = values[key][i]!;
      for (const column of [rows, ema, steps, lastSteps, times]) column[into] = column[i]!;
    }
    for (let i = into + 1; i < this.count; i++) this.clear(i);
    this.count = into + 1;
  }

  private clear(i: number): void {
    const { min, max, last, sum, nonFinite } = this.values;
    min[i] = max[i] = last[i] = this.ema[i] = this.steps[i] = this.lastSteps[i] = this.times[i] = Number.NaN;
    sum[i] = nonFinite[i] = this.rows[i] = 0;
  }
}
