import { seriesName } from '~/server/export/columnNames';
import type { Json } from '~/shared/setup';
import { isTime } from '~/shared/times';
import {
  almostNumber,
  count,
  dateMs,
  durationOf,
  isAbsent,
  isDate,
  isRelative,
  type NumberStyle,
  numberOf,
  plainNumbers,
  Rounded,
  shown,
  timeMs,
  timeWords,
  truth,
} from './cells';
import { ImportError } from './importError';
import type { PointSeries } from './points';
import type { RunReading, RunsReading } from './reading';

/**
 * Rows of another program as series over steps: finds the columns for the step, the time and the run's name; the others are
 * series. Wide tables have a column per series; long ones a row per value, with its name in a column (MLflow).
 */

/** undefined and null: no value. An object or list is not a value of a series. */
export type Cell = Json | undefined;

/** Most columns of one file. */
export const MAX_SERIES = 20_000;
/** Rows that are examined before the first one is read. */
export const SAMPLE_ROWS = 1000;

/** Columns that count steps, in this order of preference; compared without case. */
const stepNames = `step global_step _step trainer/global_step train/global_step globalstep iteration iter iterations it n_iter
  train/step total_steps num_timesteps time/total_timesteps total_timesteps timesteps update updates num_updates batch tokens samples
  epoch epochs train/epoch round trial index`.split(/\s+/);
/** Columns declared to be times; other values in them are errors. */
const timeNames = new Set(['timems', 'time_ms', 'wall time', 'wall_time', 'walltime', 'timestamp', '_timestamp', 'timestamps']);
/** Columns that are times if their values look like times. */
const maybeTimeNames = new Set(['time', 'date', 'datetime', 'created_at', 'logged_at', 'ts']);
const epochNames = ['epoch', 'epochs', 'train/epoch'];
const runNames = ['run_id', 'run_uuid', 'run_name', 'run id', 'run'];
const keyNames = ['key', 'metric', 'metric_name', 'metricname', 'tag', 'name', 'variable'];
const valueNames = ['value', 'metric_value', 'metricvalue'];

/** The rows, counted from 0, as steps. */
export const ROW_AXIS = 'row';

interface Column {
  name: string;
  /** Columns with a role are not series. */
  role: 'step' | 'time' | 'run' | 'key' | 'value' | 'unnamed' | null;
  /** The kind of its first value. */
  kind: 'unknown' | 'number' | 'text' | 'nested';
  leftOut: number;
  example: string;
  where: string;
  /** Series of the run that the last row belonged to. */
  series: PointSeries | null;
  /** The run to which the whole column belongs; null = the row's run. */
  run: string | null;
  /** Name of the series. */
  title: string;
}

export interface TableOptions {
  /** The column that counts the steps, or `row`; null = found by its name. */
  axis: string | null;
  style?: NumberStyle;
  /** Rows are positions in a list: they count as steps if no column does. */
  positional?: boolean;
}

export class TableReader {
  readonly #columns: Column[] = [];
  readonly #byName = new Map<string, Column>();
  #sample: { cells: readonly Cell[]; where: string }[] | null = [];
  readonly #style: NumberStyle;
  #step: number | null = null;
  #time: number | null = null;
  #key: number | null = null;
  #value: number | null = null;
  #run: number | null = null;
  #reading: RunReading | null = null;
  #runName = '';
  /** Rows of each run so far. */
  readonly #rows = new Map<string, number>();
  /** This program wrote the table: its times are in ms, even if their clock began with the run. */
  #ours = false;
  #withoutStep = 0;
  #nested = 0;
  readonly #rounded = new Rounded();
  /** In a table with epochs and steps: those of the last row of each run and key, and how to read them. */
  #begins: {
    last: Map<string, { epoch: number; step: number }>;
    read(row: readonly Cell[]): { of: string; epoch: number; step: number };
  } | null = null;

  constructor(
    private readonly runs: RunsReading,
    private readonly options: TableOptions,
  ) {
    this.#style = options.style ?? plainNumbers;
  }

  get width(): number {
    return this.#columns.length;
  }

  /** @returns its index in the rows. @throws ImportError when there are too many */
  column(given: string): number {
    if (this.#columns.length === MAX_SERIES + 8) throw new ImportError(`more than the ${MAX_SERIES} columns that are taken`);
    let name = given.trim();
    for (let n = 1; name !== '' && this.#byName.has(name); n++) name = `${given.trim()}.${n}`;
    const column: Column = {
      name,
      role: null,
      kind: 'unknown',
      leftOut: 0,
      example: '',
      where: '',
      series: null,
      run: null,
      title: seriesName(name),
    };
    if (/^(unnamed: \d+)?$/i.test(name)) column.role = 'unnamed';
    if (name !== '') this.#byName.set(name, column);
    this.#columns.push(column);
    return this.#columns.length - 1;
  }

  row(cells: readonly Cell[], where: string): void {
    if (this.#sample) {
      this.#sample.push({ cells, where });
      if (this.#sample.length === SAMPLE_ROWS) this.#begin();
    } else this.#take(cells, where);
  }

  /** Called after the last row. @throws ImportError when a row has no step, or no column counts the steps */
  end(): void {
    this.#begin();
    const words: string[] = [];
    const text = this.#columns.filter((c) => c.leftOut > 0 && c.role === null);
    for (const { name, leftOut, example, where, kind } of text.slice(0, 20))
      words.push(
        `column ${shown(name)} (${kind === 'nested' ? 'lists or objects' : `text such as ${example}, ${where}`}; ${count(leftOut, 'row')})`,
      );
    if (text.length > 20) words.push(`${count(text.length - 20, 'more column')} of text`);
    if (this.#withoutStep > 0) words.push(`${count(this.#withoutStep, 'row')} without a step`);
    if (this.#nested > 0) words.push(`${count(this.#nested, 'row')} whose value is no number`);
    this.runs.notes.push(...this.#rounded.words());
    for (const run of this.runs.all()) run.leftOut.push(...words);
  }

  #begin(): void {
    const sample = this.#sample;
    if (!sample) return;
    if (sample.length === 0) throw new ImportError('there is no line after the first, so no step to import');
    this.#sample = null;
    this.#layOut(sample.map((s) => s.cells));
    for (const { cells, where } of sample) this.#take(cells, where);
  }

  #layOut(rows: readonly (readonly Cell[])[]): void {
    const columns = this.#columns;
    const lower = columns.map((c) => c.name.toLowerCase());
    const text = (cell: Cell) => (cell === null || cell === undefined ? '' : String(cell).trim());
    const filled = (i: number) => rows.map((r) => text(r[i])).filter((cell) => !isAbsent(cell));
    const texts = (i: number) => filled(i).some((cell) => numberOf(cell, this.#style) === null);
    const first = (names: readonly string[], fits: (i: number) => boolean = () => true) => {
      for (const name of names) {
        const i = lower.indexOf(name);
        if (i >= 0 && columns[i]!.role === null && fits(i)) return i;
      }
      return null;
    };
    const take = (i: number | null, role: Column['role']) => {
      if (i !== null) columns[i]!.role = role;
      return i;
    };

    const { axis } = this.options;
    // A table written by this program: every other column is a series, whatever its name.
    const ours = columns[0]?.name === 'step' && columns[1]?.name === 'timeMs';
    if (ours) for (const c of columns) c.role = null;
    this.#ours = ours;
    const relative = (cell: string) => isRelative(numberOf(cell, this.#style) ?? Number.NaN);
    const value = ours ? null : first(valueNames);
    const key = value === null ? null : first(keyNames, texts);
    if (key !== null) {
      this.#key = take(key, 'key');
      this.#value = take(value, 'value');
    }
    const named = ours ? null : (first(runNames.slice(0, 4)) ?? first(['run'], texts));
    const several = named !== null && new Set(filled(named)).size;
    if (named !== null && several && (several === 1 || several < rows.length)) this.#run = take(named, 'run');

    this.#time =
      take(
        first(ours ? ['timems'] : [...timeNames], (i) => filled(i).length > 0 && (ours || !filled(i).every(relative))),
        'time',
      ) ??
      take(
        first(ours ? [] : [...maybeTimeNames], (i) => {
          const cells = filled(i);
          return cells.length > 0 && cells.every((cell) => timeOf(cell, this.#style) !== null);
        }),
        'time',
      );

    const whole = (i: number) => {
      const cells = filled(i);
      return cells.length > 0 && cells.every((cell) => Number.isSafeInteger(numberOf(cell, this.#style)));
    };
    let inEpoch = false;
    const unnamed = columns.findIndex((c, i) => i === 0 && c.role === 'unnamed' && whole(i));
    if (axis !== null && axis !== ROW_AXIS) {
      const named = columns.findIndex((c) => c.name === axis && (c.role === null || c.role === 'time'));
      const i = named < 0 && axis === 'index' ? unnamed : named;
      if (i < 0)
        throw new ImportError(`axis: there is no column ${shown(axis)}; there are ${listed(columns.map((c) => c.name))}`);
      if (this.#time === i) this.#time = null;
      this.#step = take(i, 'step');
    } else if (axis === null) {
      const found = first(stepNames, whole) ?? first(stepNames, (i) => filled(i).length > 0) ?? first(stepNames);
      const epoch = first(epochNames, (i) => i !== found);
      if (found !== null && epoch !== null) {
        const number = (cell: Cell) => numberOf(text(cell), this.#style) ?? Number.NaN;
        const parts = [this.#run, this.#key].filter((i) => i !== null);
        this.#begins = {
          last: new Map(),
          read: (row) => ({ of: parts.map((i) => row[i]).join('\0'), epoch: number(row[epoch]), step: number(row[found]) }),
        };
        inEpoch = rows.some((row) => this.#beginsAgain(row));
        this.#begins.last.clear();
      }
      if (inEpoch) {
        this.#begins = null;
        this.runs.notes.push(`column ${shown(columns[found!]!.name)} begins again with each epoch: the rows are counted from 0`);
      } else this.#step = take(found, 'step') ?? (unnamed >= 0 ? take(unnamed, 'step') : null);
    }
    if (this.#step === null && axis === null && !this.options.positional && !inEpoch) {
      if (columns.every((c) => numberOf(c.name) !== null))
        throw new ImportError(
          `line 1: the names of the columns are expected here, not the numbers ${listed(columns.map((c) => c.name))}`,
        );
      throw new ImportError(
        `line 1: no column is known to count the steps (step, global_step, iteration, epoch, ...); there are ${listed(columns.map((c) => c.name))}: choose one of them as the axis, or "${ROW_AXIS}" to count the rows`,
        [...columns.flatMap((c, i) => (c.name !== '' && c.role === null && whole(i) ? [c.name] : [])), ROW_AXIS].slice(0, 100),
      );
    }
    const axes = columns.flatMap((c, i) =>
      c.name !== '' && (c.role === 'step' || (c.role === null && whole(i))) ? [c.name] : [],
    );
    this.runs.axis = this.#step === null ? ROW_AXIS : columns[this.#step]!.name || 'index';
    this.runs.axes = [...new Set([this.runs.axis, ...axes, ROW_AXIS])].slice(0, 100);
    if (this.#step === null && !inEpoch) this.runs.notes.push('no column counts the steps: the rows are counted from 0');
    for (const [i, c] of columns.entries()) {
      if (c.role !== 'unnamed') continue;
      c.name ||= `column ${i + 1}`;
      // The numbers of the rows, as pandas writes them, say nothing.
      const isIndex = filled(i).every((cell, row, all) => row === 0 || Number(cell) > Number(all[row - 1]));
      if (!(whole(i) && isIndex) && filled(i).length > 0) this.runs.notes.push(`${c.name} has no name, and is left out`);
    }
    if (!ours) this.#splitRuns();
  }

  /** Whether the steps begin again while the epochs go on: such steps count within an epoch, and say nothing of the whole run. */
  #beginsAgain(row: readonly Cell[]): boolean {
    if (!this.#begins) return false;
    const { of, epoch, step } = this.#begins.read(row);
    const before = this.#begins.last.get(of);
    this.#begins.last.set(of, { epoch, step });
    return before !== undefined && step < before.step && epoch > before.epoch;
  }

  /** A chart downloaded from W&B has columns "run - series", each with its minimum and maximum. */
  #splitRuns(): void {
    const columns = this.#columns.filter((c) => c.role === null);
    const ends = columns.filter((c) => /__M(IN|AX)$/.test(c.name) && this.#byName.has(c.name.replace(/__M(IN|AX)$/, '')));
    if (ends.length === 0) return;
    for (const c of ends) c.role = 'unnamed';
    this.runs.notes.push(`${ends.length} columns __MIN and __MAX of a W&B chart are left out`);
    const series = columns.filter((c) => c.role === null);
    const parts = series.map((c) => /^(.+) - (.+)$/.exec(c.name));
    if (parts.some((p) => p === null)) return;
    for (const [i, c] of series.entries()) [c.run, c.title] = [parts[i]![1]!, parts[i]![2]!];
  }

  #take(cells: readonly Cell[], where: string): void {
    const columns = this.#columns;
    const run = this.#runOf(this.#run === null ? '' : String(cells[this.#run] ?? '').trim());
    const row = this.#rows.get(run.name) ?? 0;
    this.#rows.set(run.name, row + 1);
    if (this.#beginsAgain(cells))
      throw new ImportError(
        `${where}: column ${shown(columns[this.#step!]!.name)} begins again with an epoch, so it does not count the steps of the run; choose another column as the axis, or "${ROW_AXIS}" to count the rows`,
        this.runs.axes,
      );
    const step = this.#step === null ? row : this.#stepOf(cells[this.#step], columns[this.#step]!, where);
    if (step === null) {
      this.#withoutStep++;
      return;
    }
    const time = this.#time === null ? Number.NaN : this.#timeOf(cells[this.#time], columns[this.#time]!, where);
    run.rows++;
    if (this.#key !== null) {
      const name = String(cells[this.#key] ?? '').trim();
      const column = columns[this.#value!]!;
      const value = this.#number(cells[this.#value!], column, where, false);
      if (name === '' || value === null) this.#nested += value === null && !isAbsentCell(cells[this.#value!]) ? 1 : 0;
      else run.points.add(run.points.of(run.nameOf(name)), step, time, value);
      return;
    }
    for (let i = 0; i < cells.length; i++) {
      const column = columns[i]!;
      if (column.role !== null) continue;
      const cell = cells[i];
      if (cell === '' || cell === null || cell === undefined) continue;
      const value = this.#number(cell, column, where, true);
      if (value === null) continue;
      const owner = column.run === null ? run : this.runs.run(column.run);
      column.series ??= owner.points.of(owner.nameOf(column.title));
      owner.points.add(column.series, step, time, value);
      if (owner !== run) owner.rows++;
    }
  }

  #runOf(name: string): RunReading {
    if (this.#reading && name === this.#runName) return this.#reading;
    this.#runName = name;
    for (const column of this.#columns) column.series = null;
    this.#reading = this.runs.run(name);
    return this.#reading;
  }

  /** null: no value, or a value that is left out. @throws ImportError for a malformed number in a column of numbers */
  #number(cell: Cell, column: Column, where: string, strict: boolean): number | null {
    if (typeof cell === 'number') {
      if (column.kind === 'unknown') column.kind = 'number';
      return cell;
    }
    if (typeof cell === 'boolean') return cell ? 1 : 0;
    if (typeof cell === 'object' && cell !== null) {
      if (column.kind === 'unknown') column.kind = 'nested';
      column.leftOut++;
      return null;
    }
    const text = (cell ?? '').trim();
    const value = numberOf(text, this.#style);
    if (value !== null) {
      if (column.kind === 'unknown') column.kind = 'number';
      if (column.kind !== 'text') {
        this.#rounded.see(text, value);
        return value;
      }
    } else if (isAbsent(text)) return null;
    const known = value ?? truth.get(text.toLowerCase()) ?? (column.kind === 'text' ? null : durationOf(text));
    if (known !== null && column.kind !== 'text') return known;
    if (strict && column.kind !== 'text' && (column.kind === 'number' || almostNumber(text)))
      throw new ImportError(
        `${where}, column ${shown(column.name)}: ${shown(text)} is not a number; give a number, NaN, Infinity, -Infinity or nothing`,
      );
    column.kind = 'text';
    if (column.leftOut++ === 0) {
      column.example = shown(text);
      column.where = where;
    }
    return null;
  }

  #stepOf(cell: Cell, column: Column, where: string): number | null {
    if (isAbsentCell(cell)) return null;
    const step = typeof cell === 'number' ? cell : typeof cell === 'string' ? numberOf(cell.trim(), this.#style) : null;
    if (step === null || !Number.isSafeInteger(step))
      throw new ImportError(
        `${where}, column ${shown(column.name || 'index')}: ${shown(cell)} is not a step; give a whole number between -2^53 and 2^53, or choose another column as the axis`,
      );
    return step === 0 ? 0 : step;
  }

  #timeOf(cell: Cell, column: Column, where: string): number {
    if (isAbsentCell(cell)) return Number.NaN;
    const known = timeOf(typeof cell === 'string' ? cell.trim() : cell, this.#style);
    const time = known ?? (this.#ours && isTime(Number(cell)) ? Number(cell) : null);
    if (time === null)
      throw new ImportError(`${where}, column ${shown(column.name)}: ${shown(cell)} is not a time; give ${timeWords}`);
    return time;
  }
}

const isAbsentCell = (cell: Cell): boolean =>
  cell === null || cell === undefined || (typeof cell === 'string' && isAbsent(cell.trim()));

function timeOf(cell: Cell, style: NumberStyle): number | null {
  if (typeof cell === 'string') {
    if (isDate(cell)) return dateMs(cell);
    const number = numberOf(cell, style);
    return number === null ? null : timeMs(number);
  }
  return typeof cell === 'number' ? timeMs(cell) : null;
}

const listed = (names: readonly string[]): string =>
  `${names
    .slice(0, 20)
    .map((n) => n || 'one without a name')
    .join(', ')}${names.length > 20 ? ` and ${names.length - 20} more` : ''}`;
