import { z } from 'zod';
import { debiased, type EmaState, emaStart } from './ema';
import { runId } from './ids';
import { addValue, BucketList, bucketWidth, emptyStats, mergeBucket, type RangeAnswer, type Stats, statsOf } from './pyramid';
import { firstAt } from './rows';

/**
 * A run as one HTML file that opens without a server. It holds the replay page (app/_replay) and the following script elements,
 * of a type that no browser runs:
 *
 *   #manifest       JSON, "<" as \u003c: ReplayManifest
 *   #view           base64 of gzip of a pack.ts message: RunView, whose lists (`recent`) are whole, except that only the
 *                   snapshots in the file are listed
 *   #rows-0 …       the same: ReplaySeries[] of some series
 *   #signals        the same: the answer of tRPC runs.signals, for the snapshots in the file
 *   #blob-<sha256>  base64 of gzip of a snapshot (snapshotFile.ts), or of a sample
 *   #texts          as #view: the samples whose text is longer in the log than in the lists, [seq, text][]
 *   #console        the same: ConsolePart[], the kept output of the run's process
 *   #recipes        the same: KnownRecipe[], for the titles of the run's settings
 *   #end            the last element; without it the file is truncated
 */
export const REPLAY_VERSION = 2;

export const replayManifest = z.object({
  format: z.literal('headroom-replay'),
  version: z.literal(REPLAY_VERSION),
  runId,
  name: z.string(),
  /** ms since 1970 */
  exportedAt: z.number(),
  rows: z.object({
    headStep: z.number(),
    /** true: every row is in the file; false: for some series only the least, greatest, mean and last value of several rows. */
    whole: z.boolean(),
    series: z.int().nonnegative(),
    parts: z.int().nonnegative(),
  }),
  snapshots: z.object({
    kept: z.int().nonnegative(),
    /** Snapshots in force in the run. */
    of: z.int().nonnegative(),
    /** Chosen snapshots whose maps the server no longer had. */
    missing: z.int().nonnegative(),
    bytes: z.number(),
  }),
  /** Samples (texts, pictures, histograms, tables): all are listed; `kept` of them have their content here. */
  media: z.object({ kept: z.int().nonnegative(), of: z.int().nonnegative() }),
  console: z.object({ parts: z.int().nonnegative() }),
});
export type ReplayManifest = z.infer<typeof replayManifest>;

/** The narrower type that is exact. */
export type NumberColumn = Float64Array | Float32Array;

/** One series of a replay; arrays are [buckets]. Where every bucket is one row, `last` is its value and the rest is left out. */
export interface ReplaySeries {
  name: string;
  stream: string;
  bucketSteps: number;
  steps: Float64Array;
  /** Left out: every bucket is one row. */
  lastSteps?: Float64Array;
  rows?: Int32Array;
  times?: Float64Array;
  last: NumberColumn;
  min?: NumberColumn;
  max?: NumberColumn;
  sum?: Float64Array;
  nonFinite?: Int32Array;
}

export interface ReplayRows {
  headStep: number;
  series: readonly ReplaySeries[];
}

/** As 32-bit numbers if all values are exact in them. */
export function exactColumn(values: Float64Array): NumberColumn {
  const narrow = Float32Array.from(values);
  return values.every((v, i) => Object.is(v, narrow[i])) ? narrow : values;
}

export function replaySeries(s: RangeAnswer['series'][number]): ReplaySeries {
  const { name, stream, bucketSteps, steps, times } = s;
  const common = { name, stream, bucketSteps, steps, ...(times && { times }), last: exactColumn(s.last) };
  if (s.rows.every((n) => n === 1)) return common;
  const nonFinite = s.nonFinite.some((n) => n > 0) ? { nonFinite: s.nonFinite } : {};
  return {
    ...common,
    lastSteps: s.lastSteps,
    rows: s.rows,
    min: exactColumn(s.min),
    max: exactColumn(s.max),
    sum: s.sum,
    ...nonFinite,
  };
}

/**
 * A server's answer to the same query (store, `range`), as finely as the file allows: buckets are never narrower than the file's,
 * and those at the ends are whole.
 */
export function replayRange(
  { headStep, series }: ReplayRows,
  question: {
    series: readonly string[] | null;
    fromStep: number;
    toStep: number | null;
    buckets: number;
    smoothing?: number | null;
    around?: boolean;
  },
): RangeAnswer {
  const byName = new Map(series.map((s) => [s.name, s]));
  const asked = question.series ?? [...byName.keys()];
  return { headStep, series: asked.flatMap((name) => byName.get(name) ?? []).map((s) => reduced(s, question)) };
}

function reduced(
  s: ReplaySeries,
  { fromStep, toStep, buckets, smoothing, around }: Omit<Parameters<typeof replayRange>[1], 'series'>,
): RangeAnswer['series'][number] {
  const { name, stream, steps } = s;
  const lastSteps = s.lastSteps ?? steps;
  const rowsAt = (i: number) => s.rows?.[i] ?? 1;
  const nonFiniteAt = (i: number) => s.nonFinite?.[i] ?? (s.rows ? 0 : Number(!Number.isFinite(s.last[i]!)));
  const source = statsOfFile(s);
  const from = firstAt(lastSteps, fromStep);
  const to = toStep === null ? steps.length : firstAt(steps, toStep);
  let rows = 0;
  for (let i = from; i < to; i++) rows += rowsAt(i);
  const width = rows === 0 ? 1 : Math.max(s.bucketSteps, bucketWidth(steps[from]!, lastSteps[to - 1]!, rows, buckets));
  // The file's buckets next to the range stay separate, whatever their position in the grid.
  const first = around && from > 0 ? from - 1 : from;
  const end = around && to < steps.length ? to + 1 : to;
  const size = Math.max(0, end - first);
  const list = new BucketList(width, size);
  const stats = emptyStats(size);
  const ema = smoothing === null || smoothing === undefined ? null : new Float64Array(size).fill(Number.NaN);
  let state = emaStart;
  for (let i = 0; i < end; i++) {
    const finite = rowsAt(i) - nonFiniteAt(i);
    if (ema && finite > 0) state = smoothed(state, smoothing!, s.sum?.[i] ?? s.last[i]!, finite);
    if (i < first) continue;
    if (i === from || i === to) list.cut();
    const k = list.add(steps[i]!, lastSteps[i]!, s.times?.[i] ?? Number.NaN, rowsAt(i));
    mergeBucket(stats, k, source, i);
    if (ema && finite > 0) ema[k] = debiased(state.value, state.seen, smoothing!);
  }
  const { times, ...where } = list.buckets();
  return {
    name,
    stream,
    ...where,
    ...(s.times && { times }),
    ...statsOf(stats, list.count),
    ...(ema && { ema: ema.slice(0, list.count), emaEnd: state }),
  };
}

function statsOfFile({ last, min, max, sum, nonFinite }: ReplaySeries): Stats {
  if (min && max && sum) return { last, min, max, sum, nonFinite: nonFinite ?? new Int32Array(last.length) } as Stats;
  const stats = emptyStats(last.length);
  last.forEach((value, i) => void addValue(stats, i, value));
  return stats;
}

/** The average after a bucket: for one value exactly ema.ts's step; for several, as if each were their mean. */
function smoothed({ value, seen }: EmaState, weight: number, sum: number, count: number): EmaState {
  const kept = count === 1 ? weight : weight ** count;
  return { value: kept * value + (1 - kept) * (sum / count), seen: seen + count };
}
