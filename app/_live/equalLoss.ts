import type { Curve } from '~/app/_charts/curve';
import { middle } from '~/app/_charts/strokes';

/**
 * Defines "equal loss" for comparing runs: the first step at which a run's smoothed loss is at or below a level. The smoothed
 * loss is the moving average of all rows, so that a single lucky batch does not move it much.
 */

/** The loss at the end of a bucket: its moving average, or the bucket's mean if it has none. */
export const lossAt = (loss: Curve, i: number): number => (Number.isNaN(loss.ema[i]!) ? loss.mean(i) : loss.ema[i]!);

/** First step at which the smoothed loss is at or below `level`; null = never. */
export function stepAtLoss(loss: Curve, level: number): number | null {
  for (let i = 0; i < loss.count; i++) if (lossAt(loss, i) <= level) return Math.round(middle(loss, i));
  return null;
}

/** The lowest smoothed loss by a step; null = no value is a number. The first bucket with a value always counts. */
export function lowestLoss(loss: Curve, byStep = Number.POSITIVE_INFINITY): number | null {
  let lowest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < loss.count && (lowest === Number.POSITIVE_INFINITY || middle(loss, i) <= byStep); i++)
    lowest = Math.min(lowest, Number.isNaN(lossAt(loss, i)) ? lowest : lossAt(loss, i));
  return Number.isFinite(lowest) ? lowest : null;
}

/** The lowest smoothed loss that all of these curves have reached, except those without a value; null when none has one. */
export function commonLoss(losses: readonly (Curve | null)[]): number | null {
  const best = losses.flatMap((loss) => (loss && lowestLoss(loss)) ?? []);
  return best.length > 0 ? Math.max(...best) : null;
}
