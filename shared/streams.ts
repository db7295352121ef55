import { betterOf, isBetter, joinedColumns } from './columns';
import { isLossByName } from './lossName';
import { lastStepOf, rowCount, stepAt, widthOf } from './rows';
import type { Rows, Series, SeriesRole } from './series';

/**
 * The streams of a run as its view holds them: bounded, whatever the run declares. Series with a role and the main ones stay; of
 * the others, the newest stay. The rest is read on demand (tRPC `runs.series`).
 */
export interface StreamHead {
  name: string;
  /** Numbers in a row of the stream: more than `columns` if the view holds only some of them. */
  width: number;
  columns: Series[];
  /** Index in a row of each of `columns`; null = the whole row, in order. */
  at: number[] | null;
  /**
   * The newest row in force, `values` aligned with `columns`; null before the first, and after a rewind took it back. `step` and
   * `at` are those of its event and entry.
   */
  latest: { step: number; at: number; values: Float64Array } | null;
}

export interface Streams {
  streams: StreamHead[];
  /** Counts for the whole run. */
  streamCount: number;
  columnCount: number;
}

/** Most columns of a view, and roughly the most bytes of their declarations. */
const COLUMNS = 256;
const COLUMN_BYTES = 24_000;

const bytesOf = ({ name, group = '', unit = '', of = '' }: Series): number =>
  40 + 2 * (name.length + group.length + unit.length + of.length);
const stays = (column: Series): boolean => (column.role !== undefined && column.role !== 'gradNormOf') || column.main === true;

/** Adds a stream. */
export function withStream({ streams, streamCount, columnCount }: Streams, name: string, columns: readonly Series[]): Streams {
  const added: StreamHead = { name, width: columns.length, columns: [...columns], at: null, latest: null };
  return { streams: bounded([...streams, added]), streamCount: streamCount + 1, columnCount: columnCount + columns.length };
}

/**
 * Removes the lowest-ranked columns: first those that need not stay, from the oldest stream on, last column first; then the
 * others in the same order.
 */
function bounded(streams: StreamHead[]): StreamHead[] {
  let columns = 0;
  let bytes = 0;
  for (const s of streams) {
    columns += s.columns.length;
    for (const c of s.columns) bytes += bytesOf(c);
  }
  const tooMany = () => columns > COLUMNS || bytes > COLUMN_BYTES;
  if (!tooMany()) return streams;
  const out = [...streams];
  for (const mayGo of [(c: Series) => !stays(c), () => true])
    for (let k = 0; k < out.length && tooMany(); k++) {
      const gone = new Set<number>();
      const own = out[k]!.columns;
      for (let i = own.length - 1; i >= 0 && tooMany(); i--) {
        if (!mayGo(own[i]!)) continue;
        gone.add(i);
        columns -= 1;
        bytes -= bytesOf(own[i]!);
      }
      if (gone.size > 0) out[k] = without(out[k]!, gone);
    }
  return out.filter((s) => s.columns.length > 0);
}

function without(s: StreamHead, gone: ReadonlySet<number>): StreamHead {
  const kept = s.columns.flatMap((_, i) => (gone.has(i) ? [] : [i]));
  const { latest } = s;
  return {
    ...s,
    columns: kept.map((i) => s.columns[i]!),
    at: kept.map((i) => s.at?.[i] ?? i),
    latest: latest && { ...latest, values: Float64Array.from(kept, (i) => latest.values[i]!) },
  };
}

/** Adds what a second declaration of a stream adds to the first. */
export function describedAnew(streams: StreamHead[], name: string, columns: readonly Series[]): StreamHead[] {
  return bounded(
    streams.map((s) => {
      if (s.name !== name) return s;
      const held = s.at ? s.at.map((i) => columns[i]!) : columns;
      return { ...s, columns: joinedColumns(s.columns, held) ?? s.columns };
    }),
  );
}

/** Makes the last of these rows its stream's newest; returns the same array when the view does not hold the stream. */
export function withRows(streams: StreamHead[], rows: Rows, committedAt: number): StreamHead[] {
  const i = streams.findIndex((s) => s.name === rows.stream);
  if (i < 0) return streams;
  const s = streams[i]!;
  const count = rowCount(rows);
  const width = widthOf(rows);
  const row = rows.values.subarray((count - 1) * width, count * width);
  const values = s.at ? Float64Array.from(s.at, (k) => row[k]!) : row.slice();
  const out = streams.slice();
  out[i] = { ...s, latest: { step: lastStepOf(rows), at: rows.times?.[count - 1] ?? committedAt, values } };
  return out;
}

/** Removes newest rows at or after `step`. */
export const rewound = (streams: StreamHead[], step: number): StreamHead[] =>
  streams.some((s) => s.latest && s.latest.step >= step)
    ? streams.map((s) => (s.latest && s.latest.step >= step ? { ...s, latest: null } : s))
    : streams;

type Held = { streams: readonly StreamHead[] };

/** Every series that the view holds, with its stream. */
export const seriesOf = ({ streams }: Held): (Series & { stream: string })[] =>
  streams.flatMap((s) => s.columns.map((c) => ({ ...c, stream: s.name })));

/** The series with a role, in order of declaration. Where none is declared as the loss: those that have the name of one. */
export function seriesOfRole<T extends Series>(series: readonly T[], role: SeriesRole): T[] {
  const declared = series.filter((s) => s.role === role);
  return declared.length > 0 || role !== 'loss' ? declared : series.filter((s) => s.role === undefined && isLossByName(s.name));
}

/** The series with a role: the main one of several, else the first declared; null when the view holds none. */
export function seriesWithRole({ streams }: Held, role: SeriesRole): (Series & { stream: string }) | null {
  let found: (Series & { stream: string }) | null = null;
  for (const s of streams)
    for (const c of s.columns) {
      if (c.role !== role) continue;
      if (c.main) return { ...c, stream: s.name };
      found ??= { ...c, stream: s.name };
    }
  return found ?? (role === 'loss' ? (seriesOfRole(seriesOf({ streams }), role)[0] ?? null) : null);
}

/** The series declared as the main metric; null when none is. */
export function mainSeries({ streams }: Held): (Series & { stream: string }) | null {
  for (const s of streams) for (const c of s.columns) if (c.main) return { ...c, stream: s.name };
  return null;
}

/** The series that stands for the run where only one is drawn: the main one, else the loss, else the accuracy; null when the view holds none. */
export const seriesDrawnAlone = (view: Held) =>
  mainSeries(view) ?? seriesWithRole(view, 'loss') ?? seriesWithRole(view, 'accuracy');

/** The best value of the main series so far, among rows in force. */
export interface BestRow {
  name: string;
  step: number;
  value: number;
}

/** The best row after these rows; the earlier one of equals. When the main series changes, the old best is dropped. */
export function bestRowAfter(view: Held & { bestRow: BestRow | null }, rows: Rows): BestRow | null {
  const main = mainSeries(view);
  if (main?.stream !== rows.stream) return view.bestRow;
  const { name } = main;
  const { columns, at } = view.streams.find((s) => s.name === main.stream)!;
  const column = columns.findIndex((c) => c.name === name);
  const width = widthOf(rows);
  let best = view.bestRow?.name === name ? view.bestRow : null;
  for (let i = 0; i < rowCount(rows); i++) {
    const value = rows.values[i * width + (at?.[column] ?? column)]!;
    if (Number.isFinite(value) && (best === null || isBetter(betterOf(main), value, best.value)))
      best = { name, step: stepAt(rows, i), value };
  }
  return best;
}

/** A series' value in its stream's newest row; null before the first, or when the view does not hold the series. */
export function latestOf({ streams }: Held, name: string): number | null {
  for (const { columns, latest } of streams) {
    if (!latest) continue;
    const i = columns.findIndex((c) => c.name === name);
    if (i >= 0) return latest.values[i]!;
  }
  return null;
}

/** The same for the series with a role. */
export function latestWithRole(view: Held, role: SeriesRole): number | null {
  const of = seriesWithRole(view, role);
  return of && latestOf(view, of.name);
}
