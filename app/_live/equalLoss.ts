import type { Curve } from '~/app/_charts/curve';
import { middle } from '~/app/_charts/strokes';

/**
 * What "at equal loss" means, wherever runs stand beside each other: the first step by which a run's smoothed loss (the moving average of every row, which a single
 * lucky batch does not move much) is at or below a level.
 */

/** Where the loss stands at the end of a bucket: its moving average; the bucket's mean where there is none. */
export const lossAt = (loss: Curve, i: number): number => (Number.isNaN(loss.ema[i]!) ? loss.mean(i) : loss.ema[i]!);

/** First step by which the smoothed loss is at or below `level`; null = never. */
export function stepAtLoss(loss: Curve, level: number): number | null {
  for (let i = 0; i < loss.count; i++) if (lossAt(loss, i) <= level) return Math.round(middle(loss, i));
  return null;
}

/** The lowest smoothed loss reached by a step; null = none is a number. Of the run's very first bucket also before its middle. */
export function lowestLoss(loss: Curve, byStep = Number.POSITIVE_INFINITY): number | null {
  let lowest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < loss.count && (lowest === Number.POSITIVE_INFINITY || middle(loss, i) <= byStep); i++)
    lowest = Math.min(lowest, Number.isNaN(lossAt(loss, i)) ? lowest : lossAt(loss, i));
  return Number.isFinite(lowest) ? lowest : null;
}

/** The lowest smoothed loss that every one of these has reached; null when one has none. */
export function commonLoss(losses: readonly (Curve | null)[]): number | null {
  let worst = Number.NEGATIVE_INFINITY;
  for (const loss of losses) {
    const best = loss && lowestLoss(loss);
    if (best === null) return null;
    worst = Math.max(worst, best);
  }
  return Number.isFinite(worst) ? worst : null;
}
