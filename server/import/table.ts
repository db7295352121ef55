import type { RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { MAX_COLUMNS, type Rows } from '~/shared/series';

/** Series of another program that have values at the same steps. */
export interface TableStream {
  /** Ascending. */
  steps: Float64Array;
  /** ms since 1970, per row; null = not known. */
  timesMs: Float64Array | null;
  series: { name: string; values: Float64Array }[];
}

/** Rows from another program. */
export interface Table {
  streams: TableStream[];
  /** What of the file is not in the table, in words; null = nothing. */
  leftOut: string | null;
}

/** Rows of the longest stream. */
export const rowsOf = ({ streams }: Table): number => streams.reduce((n, s) => n + s.steps.length, 0);

/**
 * Series of one table by the rows at which each has a value: those that have them at the same rows are a stream. `absent`: rows, ascending, at which a series has none.
 */
export function byPresence(
  steps: Float64Array,
  timesMs: Float64Array | null,
  series: readonly { name: string; values: Float64Array; absent: Float64Array }[],
): TableStream[] {
  const groups: { absent: Float64Array; series: { name: string; values: Float64Array }[] }[] = [];
  const byKey = new Map<string, typeof groups>();
  for (const { name, values, absent } of series) {
    const key = `${absent.length} ${absent[0]} ${absent.at(-1)} ${absent.reduce((h, row) => (Math.imul(h, 31) + row) | 0, 7)}`;
    const alike = byKey.get(key) ?? [];
    byKey.set(key, alike);
    let group = alike.find((g) => g.absent.every((row, i) => row === absent[i]));
    if (!group) {
      group = { absent, series: [] };
      alike.push(group);
      groups.push(group);
    }
    group.series.push({ name, values });
  }
  return groups.map(({ absent, series: own }) => {
    if (absent.length === 0) return { steps, timesMs, series: own };
    const gone = new Set(absent);
    const kept = (all: Float64Array) => all.filter((_, row) => !gone.has(row));
    return {
      steps: kept(steps),
      timesMs: timesMs && kept(timesMs),
      series: own.map(({ name, values }) => ({ name, values: kept(values) })),
    };
  });
}

/** Columns, or tags, of one file. */
export const MAX_SERIES = 20_000;
/** Numbers of one file: 1 GiB of doubles. */
export const MAX_VALUES = 2 ** 27;

/** Rows of one log entry. */
const ROWS = 4096;

/** A table as the log of a finished run. Its settings are not known, and the run says so. */
export function* logOf(
  table: Table,
  name: string,
  origin: string,
  actor: Actor,
): Generator<{ event: RunEvent; atMs: number | null }> {
  const times = table.streams.flatMap(({ timesMs }) => (timesMs?.length ? [timesMs[0]!, timesMs.at(-1)!] : []));
  const begun = times.length > 0 ? Math.min(...times) : null;
  const ends = table.streams.flatMap(({ steps }) => (steps.length > 0 ? [steps.at(-1)!] : []));
  const firsts = table.streams.flatMap(({ steps }) => (steps.length > 0 ? [steps[0]!] : []));
  const first = Math.min(...firsts);
  const last = Math.max(...ends);
  const setup = { name, project: 'default', tags: [], recipe: null, config: {} };
  const trainer = { id: 'import00', name: 'import', host: origin };
  yield { event: { type: 'run.created', setup, actor, parent: null }, atMs: begun };
  yield { event: { type: 'run.assigned', attempt: 1, trainer, fromStep: first, checkpoint: null, keepSeq: 0 }, atMs: begun };
  yield {
    event: {
      type: 'started',
      step: first,
      device: { device: `imported from ${origin}` },
      controls: { values: [], actions: [] },
      values: {},
    },
    atMs: begun,
  };
  for (const [i, stream] of table.streams.entries()) {
    // A declaration has a bound; what is logged together may be parted.
    for (let c = 0; c < stream.series.length; c += MAX_COLUMNS) {
      const part = { ...stream, series: stream.series.slice(c, c + MAX_COLUMNS) };
      yield* streamOf(part, `${i === 0 && c === 0 ? 'steps' : `steps ${i + 1}${c > 0 ? `/${c / MAX_COLUMNS + 1}` : ''}`}`, begun);
    }
  }
  const message = `imported from ${origin}: only its rows are known${table.leftOut ? `; ${table.leftOut}` : ''}`;
  yield {
    event: { type: 'status', status: 'finished', step: last + 1, message },
    atMs: times.length > 0 ? Math.max(...times) : null,
  };
}

function* streamOf(
  { steps, timesMs, series }: TableStream,
  stream: string,
  begun: number | null,
): Generator<{ event: RunEvent; atMs: number | null }> {
  const columns = series.map(({ name }) => ({
    name,
    ...(name.includes('/') && { group: name.slice(0, name.lastIndexOf('/')).slice(0, 128) }),
  }));
  yield { event: { type: 'series', stream, columns }, atMs: begun };
  for (let row = 0; row < steps.length; row += ROWS) {
    const end = Math.min(steps.length, row + ROWS);
    const values = new Float64Array((end - row) * series.length);
    series.forEach((s, c) => {
      for (let r = row; r < end; r++) values[(r - row) * series.length + c] = s.values[r]!;
    });
    const event: Rows = {
      type: 'rows',
      stream,
      steps: steps.slice(row, end),
      ...(timesMs && { times: timesMs.slice(row, end) }),
      values,
    };
    yield { event, atMs: timesMs?.[end - 1] ?? null };
  }
}
