import { counted } from '~/shared/numbers';
import { isTime } from '~/shared/times';
import {
  almostNumber,
  durationOf,
  isAbsent,
  type NumberStyle,
  numberOf,
  plainNumbers,
  Rounded,
  shown,
  timeWords,
  truth,
} from './cells';
import { ImportError } from './importError';
import type { PointSeries } from './points';
import type { RunReading, RunsReading } from './reading';
import {
  type Cell,
  layOut,
  type NamedColumn,
  namedColumn,
  ROW_AXIS,
  type TableLayout,
  type TableOptions,
  timeOf,
} from './tableLayout';

/**
 * Rows of another program as series over steps. Wide tables have a column per series; long ones a row per value, with its name in a
 * column (MLflow).
 */

/** Most columns of one file. */
export const MAX_SERIES = 20_000;
/** Rows that are examined before the first one is read. */
const SAMPLE_ROWS = 1000;

interface Column extends NamedColumn {
  /** The kind of its first value. */
  kind: 'unknown' | 'number' | 'text' | 'nested';
  leftOut: number;
  example: string;
  where: string;
  /** Its series in the run that the last row belonged to. */
  series: PointSeries | null;
}

export class TableReader {
  readonly #columns: Column[] = [];
  readonly #byName = new Map<string, Column>();
  #sample: { cells: readonly Cell[]; where: string }[] | null = [];
  readonly #style: NumberStyle;
  /** Known after the sample. */
  #layout!: TableLayout;
  #reading: RunReading | null = null;
  #runName = '';
  /** Rows of each run so far. */
  readonly #rows = new Map<string, number>();
  #withoutStep = 0;
  #nested = 0;
  readonly #rounded = new Rounded();

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
    const column = { ...namedColumn(name), kind: 'unknown' as const, leftOut: 0, example: '', where: '', series: null };
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
        `column ${shown(name)} (${kind === 'nested' ? 'lists or objects' : `text such as ${example}, ${where}`}; ${counted(leftOut, 'row')})`,
      );
    if (text.length > 20) words.push(`${counted(text.length - 20, 'more column')} of text`);
    if (this.#withoutStep > 0) words.push(`${counted(this.#withoutStep, 'row')} without a step`);
    if (this.#nested > 0) words.push(`${counted(this.#nested, 'row')} whose value is no number`);
    this.runs.notes.push(...this.#rounded.words());
    for (const run of this.runs.all()) run.leftOut.push(...words);
  }

  #begin(): void {
    const sample = this.#sample;
    if (!sample) return;
    if (sample.length === 0) throw new ImportError('there is no line after the first, so no step to import');
    this.#sample = null;
    this.#layout = layOut(
      this.#columns,
      sample.map((s) => s.cells),
      this.options,
    );
    this.runs.axis = this.#layout.axis;
    this.runs.axes = this.#layout.axes;
    this.runs.notes.push(...this.#layout.notes);
    for (const { cells, where } of sample) this.#take(cells, where);
  }

  #take(cells: readonly Cell[], where: string): void {
    const columns = this.#columns;
    const { step: counting, time: timed, run: named, key, value: valued, epochs } = this.#layout;
    const run = this.#runOf(named === null ? '' : String(cells[named] ?? '').trim());
    const row = this.#rows.get(run.name) ?? 0;
    this.#rows.set(run.name, row + 1);
    if (epochs?.beginAgain(cells))
      throw new ImportError(
        `${where}: column ${shown(columns[counting!]!.name)} begins again with an epoch, so it does not count the steps of the run; choose another column as the axis, or "${ROW_AXIS}" to count the rows`,
        this.runs.axes,
      );
    const step = counting === null ? row : this.#stepOf(cells[counting], columns[counting]!, where);
    if (step === null) {
      this.#withoutStep++;
      return;
    }
    const time = timed === null ? Number.NaN : this.#timeOf(cells[timed], columns[timed]!, where);
    run.rows++;
    if (key !== null) {
      const name = String(cells[key] ?? '').trim();
      const column = columns[valued!]!;
      const value = this.#number(cells[valued!], column, where, false);
      if (name === '' || value === null) this.#nested += value === null && !isAbsentCell(cells[valued!]) ? 1 : 0;
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
    const time = known ?? (this.#layout.ours && isTime(Number(cell)) ? Number(cell) : null);
    if (time === null)
      throw new ImportError(`${where}, column ${shown(column.name)}: ${shown(cell)} is not a time; give ${timeWords}`);
    return time;
  }
}

const isAbsentCell = (cell: Cell): boolean =>
  cell === null || cell === undefined || (typeof cell === 'string' && isAbsent(cell.trim()));
