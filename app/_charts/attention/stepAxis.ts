/** Maps steps to pixels for plots with one value per snapshot: each snapshot covers the steps nearer to it than to its neighbors. */
export interface StepAxis {
  first: number;
  last: number;
  width: number;
  /** The newest step that the run has: what was recorded last covers the steps up to it. */
  newest: number;
}

/** The axis between two steps. */
export const stepAxis = ([first, last]: readonly [number, number], width: number, newest = last): StepAxis => ({
  first,
  last: Math.max(last, first + 1),
  width,
  newest,
});

export const xOf = (axis: StepAxis, step: number): number => ((step - axis.first) / (axis.last - axis.first)) * axis.width;
export const stepAt = (axis: StepAxis, x: number): number =>
  Math.round(axis.first + (Math.max(0, Math.min(axis.width, x)) / axis.width) * (axis.last - axis.first));

/** Index of the snapshot that each pixel column shows, -1 for none. With more snapshots than columns, a column shows the last one that begins in it. */
export function columns(steps: ArrayLike<number>, axis: StepAxis): Int32Array {
  const out = new Int32Array(axis.width).fill(-1);
  for (let n = 0; n < steps.length; n++) {
    const from = n === 0 ? steps[0]! : (steps[n - 1]! + steps[n]!) / 2;
    const to = n === steps.length - 1 ? Math.max(steps[n]!, axis.newest) : (steps[n]! + steps[n + 1]!) / 2;
    const [left, right] = [Math.round(xOf(axis, from)), Math.round(xOf(axis, to))];
    const a = Math.max(0, left);
    const b = Math.min(axis.width, right > left || left < 0 ? right : left + 1);
    if (b > a) out.fill(n, a, b);
  }
  return out;
}
