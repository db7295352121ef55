import type { Curve } from './curve';

/** State of a debiased exponential moving average: `value` is biased towards 0, `seen` finite values went in. */
export interface EmaState {
  value: number;
  seen: number;
}

export const emaStart: EmaState = { value: 0, seen: 0 };

/**
 * Debiased exponential moving average at the end of every bucket: s_n = w s_(n-1) + (1-w) v_n, shown as s_n / (1 - w^n), counted per *step*, so that the curve
 * of a prefix does not depend on how long the run becomes. A bucket of k steps is taken as k times its mean: exact where buckets are single steps, and
 * otherwise off by at most the bucket's spread times 1 - w^k. Non-finite values are left out; before the first finite value, and in holes, NaN.
 *
 * @param weight 0 (no smoothing) <= w < 1
 * @returns [curve.count]
 */
export function smooth(curve: Curve, weight: number, start: EmaState = emaStart): Float64Array {
  if (!(weight >= 0 && weight < 1)) throw new RangeError(`smoothing ${weight} must be from 0 up to, not including, 1`);
  const out = new Float64Array(curve.count).fill(Number.NaN);
  let { value, seen } = start;
  for (let i = 0; i < curve.count; i++) {
    const n = curve.rows[i]! - curve.values.nonFinite[i]!;
    if (n <= 0) continue;
    const keep = weight ** n;
    value = keep * value + (1 - keep) * (curve.values.sum[i]! / n);
    seen += n;
    out[i] = value / (1 - weight ** seen);
  }
  return out;
}

/** The average's state just before `step`, from a curve that begins earlier: what a zoomed curve goes on from. */
export function emaBefore(curve: Curve, weight: number, step: number): EmaState {
  let { value, seen } = emaStart;
  for (let i = 0; i < curve.count && curve.firstStep + i * curve.bucketSteps < step; i++) {
    const n = curve.rows[i]! - curve.values.nonFinite[i]!;
    if (n <= 0) continue;
    const inside = Math.min(1, (step - curve.firstStep - i * curve.bucketSteps) / curve.bucketSteps);
    const keep = weight ** (n * inside);
    value = keep * value + (1 - keep) * (curve.values.sum[i]! / n);
    seen += n * inside;
  }
  return { value, seen };
}
