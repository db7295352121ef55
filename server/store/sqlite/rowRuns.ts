import type { Column } from './columns';
import { STRIPE } from './layout';

/** Adjacent rows of one stripe. Index i is row `firstRow + i`. */
export interface RowRun {
  firstRow: number;
  /** Requested indices, within the stored ones. */
  from: number;
  to: number;
  /** By index. */
  steps(): Float64Array;
  times(): Float64Array;
  /** Column i of the stripe, by index. */
  column(i: number): Column;
}

/** Rows as arrays: steps and times [n], values [n, width] row-major. */
export interface RowArrays {
  steps: Float64Array;
  times: Float64Array;
  values: Float64Array;
}

/** All rows of a block that are there. */
export interface BlockRun extends Omit<RowRun, 'from' | 'to'> {
  count: number;
}

export const stripesOf = (width: number): number => Math.ceil(width / STRIPE);

export const rowArrays = (count: number, width: number): RowArrays => ({
  steps: new Float64Array(count),
  times: new Float64Array(count),
  values: new Float64Array(count * width),
});

/** Copies a run of a stripe into arrays whose first row is `first`; steps and times come with the first stripe. */
export function copyRun(run: RowRun, stripe: number, { steps, times, values }: RowArrays, first: number, width: number): void {
  const at = run.firstRow - first;
  if (stripe === 0) {
    steps.set(run.steps().subarray(run.from, run.to), at + run.from);
    times.set(run.times().subarray(run.from, run.to), at + run.from);
  }
  for (let c = stripe * STRIPE; c < Math.min(width, (stripe + 1) * STRIPE); c++) {
    const column = run.column(c - stripe * STRIPE);
    for (let k = run.from; k < run.to; k++) values[(at + k) * width + c] = column.values[column.offset + k * column.stride]!;
  }
}
