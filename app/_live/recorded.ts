/** A snapshot as the run's view lists it. */
export interface Recorded {
  step: number;
  seq: number;
  blob: { hash: string; bytes: number };
  examples: number;
}

/**
 * Index of the recorded step nearest to `step`; of two equally near the earlier; -1 for an empty list. `list` ascends by step.
 */
export function nearestIndex(list: readonly { step: number }[], step: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]!.step < step) low = middle + 1;
    else high = middle;
  }
  if (low === list.length) return low - 1;
  if (low === 0) return 0;
  return step - list[low - 1]!.step <= list[low]!.step - step ? low - 1 : low;
}

/** One snapshot per step, ascending: if a step has several, the newest seq counts. */
export function inStepOrder<R extends Recorded>(snapshots: readonly R[]): R[] {
  const byStep = new Map<number, R>();
  for (const s of snapshots) if ((byStep.get(s.step)?.seq ?? 0) < s.seq) byStep.set(s.step, s);
  return [...byStep.values()].sort((a, b) => a.step - b.step);
}
