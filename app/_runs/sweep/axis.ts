import { scaleLinear, scaleLog, scalePoint } from '@visx/scale';
import { logTicks } from '~/app/_charts/domains';
import { cut } from '~/app/_charts/format';
import { measured } from '~/app/_components/format';
import type { Cell, SweepPoint } from '~/shared/runTable';
import { bare } from '~/shared/schemaWords';

/** A setting or a result as an axis. `at`: 0 at the low end, 1 at the high end; null if a run has no value that can be shown. */
export interface Axis {
  key: string;
  title: string;
  at(value: Cell): number | null;
  ticks: { at: number; text: string }[];
}

/** What both plots of runs get. */
export interface PlotProps {
  axes: readonly Axis[];
  points: readonly SweepPoint[];
  width: number;
  /** The run under the pointer. */
  over: string | null;
  onOver(runId: string | null): void;
  onOpen(runId: string): void;
}

/** Positive values whose ratio of largest to smallest exceeds this are shown logarithmically: learning rates, sizes. */
const logFrom = 20;
/** Most texts that fit on an axis, one below the other. */
const mostNames = 20;
/** Longest text of a tick. */
const longest = 12;

/** The axis for these values: numbers in their order (logarithmic if they span a wide range), anything else as names. */
export function axisOf(key: string, title: string, values: readonly Cell[]): Axis {
  const there = values.filter((v) => v !== null);
  const numbers = there.filter((v) => typeof v === 'number');
  if (numbers.length === there.length && numbers.length > 0) return numeric(key, title, numbers.filter(Number.isFinite));
  const names = [...new Set(there.map(text))].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const scale = scalePoint({ domain: names, range: [0, 1], padding: 0.2 });
  return {
    key,
    title,
    at: (value) => (value === null ? null : (scale(text(value)) ?? null)),
    // Of many names every second, third ... has its text.
    ticks: names
      .filter((_, i) => i % Math.ceil(names.length / mostNames) === 0)
      .map((name) => ({ at: scale(name) ?? 0, text: cut(name, longest) })),
  };
}

const text = (value: Cell): string => (Array.isArray(value) ? value.map(bare).join(', ') : bare(value));

/** "0.100" as "0.1", "1.00e-4" as "1e-4"; "50,000" stays. */
function short(value: number): string {
  const words = measured(value, 3);
  return words.includes('.') ? words.replace(/\.?0+(?=e|$)/, '') : words;
}

function numeric(key: string, title: string, finite: readonly number[]): Axis {
  let [low, high] = [Math.min(...finite), Math.max(...finite)];
  if (finite.length === 0) [low, high] = [0, 1];
  const only = low === high ? [low] : null;
  if (only) {
    const half = low === 0 ? 1 : Math.abs(low) / 2;
    [low, high] = [low - half, high + half];
  }
  const log = low > 0 && high / low >= logFrom;
  const scale = log
    ? scaleLog<number>({ domain: [low, high], range: [0, 1] })
    : scaleLinear<number>({ domain: [low, high], range: [0, 1], nice: 5 });
  const whole = finite.every(Number.isInteger);
  const ticks = only ?? (log ? logTicks(low, high, 5) : scale.ticks(5)).filter((v) => !whole || Number.isInteger(v));
  return {
    key,
    title,
    at: (value) => (typeof value === 'number' && Number.isFinite(value) ? Number(scale(value)) : null),
    ticks: ticks.map((v) => ({ at: Number(scale(v)), text: short(v) })),
  };
}
