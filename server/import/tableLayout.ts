import { seriesName } from '~/server/export/columnNames';
import type { Json } from '~/shared/setup';
import { dateMs, isAbsent, isDate, isRelative, type NumberStyle, numberOf, plainNumbers, shown, timeMs } from './cells';
import { ImportError } from './importError';

/** What each column of a table holds: found by its name, and by the values of the first rows. */

/** undefined and null: no value. An object or list is not a value of a series. */
export type Cell = Json | undefined;
export type Row = readonly Cell[];

/** Columns that count steps, in this order of preference; compared without case. */
const stepNames = `step global_step _step trainer/global_step train/global_step globalstep iteration iter iterations it n_iter
  train/step total_steps num_timesteps time/total_timesteps total_timesteps timesteps update updates num_updates batch tokens samples
  epoch epochs train/epoch round trial index`.split(/\s+/);
/** Columns declared to be times; other values in them are errors. */
const timeNames = ['timems', 'time_ms', 'wall time', 'wall_time', 'walltime', 'timestamp', '_timestamp', 'timestamps'];
/** Columns that are times if their values look like times. */
const maybeTimeNames = ['time', 'date', 'datetime', 'created_at', 'logged_at', 'ts'];
const epochNames = ['epoch', 'epochs', 'train/epoch'];
const runNames = ['run_id', 'run_uuid', 'run_name', 'run id'];
const keyNames = ['key', 'metric', 'metric_name', 'metricname', 'tag', 'name', 'variable'];
const valueNames = ['value', 'metric_value', 'metricvalue'];

/** The rows, counted from 0, as steps. */
export const ROW_AXIS = 'row';

export interface TableOptions {
  /** The column that counts the steps, or `row`; null = found by its name. */
  axis: string | null;
  style?: NumberStyle;
  /** Rows are positions in a list: they count as steps if no column does. */
  positional?: boolean;
}

export interface NamedColumn {
  name: string;
  /** Columns with a role are not series. */
  role: 'step' | 'time' | 'run' | 'key' | 'value' | 'unnamed' | null;
  /** The run to which the whole column belongs; null = the row's run. */
  run: string | null;
  /** Name of the series. */
  title: string;
}

export const namedColumn = (name: string): NamedColumn => ({
  name,
  role: /^(unnamed: \d+)?$/i.test(name) ? 'unnamed' : null,
  run: null,
  title: seriesName(name),
});

/** Indices of the columns with a role; null = there is none. */
export interface TableLayout {
  /** null: the rows count as steps. */
  step: number | null;
  time: number | null;
  run: number | null;
  key: number | null;
  value: number | null;
  /** This program wrote the table: its times are in ms, even if their clock began with the run. */
  ours: boolean;
  /** In a table with epochs and steps: finds steps that count within an epoch. */
  epochs: EpochSteps | null;
  /** Name of the column that counts the steps, and of those that could. */
  axis: string;
  axes: string[];
  notes: string[];
}

/** Finds steps that begin again while the epochs go on: such steps count within an epoch, and say nothing of the whole run. */
export class EpochSteps {
  /** Of the last row of each run and key. */
  readonly #last = new Map<string, { epoch: number; step: number }>();

  /** @param parts the columns that tell apart whose steps a row counts: those of the run and the key */
  constructor(
    private readonly step: number,
    private readonly epoch: number,
    private readonly parts: readonly number[],
    private readonly style: NumberStyle,
  ) {}

  beginAgain(row: Row): boolean {
    const number = (i: number) => numberOf(text(row[i]), this.style) ?? Number.NaN;
    const of = this.parts.map((i) => row[i]).join('\0');
    const [epoch, step] = [number(this.epoch), number(this.step)];
    const before = this.#last.get(of);
    this.#last.set(of, { epoch, step });
    return before !== undefined && step < before.step && epoch > before.epoch;
  }
}

const text = (cell: Cell): string => (cell === null || cell === undefined ? '' : String(cell).trim());

/**
 * Gives each column its role, and its run and title where its name holds both.
 * @param rows the first rows of the table
 * @throws ImportError when no column counts the steps, or none is called as `options.axis` says
 */
export function layOut(columns: readonly NamedColumn[], rows: readonly Row[], options: TableOptions): TableLayout {
  const { axis, style = plainNumbers } = options;
  const lower = columns.map((c) => c.name.toLowerCase());
  const filled = (i: number) => rows.map((r) => text(r[i])).filter((cell) => !isAbsent(cell));
  const holds = (i: number, fits: (cell: string) => boolean) => {
    const cells = filled(i);
    return cells.length > 0 && cells.every(fits);
  };
  const first = (names: readonly string[], fits: (i: number) => boolean = () => true) => {
    for (const name of names) {
      const i = lower.indexOf(name);
      if (i >= 0 && columns[i]!.role === null && fits(i)) return i;
    }
    return null;
  };
  const take = (i: number | null, role: NamedColumn['role']) => {
    if (i !== null) columns[i]!.role = role;
    return i;
  };
  const whole = (i: number) => holds(i, (cell) => Number.isSafeInteger(numberOf(cell, style)));
  const hasText = (i: number) => filled(i).some((cell) => numberOf(cell, style) === null);
  const notes: string[] = [];

  // A table written by this program: every other column is a series, whatever its name.
  const ours = columns[0]?.name === 'step' && columns[1]?.name === 'timeMs';
  if (ours) for (const c of columns) c.role = null;

  let run: number | null = null;
  let key: number | null = null;
  let value: number | null = null;
  let time: number | null;
  if (ours)
    time = take(
      first(['timems'], (i) => filled(i).length > 0),
      'time',
    );
  else {
    const values = first(valueNames);
    key = take(values === null ? null : first(keyNames, hasText), 'key');
    value = take(key === null ? null : values, 'value');
    const named = first(runNames) ?? first(['run'], hasText);
    const runs = named === null ? 0 : new Set(filled(named)).size;
    if (runs === 1 || (runs > 1 && runs < rows.length)) run = take(named, 'run');
    const relative = (cell: string) => isRelative(numberOf(cell, style) ?? Number.NaN);
    time =
      take(
        first(timeNames, (i) => filled(i).length > 0 && !holds(i, relative)),
        'time',
      ) ??
      take(
        first(maybeTimeNames, (i) => holds(i, (cell) => timeOf(cell, style) !== null)),
        'time',
      );
  }

  const unnamed = columns[0]?.role === 'unnamed' && whole(0) ? 0 : null;
  let step: number | null = null;
  let epochs: EpochSteps | null = null;
  if (axis !== null && axis !== ROW_AXIS) {
    const named = columns.findIndex((c) => c.name === axis && (c.role === null || c.role === 'time'));
    step = named >= 0 ? named : axis === 'index' ? unnamed : null;
    if (step === null)
      throw new ImportError(`axis: there is no column ${shown(axis)}; there are ${listed(columns.map((c) => c.name))}`);
    if (time === step) time = null;
    take(step, 'step');
  } else if (axis === null) {
    const found = first(stepNames, whole) ?? first(stepNames, (i) => filled(i).length > 0) ?? first(stepNames);
    const epoch = first(epochNames, (i) => i !== found);
    const parts = [run, key].filter((i) => i !== null);
    const watch = () => (found === null || epoch === null ? null : new EpochSteps(found, epoch, parts, style));
    const tried = watch();
    if (tried && rows.some((row) => tried.beginAgain(row)))
      notes.push(`column ${shown(columns[found!]!.name)} begins again with each epoch: the rows are counted from 0`);
    else {
      epochs = watch();
      step = take(found ?? unnamed, 'step');
      if (step === null && !options.positional) throw noSteps(columns, whole);
      if (step === null) notes.push('no column counts the steps: the rows are counted from 0');
    }
  } else notes.push('no column counts the steps: the rows are counted from 0');

  const counting = columns.filter((c, i) => c.name !== '' && (c.role === 'step' || (c.role === null && whole(i))));
  const stepName = step === null ? ROW_AXIS : columns[step]!.name || 'index';
  for (const [i, c] of columns.entries()) {
    if (c.role !== 'unnamed') continue;
    c.name ||= `column ${i + 1}`;
    // The numbers of the rows, as pandas writes them, say nothing.
    const isIndex = whole(i) && filled(i).every((cell, row, all) => row === 0 || Number(cell) > Number(all[row - 1]));
    if (!isIndex && filled(i).length > 0) notes.push(`${c.name} has no name, and is left out`);
  }
  if (!ours) notes.push(...splitRuns(columns));
  const axes = [...new Set([stepName, ...counting.map((c) => c.name), ROW_AXIS])].slice(0, 100);
  return { step, time, run, key, value, ours, epochs, axis: stepName, axes, notes };
}

function noSteps(columns: readonly NamedColumn[], whole: (i: number) => boolean): ImportError {
  const names = listed(columns.map((c) => c.name));
  if (columns.every((c) => numberOf(c.name) !== null))
    return new ImportError(`line 1: the names of the columns are expected here, not the numbers ${names}`);
  const choices = columns.filter((c, i) => c.name !== '' && c.role === null && whole(i)).map((c) => c.name);
  return new ImportError(
    `line 1: no column is known to count the steps (step, global_step, iteration, epoch, ...); there are ${names}: choose one of them as the axis, or "${ROW_AXIS}" to count the rows`,
    [...choices, ROW_AXIS].slice(0, 100),
  );
}

/** A chart downloaded from W&B has columns "run - series", each with its minimum and maximum. @returns what is to be said of it */
function splitRuns(columns: readonly NamedColumn[]): string[] {
  const names = new Set(columns.map((c) => c.name));
  const ends = columns.filter(
    (c) => c.role === null && /__M(IN|AX)$/.test(c.name) && names.has(c.name.replace(/__M(IN|AX)$/, '')),
  );
  if (ends.length === 0) return [];
  for (const c of ends) c.role = 'unnamed';
  const series = columns.filter((c) => c.role === null);
  const parts = series.map((c) => /^(.+) - (.+)$/.exec(c.name));
  if (parts.every((p) => p !== null)) for (const [i, c] of series.entries()) [c.run, c.title] = [parts[i]![1]!, parts[i]![2]!];
  return [`${ends.length} columns __MIN and __MAX of a W&B chart are left out`];
}

/** The time of a cell in ms; null when it is not one. */
export function timeOf(cell: Cell, style: NumberStyle): number | null {
  if (typeof cell === 'number') return timeMs(cell);
  if (typeof cell !== 'string') return null;
  if (isDate(cell)) return dateMs(cell);
  const number = numberOf(cell, style);
  return number === null ? null : timeMs(number);
}

const listed = (names: readonly string[]): string =>
  `${names
    .slice(0, 20)
    .map((n) => n || 'one without a name')
    .join(', ')}${names.length > 20 ? ` and ${names.length - 20} more` : ''}`;
