import { formatValue } from '~/shared/numbers';
import { formatDuration, formatStep, formatTick } from './format';

/** What an x axis shows. `series`: the values of one of the run's own series, such as tokens. */
export type XKind = 'step' | 'epoch' | 'relative' | 'wall' | 'series';

/** The x axis: maps steps to axis values and back. Monotone. */
export interface XMap {
  kind: XKind;
  /** Logarithmic: equal factors of (1 + value / first unit) take equal space, so that step 0 has a position too. */
  log?: true;
  /** The "steps" are positions that several runs share (compare) and have no meaning for people: `say` describes them. */
  places?: true;
  /** Axis values are ms since a start. */
  time?: true;
  label: string;
  /** Axis value of a step (fractions allowed): step, epoch, ms since the run began, ms since 1970. */
  of(step: number): number;
  stepOf(x: number): number;
  /** Evenly spaced, round axis values within [from, to]. */
  ticks(from: number, to: number, count: number): number[];
  /** @param digits significant ones, if it is a number */
  tick(x: number, digits?: number): string;
  /** A step as text, for tooltips. */
  say(step: number): string;
}

/** "step 1,200", or `say` where steps are positions. */
export const describeStep = (map: XMap, step: number): string => (map.places ? map.say(step) : `step ${formatStep(step)}`);

/** A step and the time at which the run had reached it, ms since 1970. */
export interface TimeAnchor {
  step: number;
  at: number;
}

/** A clock time has no logarithm. */
export const canBeLog = (kind: XKind): boolean => kind !== 'wall';

/**
 * @param stepsPerEpoch for `epoch`
 * @param anchors for `relative` and `wall`: times at which steps were reached; for `series`: its values (`at`), which should not decrease
 * @param name for `series`
 */
export function xMap(kind: XKind, stepsPerEpoch: number, anchors: readonly TimeAnchor[], log = false, name = ''): XMap {
  const map = plainMap(kind, stepsPerEpoch, anchors, name);
  return log && canBeLog(kind) ? onLog(map, logUnit(kind, map, anchors)) : map;
}

/** Size of the first unit of a logarithmic axis, in axis values. */
function logUnit(kind: XKind, map: XMap, anchors: readonly TimeAnchor[]): number {
  if (kind === 'relative') return SECOND;
  if (kind !== 'series') return map.of(1) - map.of(0);
  const values = anchors.map((a) => a.at).sort((a, b) => a - b);
  const risen = values.find((v) => v > values[0]!);
  return risen === undefined ? 1 : risen - values[0]!;
}

function plainMap(kind: XKind, stepsPerEpoch: number, anchors: readonly TimeAnchor[], name: string): XMap {
  switch (kind) {
    case 'step':
      return {
        ...linear(1),
        kind,
        label: 'step',
        tick: formatTick,
        ticks: (a, b, n) => spread(a, b, n).filter(Number.isInteger),
        say: (s) => `step ${formatStep(s)}`,
      };
    case 'epoch':
      return {
        ...linear(stepsPerEpoch > 0 ? 1 / stepsPerEpoch : 1),
        kind,
        label: 'epoch',
        tick: formatTick,
        ticks: spread,
        say: (s) => `epoch ${formatValue(stepsPerEpoch > 0 ? s / stepsPerEpoch : s, 4)}`,
      };
    case 'series': {
      const values = timeline(anchors);
      return {
        kind,
        label: name,
        of: values.of,
        stepOf: values.stepOf,
        tick: formatTick,
        ticks: spread,
        say: (s) => `${name} ${formatValue(values.of(s), 6)}`,
      };
    }
    case 'relative':
    case 'wall': {
      const times = timeline(anchors);
      const origin = kind === 'relative' ? times.of(Math.min(...anchors.map((a) => a.step))) : 0;
      return {
        kind,
        ...(kind === 'relative' && { time: true }),
        label: kind === 'relative' ? 'time' : 'clock',
        of: (s) => times.of(s) - origin,
        stepOf: (x) => times.stepOf(x + origin),
        tick: kind === 'relative' ? formatDuration : (x) => clock(x, false),
        ticks: (a, b, n) => timeTicks(a, b, n, kind === 'wall'),
        say: (s) => (kind === 'relative' ? formatDuration(times.of(s) - origin) : clock(times.of(s), true)),
      };
    }
  }
}

/** The axis with positions log10(1 + value / unit); `unit` is in axis values: one step, or one second. */
export function onLog(map: XMap, unit: number): XMap {
  const place = (value: number) => Math.log10(1 + Math.max(0, value) / unit);
  const value = (x: number) => Number(((10 ** x - 1) * unit).toPrecision(12));
  return {
    ...map,
    log: true,
    label: `${map.label} log`,
    of: (step) => place(map.of(step)),
    stepOf: (x) => map.stepOf(value(x)),
    tick: (x, digits) => (value(x) === 0 ? '0' : map.tick(value(x), digits)),
    ticks: (from, to, count) => {
      const [a, b] = [value(from), value(to)];
      const stops = map.time ? longTimes : decades(unit, b);
      const inside = stops.filter((v) => v >= a * (1 - 1e-9) && v <= b * (1 + 1e-9));
      // With less than about a decade in view, the ticks of the linear axis are more useful.
      if (inside.length < 3) return map.ticks(a, b, count).map(place);
      const every = Math.ceil(inside.length / Math.max(1, count));
      return inside.filter((_, i) => i % every === 0).map(place);
    },
  };
}

/** 0, then powers of ten from the one at or above `unit` on. */
function decades(unit: number, to: number): number[] {
  const out = [0];
  for (let p = Math.ceil(Math.log10(unit) - 1e-9); 10 ** p <= to * (1 + 1e-9); p++) out.push(Number((10 ** p).toPrecision(12)));
  return out;
}

/**
 * Time of a step, by linear interpolation between recorded events (their log entries have the server's clock); after the last event at the last rate,
 * so that a live curve keeps moving. Accurate to about the distance between two events.
 */
export function timeline(anchors: readonly TimeAnchor[]): { of(step: number): number; stepOf(at: number): number } {
  const sorted = [...anchors].sort((a, b) => a.step - b.step || a.at - b.at);
  const steps: number[] = [];
  const ats: number[] = [];
  for (const { step, at } of sorted) {
    const time = Math.max(at, ats.at(-1) ?? at);
    // A pause begins and ends at the same step: only its end is kept.
    if (steps.at(-1) === step) ats[ats.length - 1] = time;
    else {
      steps.push(step);
      ats.push(time);
    }
  }
  if (steps.length < 2) {
    const base = ats[0] ?? 0;
    const first = steps[0] ?? 0;
    return { of: (s) => base + (s - first), stepOf: (at) => first + (at - base) };
  }
  const between = (x: number, xs: number[], ys: number[]): number => {
    let lo = 0;
    let hi = xs.length - 1;
    while (hi - lo > 1) {
      const mid = (lo + hi) >> 1;
      if (xs[mid]! <= x) lo = mid;
      else hi = mid;
    }
    const run = xs[hi]! - xs[lo]!;
    return run > 0 ? ys[lo]! + ((x - xs[lo]!) / run) * (ys[hi]! - ys[lo]!) : ys[hi]!;
  };
  return { of: (s) => between(s, steps, ats), stepOf: (at) => between(at, ats, steps) };
}

const linear = (factor: number) => ({ of: (s: number) => s * factor, stepOf: (x: number) => x / factor });

/** Multiples of 1, 2 or 5 times a power of ten, about `count` of them. */
export function spread(from: number, to: number, count: number): number[] {
  const span = to - from;
  if (!(span > 0) || !(count >= 1)) return Number.isFinite(from) ? [from] : [];
  return atLeastTwo(from, to, span / count, roundUp);
}

/** Multiples of a unit of about `size`, or of a smaller one where there is only one: one tick alone does not tell a scale. */
function atLeastTwo(from: number, to: number, size: number, unitOf: (size: number) => number): number[] {
  const ticks = [1, 2, 4].map((parts) => multiples(from, to, unitOf(size / parts)));
  return ticks.find((t) => t.length > 1) ?? ticks[0]!;
}

/** The smallest of 1, 2 or 5 times a power of ten that is at least (about) `size`. */
function roundUp(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  return [1, 2, 5, 10].find((u) => u * power >= size * 0.999)! * power;
}

const MOST_TICKS = 1000;

function multiples(from: number, to: number, unit: number): number[] {
  const out: number[] = [];
  // Whole units give whole ticks, exact up to 2^53; for other units the binary rounding error is removed.
  const tick = (k: number) => (Number.isInteger(unit) ? k * unit : Number((k * unit).toPrecision(14)));
  const first = Math.ceil(from / unit - 1e-9);
  // Bounded, because numbers beyond 2^53 do not increase in steps of one.
  for (let n = 0; n < MOST_TICKS && (first + n) * unit <= to + unit * 1e-9; n++) out.push(tick(first + n));
  return [...new Set(out)];
}

export const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const units = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]
  .map((n) => n * SECOND)
  .concat([1, 2, 5, 10, 15, 30].map((n) => n * MINUTE))
  .concat([1, 2, 3, 6, 12].map((n) => n * HOUR))
  .concat([1, 2, 5, 10, 20, 50, 100].map((n) => n * DAY));

/** Possible ticks of a logarithmic time axis. */
const longTimes = [0, 1, 10, 60, 600, 3600, 36_000, 86_400, 864_000, 8_640_000].map((s) => s * SECOND);

function timeTicks(from: number, to: number, count: number, wall: boolean): number[] {
  // From a hundred days on, units are round numbers of days, so that times in a wrong unit still get an axis.
  const unitOf = (size: number) => units.find((u) => u >= size) ?? DAY * roundUp(size / DAY);
  // Wall-clock ticks are round in the reader's own time zone.
  const zoneAt = (at: number) => (wall ? new Date(at).getTimezoneOffset() * MINUTE || 0 : 0);
  // Each time has its own zone: summer time may begin or end between them.
  const zone = zoneAt(from);
  const ticks = atLeastTwo(from - zone, to - Math.min(zone, zoneAt(to)), (to - from) / count, unitOf);
  return ticks.map((t) => t + zoneAt(t + zone)).filter((t) => t >= from && t <= to);
}

function clock(at: number, seconds: boolean): string {
  const d = new Date(at);
  // Not a valid date: a time in another unit, or none.
  if (Number.isNaN(d.getTime())) return formatValue(at, 4);
  const two = (n: number) => String(n).padStart(2, '0');
  const time = `${two(d.getHours())}:${two(d.getMinutes())}${seconds || d.getSeconds() > 0 ? `:${two(d.getSeconds())}` : ''}`;
  return d.getHours() + d.getMinutes() + d.getSeconds() === 0
    ? d.toLocaleDateString(undefined, { month: 'numeric', day: 'numeric' })
    : time;
}
