import type { RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';

/** Step rows from another program: column arrays of one length, steps ascending, NaN where a row lacks a value. */
export interface Table {
  steps: Float64Array;
  /** ms since 1970, per row; null = not known. */
  timesMs: Float64Array | null;
  series: { name: string; values: Float64Array }[];
  /** What of the file is not in the table, in words; null = nothing. */
  leftOut: string | null;
}

/** Columns, or tags, of one file. */
export const MAX_SERIES = 4096;
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
  const { steps, timesMs, series } = table;
  const first = steps[0]!;
  const last = steps.at(-1)!;
  const at = (row: number) => timesMs?.[row] ?? null;
  const setup = { name, project: 'default', tags: [], recipe: null, config: {} };
  const trainer = { id: 'import00', name: 'import', host: origin };
  yield { event: { type: 'run.created', setup, actor, parent: null }, atMs: at(0) };
  yield { event: { type: 'run.assigned', attempt: 1, trainer, fromStep: first, checkpoint: null }, atMs: at(0) };
  yield {
    event: {
      type: 'run.started',
      step: first,
      backend: { name: 'import', device: `imported from ${origin}`, tried: [] },
      series: series.map((s) => ({
        name: s.name,
        unit: '',
        group: s.name.includes('/') ? s.name.slice(0, s.name.lastIndexOf('/')).slice(0, 64) : s.name.slice(0, 64),
      })),
      controls: { values: [], actions: [] },
      values: {},
      params: [],
      stepsPerEpoch: last + 1,
      totalSteps: last + 1,
    },
    atMs: at(0),
  };
  for (let row = 0; row < steps.length; ) {
    let end = row + 1;
    // An entry has one time: rows of other times begin another.
    while (end < steps.length && end - row < ROWS && steps[end] === steps[end - 1]! + 1 && at(end) === at(row)) end++;
    const count = end - row;
    const values = new Float64Array(count * series.length);
    series.forEach((s, c) => {
      for (let r = 0; r < count; r++) values[r * series.length + c] = s.values[row + r]!;
    });
    yield { event: { type: 'steps', firstStep: steps[row]!, count, values }, atMs: at(row) };
    row = end;
  }
  const message = `imported from ${origin}: only its step rows are known${table.leftOut ? `; ${table.leftOut}` : ''}`;
  yield { event: { type: 'status', status: 'finished', step: last + 1, message }, atMs: at(steps.length - 1) };
}
