import type { Curve } from './curve';
import { middle } from './strokes';
import type { ChartCursor } from './types';
import { spread, type XMap } from './xMap';

export interface YOptions {
  log: boolean;
  /** Ignores the outermost percent on either side: outliers are marked at the edge instead. */
  robust: boolean;
  /** Limits of possible values, e.g. [0, 1] for a share: padding stops there. */
  bounds?: readonly [number | null, number | null];
}

/**
 * The range of y to show: all finite values (min and max of every bucket) between two steps, and the extra values (points), with a margin. On a log scale
 * only values > 0 count.
 *
 * @returns lo < hi; log: both > 0
 */
export function yDomain(
  curves: readonly Curve[],
  extra: readonly number[],
  fromStep: number,
  toStep: number,
  options: YOptions,
): [number, number] {
  const lows: number[] = [];
  const highs: number[] = [];
  let lo = Number.NaN;
  let hi = Number.NaN;
  const fits = (v: number) => Number.isFinite(v) && (!options.log || v > 0);
  for (const c of curves) {
    const [first, last] = within(c, fromStep, toStep);
    for (const v of [crossing(c, first - 1, fromStep), crossing(c, last, toStep)]) {
      if (!fits(v) || options.robust) continue;
      if (!(v >= lo)) lo = v;
      if (!(v <= hi)) hi = v;
    }
    for (let i = first; i <= last; i++) {
      const top = c.values.max[i]!;
      if (!fits(top)) continue;
      const bottom = fits(c.values.min[i]!) ? c.values.min[i]! : top;
      if (options.robust) {
        lows.push(bottom);
        highs.push(top);
      } else {
        if (!(bottom >= lo)) lo = bottom;
        if (!(top <= hi)) hi = top;
      }
    }
  }
  const all = extra.filter(fits);
  if (options.robust) {
    lo = quantile(lows, 0.01);
    hi = quantile(highs, 0.99);
  }
  for (const v of all) {
    lo = Number.isNaN(lo) ? v : Math.min(lo, v);
    hi = Number.isNaN(hi) ? v : Math.max(hi, v);
  }
  if (Number.isNaN(lo)) return options.log ? [0.1, 1] : [0, 1];
  [lo, hi] = [inReach(lo), inReach(hi)];
  return options.log ? airLog(lo, hi) : air(lo, hi, options.bounds ?? [null, null]);
}

/** The farthest end of an axis: the distance between two of them, with its margin, is a number. Values beyond are marked at the edge. */
const farthest = Number.MAX_VALUE / 8;
const inReach = (v: number): number => Math.min(farthest, Math.max(-farthest, v));

/** First and last bucket with rows in the steps from..to; last < first when there is none. */
function within(c: Curve, from: number, to: number): [number, number] {
  const before = c.at(from);
  return [before >= 0 && c.lastSteps[before]! >= from ? before : before + 1, c.at(to)];
}

/** Height at which the line from bucket i to the next crosses a step between them; NaN where it does not. */
function crossing(c: Curve, i: number, step: number): number {
  if (i < 0 || i + 1 >= c.count) return Number.NaN;
  const [a, b] = [middle(c, i), middle(c, i + 1)];
  return step > a && step < b ? c.mean(i) + ((step - a) / (b - a)) * (c.mean(i + 1) - c.mean(i)) : Number.NaN;
}

function air(lo: number, hi: number, [low, high]: readonly [number | null, number | null]): [number, number] {
  if (lo === hi) {
    const pad = Math.abs(lo) * 0.1 || 0.5;
    [lo, hi] = [lo - pad, hi + pad];
  }
  // The axis of a curve that comes near zero includes zero.
  if (lo > 0 && lo < 0.4 * hi) lo = 0;
  const pad = (hi - lo) * 0.05;
  let [a, b] = [lo === 0 ? 0 : lo - pad, hi === 0 ? 0 : hi + pad];
  const ticks = spread(a, b, 5);
  const unit = ticks.length > 1 ? ticks[1]! - ticks[0]! : 0;
  // Ends on a quarter of a tick, so that the range does not change with every new value.
  if (unit > 0) [a, b] = [Math.floor((a / unit) * 4 + 1e-9) * (unit / 4), Math.ceil((b / unit) * 4 - 1e-9) * (unit / 4)];
  const room = (b - a) * 0.02;
  if (low !== null && a < low) a = low === 0 ? 0 : low - room;
  if (high !== null && b > high) b = high + room;
  return [a, b];
}

function airLog(lo: number, hi: number): [number, number] {
  const pad = lo === hi ? 2 : hi ** 0.05 / lo ** 0.05;
  return [Math.max(lo / pad, Number.MIN_VALUE), Math.min(hi * pad, Number.MAX_VALUE)];
}

/** Ticks of a log scale: decades, with 2 and 5 between them when there are few. */
export function logTicks(lo: number, hi: number, count: number): number[] {
  const from = Math.floor(Math.log10(lo));
  const to = Math.ceil(Math.log10(hi));
  const stride = Math.max(1, Math.ceil((to - from) / Math.max(1, count)));
  const steps = to - from <= 2 ? [1, 2, 5] : to - from <= 3 ? [1, 3] : [1];
  const out: number[] = [];
  for (let p = from; p <= to; p += stride)
    for (const s of steps) {
      const v = Number((s * 10 ** p).toPrecision(12));
      if (v >= lo && v <= hi) out.push(v);
    }
  return out.length > 1 ? out : spread(lo, hi, count);
}

/** Keeps the shown range while everything fits and fills most of it, so that the axis does not flicker. */
export function settle(shown: readonly [number, number] | null, wanted: [number, number], log: boolean): [number, number] {
  if (!shown) return wanted;
  const f = log ? Math.log : (v: number) => v;
  const size = f(shown[1]) - f(shown[0]);
  const fits = wanted[0] >= shown[0] && wanted[1] <= shown[1];
  return fits && f(wanted[1]) - f(wanted[0]) > 0.8 * size ? [shown[0], shown[1]] : wanted;
}

function quantile(values: number[], q: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(q * (sorted.length - 1))))]!;
}

/** Steps and axis values at both ends: of the zoom, or of the whole run. x[0] < x[1]. */
export function xDomain(
  cursor: ChartCursor,
  curves: readonly (Curve | null)[],
  map: XMap,
): { from: number; to: number; x: [number, number] } {
  const start = cursor.startStep();
  let head = cursor.headStep();
  for (const c of curves) if (c && c.toStep === null && c.count > 0) head = Math.max(head, c.lastStep + 1);
  const [from, to] = cursor.get().zoom ?? wholeRun(start, head, cursor.ended());
  const x: [number, number] = [map.of(from), map.of(to)];
  if (!(x[1] > x[0])) x[1] = x[0] + 1;
  return { from, to, x };
}

/** Both ends of the axis of all steps of a run. Until the run is over, the end grows in jumps. */
export const wholeRun = (start: number, head: number, over: boolean): [number, number] => [
  start,
  start + (over ? Math.max(1, head - start) : growingEnd(head - start)),
];

/**
 * Length of the x axis of a growing run: its steps so far, rounded up by at most 1/16, so that the axis changes only in jumps and nothing already drawn moves
 * in between. Each jump lays out every chart of the page anew.
 */
export function growingEnd(head: number): number {
  const unit = Math.max(1, 2 ** Math.floor(Math.log2(head)) / 16);
  return Math.max(unit, Math.ceil(head / unit) * unit);
}
