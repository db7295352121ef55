/** The rows of an event: their steps and numbers. Apart from the schemas, which a page that only shows runs does not load. */
import type { RunEvent } from './events';
import type { Rows } from './series';

export const rowCount = ({ steps }: Pick<Rows, 'steps'>): number => (steps instanceof Float64Array ? steps.length : steps.count);
export const stepAt = ({ steps }: Pick<Rows, 'steps'>, row: number): number =>
  steps instanceof Float64Array ? steps[row]! : steps.first + row;
export const firstStepOf = (rows: Pick<Rows, 'steps'>): number => stepAt(rows, 0);
export const lastStepOf = (rows: Pick<Rows, 'steps'>): number => stepAt(rows, rowCount(rows) - 1);
/**
 * The step of a run once it has this event: the one after its last row, and no less than that of anything it has recorded, e.g. of an
 * evaluation in a run without rows; the last of all steps has none after it. A run begins at step 0, and its first rows may lie
 * below. `begun`: it has other rows.
 */
export function stepWith(event: RunEvent, step: number, begun: () => boolean): number {
  switch (event.type) {
    case 'rows': {
      const next = Math.min(lastStepOf(event) + 1, Number.MAX_SAFE_INTEGER);
      return next > step || (step === 0 && !begun()) ? next : step;
    }
    case 'evaluation':
    case 'snapshot':
    case 'checkpoint':
    case 'media':
      return Math.max(step, event.step);
    default:
      return step;
  }
}
/** Number of values in a row. */
export const widthOf = (rows: Pick<Rows, 'steps' | 'values'>): number => rows.values.length / rowCount(rows);

/** Rows `from` to `to` (exclusive) of an event; shares its arrays. */
export function rowsBetween(rows: Rows, from: number, to: number): Rows {
  const { steps, times, values } = rows;
  const width = widthOf(rows);
  return {
    type: 'rows',
    stream: rows.stream,
    steps: steps instanceof Float64Array ? steps.subarray(from, to) : { first: steps.first + from, count: to - from },
    ...(times && { times: times.subarray(from, to) }),
    values: values.subarray(from * width, to * width),
  };
}

/** The same rows, with consecutive steps written as a range. */
export function withPlainSteps(rows: Rows): Rows {
  const { steps } = rows;
  if (!(steps instanceof Float64Array) || !consecutive(steps)) return rows;
  return { ...rows, steps: { first: steps[0]!, count: steps.length } };
}

export function consecutive(steps: Float64Array): boolean {
  const first = steps[0]!;
  // Comparing the ends suffices, as steps ascend.
  return steps[steps.length - 1]! - first === steps.length - 1;
}

/** Number of seqs that an event takes. */
export const seqCount = (event: RunEvent): number => (event.type === 'rows' ? rowCount(event) : 1);

/** Index of the first of these ascending steps that is not below `step`. */
export function firstAt(steps: Float64Array, step: number): number {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle]! < step) low = middle + 1;
    else high = middle;
  }
  return low;
}
