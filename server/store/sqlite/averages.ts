import { debiased, type EmaState } from '~/shared/ema';
import { grouped } from '~/shared/grouped';
import type { Column } from './columns';
import { STRIPE } from './layout';
import type { Cost } from './reduce';
import type { RowReader } from './rows';

/** Rows between two stored states. A bucket that ends at a state costs nothing more; for others the rows are read. */
const GRID = 64;
/** Limit for stored states: those of one series of 1,000,000 rows at one weight are 250 kB. */
const MAX_BYTES = 64 << 20;

/** The states of one series' moving average at every GRID rows, from the first row on. */
interface Track {
  /** Column of the stream. */
  column: number;
  weight: number;
  /** The stream's generation when it was last read. */
  generation: number;
  /** Grid index of the first row. */
  base: number;
  /** Entry k: the state before row (base + k) * GRID. */
  value: Float64Array;
  seen: Float64Array;
  points: number;
}

/** One series to be averaged: its buckets and the arrays for the answer. */
export interface Averaged {
  column: number;
  /** [n] rows and non-finite values per bucket. */
  rows: Int32Array;
  nonFinite: Int32Array;
  result: { ema: Float64Array; emaEnd: EmaState } | null;
}

export interface Averages {
  /** @param endRows [n] index after each bucket's last row; the range is from..to by row index */
  fill(rows: RowReader, asked: Averaged[], endRows: Float64Array, from: number, to: number, weight: number): Generator<Cost>;
  /** Drops every state: a run was removed. */
  forget(): void;
}

interface Filling {
  t: Track;
  of: Averaged;
  ema: Float64Array;
  value: number;
  seen: number;
}

/**
 * Moving averages over every raw row. Earlier rows affect a bucket only through one state, so a series is read once for each
 * weight and its states are stored every GRID rows: any later range costs only what it shows, and a growing run only its new
 * rows.
 */
export function openAverages(): Averages {
  const tracks = new Map<string, Track>();

  function trackOf(rows: RowReader, column: number, weight: number): Track {
    const { id, generation, firstRow } = rows.stream;
    const key = `${id} ${column} ${weight}`;
    const base = Math.floor((firstRow ?? 0) / GRID);
    const track = tracks.get(key) ?? {
      column,
      weight,
      generation,
      base,
      value: new Float64Array(64),
      seen: new Float64Array(64),
      points: 1,
    };
    tracks.delete(key);
    tracks.set(key, track);
    if (track.generation !== generation) {
      const same = rows.unchangedBefore(track.generation);
      track.points = Math.max(1, Math.min(track.points, Math.floor(same / GRID) - base + 1));
      track.generation = generation;
    }
    return track;
  }

  function* fill(
    rows: RowReader,
    asked: Averaged[],
    endRows: Float64Array,
    from: number,
    to: number,
    weight: number,
  ): Generator<Cost> {
    // Buckets end between two states: their rows are read, else only those after the last state.
    const aligned = endRows.every((end, i) => i === endRows.length - 1 || end % GRID === 0);
    for (const stripe of grouped(asked, (a) => Math.floor(a.column / STRIPE)).values()) {
      const all = stripe.map((of): Filling => {
        const t = trackOf(rows, of.column, weight);
        return { t, of, ema: new Float64Array(endRows.length).fill(Number.NaN), value: 0, seen: 0 };
      });
      const lastPoint = (t: Track) => Math.floor((aligned ? to : from) / GRID) - t.base;
      for (const [point, group] of grouped(all, ({ t }) => Math.max(0, Math.min(t.points - 1, lastPoint(t)))))
        yield* through(rows, group, point, to, endRows);
      for (const s of all) s.of.result = { ema: s.ema, emaEnd: { value: s.value, seen: s.seen } };
      evict();
    }
  }

  /** Reads the rows from a stored state up to `to`: stores new states, and records the averages where buckets end. */
  function* through(rows: RowReader, group: Filling[], point: number, to: number, endRows: Float64Array): Generator<Cost> {
    const { base } = group[0]!.t;
    const begin = (base + point) * GRID;
    for (const s of group) {
      reserve(s.t, Math.floor(to / GRID) - base + 1);
      s.value = s.t.value[point]!;
      s.seen = s.t.seen[point]!;
    }
    let bucket = 0;
    // Read before anything else: between two steps of this work another query may take the track back (rewind).
    for (; bucket < endRows.length && endRows[bucket]! <= begin; bucket++)
      for (const { t, of, ema } of group) {
        const known = endRows[bucket]! / GRID - base;
        if (finite(of, bucket)) ema[bucket] = debiased(t.value[known]!, t.seen[known]!, t.weight);
      }
    const stripe = Math.floor(group[0]!.t.column / STRIPE);
    for (const run of rows.inForce(stripe, begin, to)) {
      const next = bucket;
      for (const s of group) {
        bucket = next;
        const column = run.column(s.t.column % STRIPE);
        for (let i = run.from; i < run.to; ) {
          const row = run.firstRow + i;
          const nextPoint = (Math.floor(row / GRID) + 1) * GRID;
          const end = endRows[bucket] ?? Number.POSITIVE_INFINITY;
          const stop = Math.min(run.to, nextPoint - run.firstRow, end - run.firstRow);
          addRows(column, s, i, stop);
          i = stop;
          // A state is stored for the generation that was read.
          if (run.firstRow + stop === nextPoint && s.t.generation === rows.stream.generation)
            keep(s.t, nextPoint / GRID - base, s.value, s.seen);
          if (run.firstRow + stop === end) {
            if (finite(s.of, bucket)) s.ema[bucket] = debiased(s.value, s.seen, s.t.weight);
            bucket++;
          }
        }
      }
      yield (run.to - run.from) * (1 + group.length);
    }
  }

  /** Stores a new state: the one after the last stored one. */
  function keep(t: Track, point: number, value: number, seen: number): void {
    if (point !== t.points) return;
    t.value[point] = value;
    t.seen[point] = seen;
    t.points++;
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

const finite = ({ rows, nonFinite }: Averaged, i: number): boolean => rows[i]! > nonFinite[i]!;

/** Updates a state with the rows from..to of a column. */
function addRows({ values, offset, stride }: Column, s: Filling, from: number, to: number): void {
  const { weight } = s.t;
  const rest = 1 - weight;
  let { value, seen } = s;
  for (let i = from; i < to; i++) {
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
