import { z } from 'zod';
import { debiased, type EmaState, emaStart } from './ema';
import { runId } from './ids';
import { addValue, bucketing, emptyReduced, mergeBucket, type Reduced, type ReducedSeries } from './pyramid';

/**
 * A run as one HTML file that opens without a server. It holds the replay page (app/_replay) and, each as a script element of a type that no browser runs:
 *
 *   #manifest       JSON, "<" as \u003c: ReplayManifest
 *   #view           base64 of gzip of a pack.ts message: RunView, whose lists (`recent`) are whole, of its snapshots those that are in the file
 *   #rows-0 …       the same: { [series]: ReplaySeries } of some series
 *   #signals        the same: what tRPC runs.signals answers, of the snapshots in the file
 *   #blob-<sha256>  base64 of gzip of a snapshot (snapshotFile.ts)
 *   #end            last of all; without it the file was cut short
 */
export const REPLAY_VERSION = 1;

export const replayManifest = z.object({
  format: z.literal('headroom-replay'),
  version: z.literal(REPLAY_VERSION),
  runId,
  name: z.string(),
  /** ms since 1970 */
  exportedAt: z.number(),
  rows: z.object({
    headStep: z.int().nonnegative(),
    /** 1 = every step; more = their least, greatest, mean and last value instead. */
    bucketSteps: z.int().positive(),
    series: z.int().nonnegative(),
    parts: z.int().nonnegative(),
  }),
  snapshots: z.object({
    kept: z.int().nonnegative(),
    /** In force in the run. */
    of: z.int().nonnegative(),
    /** Of those chosen, whose maps the server no longer had. */
    missing: z.int().nonnegative(),
    bytes: z.number(),
  }),
});
export type ReplayManifest = z.infer<typeof replayManifest>;

/** Whichever is exact. */
export type Column = Float64Array | Float32Array;

/** [buckets]; of single steps only `last` (NaN in a hole, as `rows` says). */
export interface ReplaySeries {
  last: Column;
  min?: Column;
  max?: Column;
  sum?: Float64Array;
  nonFinite?: Int32Array;
}

/** The step rows of a replay. `rows` [count]: steps present per bucket; buckets begin at step 0. */
export interface ReplayRows {
  headStep: number;
  bucketSteps: number;
  rows: Int32Array;
  series: Record<string, ReplaySeries>;
}

/** As 32-bit numbers where that loses nothing. */
export function exactColumn(values: Float64Array): Column {
  const narrow = Float32Array.from(values);
  return values.every((v, i) => Object.is(v, narrow[i])) ? narrow : values;
}

export function replaySeries(s: ReducedSeries, bucketSteps: number): ReplaySeries {
  const last = exactColumn(s.last);
  if (bucketSteps === 1) return { last };
  const nonFinite = s.nonFinite.some((n) => n > 0) ? { nonFinite: s.nonFinite } : {};
  return { last, min: exactColumn(s.min), max: exactColumn(s.max), sum: s.sum, ...nonFinite };
}

/**
 * What a server would answer to the same question (store.ts, `range`), as finely as the file can: buckets never narrower than its own, and those at the ends whole.
 */
export function replayRange(
  { headStep, bucketSteps: finest, rows, series }: ReplayRows,
  question: {
    series: readonly string[] | null;
    fromStep: number;
    toStep: number | null;
    buckets: number;
    smoothing?: number | null;
  },
): Reduced & { headStep: number } {
  const { fromStep } = question;
  const end = Math.max(fromStep, Math.min(question.toStep ?? headStep, headStep));
  const bucketSteps = Math.max(finest, bucketing(fromStep, end, question.buckets).bucketSteps);
  const first = Math.floor(fromStep / bucketSteps);
  const count = end > fromStep ? Math.ceil(end / bucketSteps) - first : 0;
  const names = (question.series ?? Object.keys(series)).filter((name) => series[name]);
  const answer = emptyReduced(names, first * bucketSteps, bucketSteps, count);
  const from = Math.floor(fromStep / finest);
  const to = count === 0 ? from : Math.ceil(end / finest);
  const bucketOf = (i: number) => Math.floor((i * finest) / bucketSteps) - first;
  for (let i = from; i < to; i++) answer.rows[bucketOf(i)]! += rows[i]!;
  for (const name of names) {
    const into = answer.series[name]!;
    const s = finest === 1 ? singles(series[name]!, rows) : groups(series[name]!);
    for (let i = from; i < to; i++) if (rows[i]! > 0) mergeBucket(into, bucketOf(i), s, i);
    const { smoothing } = question;
    if (smoothing === null || smoothing === undefined) continue;
    into.ema = new Float64Array(count).fill(Number.NaN);
    let state = emaStart;
    for (let i = 0; i < to; i++) {
      const finite = rows[i]! - s.nonFinite[i]!;
      if (finite <= 0) continue;
      state = smoothed(state, smoothing, s.sum[i]!, finite);
      if (i >= from) into.ema[bucketOf(i)] = debiased(state.value, state.seen, smoothing);
    }
    into.emaEnd = state;
  }
  return { ...answer, headStep };
}

/** Of one value exactly ema.ts's step; of a group as if each of its values were their mean. */
function smoothed({ value, seen }: EmaState, weight: number, sum: number, count: number): EmaState {
  const kept = count === 1 ? weight : weight ** count;
  return { value: kept * value + (1 - kept) * (sum / count), seen: seen + count };
}

/** Buckets of one step each. */
function singles({ last }: ReplaySeries, rows: Int32Array): ReducedSeries {
  const out = emptyReduced([''], 0, 1, last.length).series['']!;
  for (let i = 0; i < last.length; i++) if (rows[i]! > 0) addValue(out, i, last[i]!);
  return out;
}

const groups = ({ last, min, max, sum, nonFinite }: ReplaySeries): ReducedSeries =>
  ({ last, min, max, sum, nonFinite: nonFinite ?? new Int32Array(last.length) }) as ReducedSeries;
