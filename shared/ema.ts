/**
 * Debiased exponential moving average, counted per finite value: s_n = w s_(n-1) + (1 - w) v_n, shown as s_n / (1 - w^n). NaN and
 * infinities are left out, as in TensorBoard. Server and browser process values in step order with these same operations, so that
 * a line continued live equals one read from the server, bit for bit.
 */
export interface EmaState {
  /** s_n: biased towards 0. */
  value: number;
  /** n: number of finite values so far. */
  seen: number;
}

export const emaStart: EmaState = { value: 0, seen: 0 };

/** The state after one more value. */
export const emaNext = ({ value, seen }: EmaState, weight: number, added: number): EmaState =>
  Number.isFinite(added) ? { value: weight * value + (1 - weight) * added, seen: seen + 1 } : { value, seen };

/** The value that is shown; NaN before the first finite value. */
export const debiased = (value: number, seen: number, weight: number): number =>
  seen === 0 ? Number.NaN : value / (1 - weight ** seen);
