/** What the rows that were read say about the axes of the charts. */
import type { Curve } from '~/app/_charts/curve';
import type { TimeAnchor } from '~/app/_charts/xMap';
import type { Level } from './levels';

/** First step of the axis. @param head number of steps done */
export function firstStepOf(whole: Level | null, head: number): number {
  let first = Number.POSITIVE_INFINITY;
  for (const c of whole?.curves.values() ?? []) first = Math.min(first, c.firstStep);
  // An axis of steps begins at 0, unless rows would fill less than half of it, e.g. token counts continued from another run.
  return Number.isFinite(first) && (first < 0 || first > head / 2) ? first : 0;
}

/** Approximate number of steps between two rows. */
export function strideOf(whole: Level | null): number {
  const c = longest(whole);
  return c && c.total > 1 ? Math.max(1, Math.round((c.lastStep - c.firstStep) / (c.total - 1))) : 1;
}

/** Times at which steps were reached, also from the range shown. */
export function timesOf(whole: Level | null, shown: Level): TimeAnchor[] {
  const all = longest(whole);
  const zoomed = all && shown.toStep !== null ? shown.curves.get(all.name) : null;
  return [all, zoomed].flatMap((c) => (c ? anchorsOf(c, c.times) : []));
}

/** One number per bucket, by the bucket's last step; what is not finite is left out. */
export function anchorsOf(curve: Curve, values: Float64Array): TimeAnchor[] {
  const out: TimeAnchor[] = [];
  for (let i = 0; i < curve.count; i++) if (Number.isFinite(values[i]!)) out.push({ step: curve.lastSteps[i]!, at: values[i]! });
  return out;
}

/** The curve with the most rows. */
function longest(level: Level | null): Curve | null {
  let most: Curve | null = null;
  for (const c of level?.curves.values() ?? []) if (!most || c.total > most.total) most = c;
  return most;
}
