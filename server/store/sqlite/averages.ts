import { debiased } from '~/shared/ema';
import type { Reduced } from '~/shared/pyramid';
import type { RowReader, RowRun, StoredHead } from './rows';
import { STRIPE } from './schema';

/** Steps between two kept states. A bucket at least this wide ends at one of them; ranges of narrower buckets have few enough rows to go through. */
const GRID = 64;
/** For kept states: those of one series of 1,000,000 steps at one weight are 250 kB. */
const MAX_BYTES = 64 << 20;

/** The states of one series' moving average at every GRID steps, from the first row on. */
interface Track {
  column: number;
  weight: number;
  /** The run's generation when it was last gone through. */
  generation: number;
  /** Entry k: the state before step k * GRID. */
  value: Float64Array;
  seen: Float64Array;
  points: number;
}

export interface Averages {
  /** Adds `ema` and `emaEnd` to an answer that has been reduced from fromStep..end. */
  fill(run: StoredHead, answer: Reduced, fromStep: number, end: number, weight: number): void;
  /** Drops every state: a run was removed, and another one may come by its name. */
  forget(): void;
}

/**
 * Moving averages over every raw step. What came before a bucket reaches it through one state, so a series is gone through once for each weight and its states are kept
 * every GRID steps: any later range costs what it shows, and a run that grows costs its new rows.
 */
export function openAverages(rows: RowReader): Averages {
  const tracks = new Map<string, Track>();

  function trackOf(run: StoredHead, column: number, weight: number): Track {
    const key = `${run.runId} ${column} ${weight}`;
    const track = tracks.get(key) ?? {
      column,
      weight,
      generation: run.generation,
      value: new Float64Array(64),
      seen: new Float64Array(64),
      points: 1,
    };
    tracks.delete(key);
    tracks.set(key, track);
    if (track.generation !== run.generation) {
      const same = rows.unchangedBefore(run, track.generation);
      track.points = Math.min(track.points, Math.floor(same / GRID) + 1);
      track.generation = run.generation;
    }
    return track;
  }

  function fill(run: StoredHead, answer: Reduced, fromStep: number, end: number, weight: number): void {
    // A state is kept only once no more rows can come before it.
    const known = Math.min(end, run.headStep);
    const columns = Object.keys(answer.series).map((name) => run.seriesNames.indexOf(name));
    for (const stripe of groups(columns, (c) => Math.floor(c / STRIPE))) {
      const asked = stripe.map((column) => trackOf(run, column, weight));
      for (const group of groups(asked, (t) => t.points)) extend(run, group, Math.floor(known / GRID));
      average(run, asked, answer, Math.min(fromStep, known), known);
      evict();
    }
  }

  /** Goes through the rows up to point `last`; the tracks are of one stripe and equally long. */
  function extend(run: StoredHead, group: Track[], last: number): void {
    const { points } = group[0]!;
    if (points > last) return;
    const states = group.map((t) => ({ t, value: t.value[points - 1]!, seen: t.seen[points - 1]! }));
    for (const { t } of states) reserve(t, last + 1);
    rows.rowsInForce(run, stripeOf(group[0]!), (points - 1) * GRID, last * GRID, (r) => {
      for (const s of states)
        for (let i = r.from; i < r.to; ) {
          const point = Math.floor((r.firstStep + i) / GRID);
          keep(s.t, point, s.value, s.seen);
          const stop = Math.min(r.to, (point + 1) * GRID - r.firstStep);
          through(r, s, i, stop);
          i = stop;
        }
    });
    for (const s of states) keep(s.t, last, s.value, s.seen);
  }

  /** Points up to `point` that are still open get this state. */
  function keep(t: Track, point: number, value: number, seen: number): void {
    for (; t.points <= point; t.points++) {
      t.value[t.points] = value;
      t.seen[t.points] = seen;
    }
  }

  function average(run: StoredHead, group: Track[], answer: Reduced, fromStep: number, end: number): void {
    const { firstStep, bucketSteps, count } = answer;
    // Narrow buckets end between two states: their rows are gone through, else only those after the last state.
    const narrow = bucketSteps < GRID;
    const begin = Math.floor((narrow ? fromStep : end) / GRID);
    const states = group.map((t) => {
      const into = answer.series[run.seriesNames[t.column]!]!;
      const ema = new Float64Array(count).fill(Number.NaN);
      const finite = (i: number) => answer.rows[i]! > into.nonFinite[i]!;
      if (!narrow)
        for (let i = 0; i < count - 1; i++) {
          const point = (firstStep + (i + 1) * bucketSteps) / GRID;
          if (finite(i)) ema[i] = debiased(t.value[point]!, t.seen[point]!, t.weight);
        }
      return { t, into, ema, finite, value: t.value[begin]!, seen: t.seen[begin]! };
    });
    rows.rowsInForce(run, stripeOf(group[0]!), begin * GRID, end, (r) => {
      for (const s of states)
        for (let i = r.from; i < r.to; ) {
          const bucket = Math.floor((r.firstStep + i - firstStep) / bucketSteps);
          const stop = Math.min(r.to, firstStep + (bucket + 1) * bucketSteps - r.firstStep);
          through(r, s, i, stop);
          i = stop;
          if (narrow && bucket >= 0 && s.finite(bucket)) s.ema[bucket] = debiased(s.value, s.seen, s.t.weight);
        }
    });
    for (const { t, into, ema, finite, value, seen } of states) {
      if (count > 0 && finite(count - 1)) ema[count - 1] = debiased(value, seen, t.weight);
      into.ema = ema;
      into.emaEnd = { value, seen };
    }
  }

  function evict(): void {
    let bytes = 0;
    for (const t of tracks.values()) bytes += 16 * t.value.length;
    for (const [key, t] of tracks) {
      if (bytes <= MAX_BYTES) return;
      tracks.delete(key);
      bytes -= 16 * t.value.length;
    }
  }

  return { fill, forget: () => tracks.clear() };
}

const stripeOf = (t: Track): number => Math.floor(t.column / STRIPE);

function groups<T>(items: readonly T[], key: (item: T) => number): T[][] {
  const out = new Map<number, T[]>();
  for (const item of items) {
    const group = out.get(key(item));
    if (group) group.push(item);
    else out.set(key(item), [item]);
  }
  return [...out.values()];
}

/** Takes the rows from..to of a column into a state. */
function through({ column, present }: RowRun, s: { t: Track; value: number; seen: number }, from: number, to: number): void {
  const { values, offset, stride } = column(s.t.column % STRIPE);
  const { weight } = s.t;
  const rest = 1 - weight;
  let { value, seen } = s;
  for (let i = from; i < to; i++) {
    if (present !== null && present.values[present.offset + i * present.stride] !== 1) continue;
    const v = values[offset + i * stride]!;
    if (!Number.isFinite(v)) continue;
    value = weight * value + rest * v;
    seen++;
  }
  s.value = value;
  s.seen = seen;
}

function reserve(t: Track, points: number): void {
  if (points <= t.value.length) return;
  const size = Math.max(points, Math.ceil(t.value.length * 1.5));
  for (const key of ['value', 'seen'] as const) {
    const grown = new Float64Array(size);
    grown.set(t[key].subarray(0, t.points));
    t[key] = grown;
  }
}
