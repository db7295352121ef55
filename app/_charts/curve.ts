import { debiased, type EmaState, emaNext, emaStart } from '~/shared/ema';
import { addValue, mergeBucket, type Reduced, type ReducedSeries } from '~/shared/pyramid';

/**
 * One series of one run over a range of steps, reduced to a bounded number of buckets: what a line is drawn from. It grows at its end as rows arrive; when it
 * is full, neighbouring buckets merge and the bucket width doubles, so that memory is bounded and no extreme is ever lost.
 *
 * Invariants: buckets are consecutive and equally wide; rows of steps below `headStep` are in (or are holes), later ones are not; count <= capacity.
 */
export class Curve {
  firstStep: number;
  bucketSteps: number;
  count: number;
  /** Next step that is missing at the end. */
  headStep: number;
  /** Rows were skipped inside the range: read it again to fill them in. */
  holes = false;
  /** Empty buckets between others are no holes: they are only finer than the steps there (a curve carried to another axis). */
  sparse = false;
  /** Raised by every change. */
  version = 0;
  /** Steps present per bucket, [capacity]. */
  readonly rows: Int32Array;
  /** [capacity] each. */
  readonly values: Omit<ReducedSeries, 'ema' | 'emaEnd'>;
  /**
   * Moving average (shared/ema.ts) over every raw value of the run up to a bucket's last step, [capacity]; NaN where there is none. It goes on row by row while
   * `smoothing` is set.
   */
  readonly ema: Float64Array;
  /** Weight of the moving average; null: there is none, or it cannot go on (it is then read anew). */
  smoothing: number | null = null;
  private emaState: EmaState = emaStart;

  constructor(
    readonly name: string,
    readonly capacity: number,
    /** Exclusive end of the range; null = grows with the run. */
    readonly toStep: number | null,
    firstStep = 0,
  ) {
    if (!(capacity >= 2)) throw new RangeError(`curve ${name}: capacity ${capacity} must be at least 2`);
    this.firstStep = firstStep;
    this.bucketSteps = 1;
    this.count = 0;
    this.headStep = firstStep;
    this.rows = new Int32Array(capacity);
    this.ema = new Float64Array(capacity).fill(Number.NaN);
    this.values = {
      min: new Float64Array(capacity).fill(Number.NaN),
      max: new Float64Array(capacity).fill(Number.NaN),
      last: new Float64Array(capacity).fill(Number.NaN),
      sum: new Float64Array(capacity),
      nonFinite: new Int32Array(capacity),
    };
  }

  /**
   * From a range answer whose rows end before `headStep`. A series that the answer lacks (a run that has not begun) gives an empty curve.
   * Every bucket keeps its place and width; a range that ended in holes keeps them. `smoothing`: the weight that was asked for.
   */
  static of(
    name: string,
    answer: Reduced & { headStep: number },
    capacity: number,
    fromStep: number,
    toStep: number | null,
    smoothing: number | null = null,
  ): Curve {
    const curve = new Curve(name, Math.max(2, capacity, answer.count), toStep, answer.count > 0 ? answer.firstStep : fromStep);
    const from = answer.series[name];
    if (from && answer.count > 0) {
      curve.bucketSteps = answer.bucketSteps;
      curve.count = answer.count;
      curve.rows.set(answer.rows.subarray(0, answer.count));
      for (const key of ['min', 'max', 'last', 'sum', 'nonFinite'] as const)
        curve.values[key].set(from[key].subarray(0, answer.count) as never);
    }
    if (smoothing !== null) {
      curve.average(smoothing, from?.emaEnd);
      if (from?.ema) curve.ema.set(from.ema.subarray(0, answer.count));
    }
    curve.headStep = Math.max(curve.firstStep, Math.min(answer.headStep, toStep ?? answer.headStep));
    return curve;
  }

  /** Keeps a moving average from here on; `state`: of what came before. */
  average(weight: number, state: EmaState = emaStart): void {
    if (!(weight >= 0 && weight < 1)) throw new RangeError(`smoothing ${weight} must be from 0 up to, not including, 1`);
    this.smoothing = weight;
    this.emaState = state;
  }

  /** Adds the value of one step. Steps already in are left alone; a jump ahead leaves a hole. */
  append(step: number, value: number): void {
    if (step < this.headStep || (this.toStep !== null && step >= this.toStep)) return;
    if (step > this.headStep) {
      this.holes = true;
      this.smoothing = null;
    }
    let i = Math.floor((step - this.firstStep) / this.bucketSteps);
    while (i >= this.capacity) {
      this.halve();
      i = Math.floor((step - this.firstStep) / this.bucketSteps);
    }
    addValue(this.values, i, value);
    if (this.smoothing !== null && Number.isFinite(value)) {
      this.emaState = emaNext(this.emaState, this.smoothing, value);
      this.ema[i] = debiased(this.emaState.value, this.emaState.seen, this.smoothing);
    }
    this.rows[i]! += 1;
    this.count = Math.max(this.count, i + 1);
    this.headStep = step + 1;
    this.version++;
  }

  /**
   * Takes out everything from `step` on. A bucket that loses only part of its rows is emptied and `holes` set, and a moving average ends: only a new read can
   * restore them.
   */
  cut(step: number): void {
    if (step >= this.headStep) return;
    this.smoothing = null;
    const keep = Math.max(0, Math.floor((step - this.firstStep) / this.bucketSteps));
    if (this.firstStep + keep * this.bucketSteps < step && this.rows[keep]! > 0) this.holes = true;
    for (let i = keep; i < this.count; i++) this.clear(i);
    this.count = Math.min(this.count, keep);
    this.headStep = Math.max(this.firstStep, step);
    this.version++;
  }

  /** Index of the bucket that holds `step`; -1 outside the range or in a hole. */
  at(step: number): number {
    const i = Math.floor((step - this.firstStep) / this.bucketSteps);
    return i >= 0 && i < this.count && this.rows[i]! > 0 ? i : -1;
  }

  /** Mean of the bucket's finite values; the odd value itself (NaN, Infinity) where there is none. */
  mean(i: number): number {
    const finite = this.rows[i]! - this.values.nonFinite[i]!;
    return finite > 0 ? this.values.sum[i]! / finite : this.values.last[i]!;
  }

  /** Steps whose value is NaN or infinite. */
  nonFiniteCount(): number {
    let n = 0;
    for (let i = 0; i < this.count; i++) n += this.values.nonFinite[i]!;
    return n;
  }

  private halve(): void {
    const { values, rows, ema } = this;
    const half = Math.ceil(this.count / 2);
    for (let i = 0; i < half; i++) {
      const a = 2 * i;
      const b = a + 1;
      for (const key of ['min', 'max', 'last', 'sum', 'nonFinite'] as const) values[key][i] = values[key][a]!;
      rows[i] = rows[a]!;
      ema[i] = b < this.count && !Number.isNaN(ema[b]!) ? ema[b]! : ema[a]!;
      if (b < this.count && rows[b]! > 0) {
        mergeBucket(values, i, values, b);
        rows[i]! += rows[b]!;
      }
    }
    for (let i = half; i < this.count; i++) this.clear(i);
    this.count = half;
    this.bucketSteps *= 2;
  }

  private clear(i: number): void {
    const { min, max, last, sum, nonFinite } = this.values;
    min[i] = max[i] = last[i] = this.ema[i] = Number.NaN;
    sum[i] = nonFinite[i] = this.rows[i] = 0;
  }
}
