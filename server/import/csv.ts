import { createReadStream } from 'node:fs';
import { seriesName } from '~/server/export/columnNames';
import { ImportError } from './importError';
import { Numbers } from './numbers';
import { byPresence, MAX_SERIES, MAX_VALUES, type Table } from './table';

/**
 * A CSV (RFC 4180) with one line per step: the first line names the columns, one of them `step`; `timeMs` (ms since 1970) or TensorBoard's `Wall time`
 * (seconds) is taken as the time; every other column is a series of numbers, NaN, Infinity or -Infinity; an empty cell: the series has no value at
 * that step. Where the first line has no
 * comma, semicolons or tabs separate, and between semicolons "0,5" is a half.
 *
 * @throws ImportError with line and column
 */
export async function readCsv(file: string, report: (bytesRead: number) => void = () => {}): Promise<Table> {
  let columns: ((cell: string, line: number) => void)[] | null = null;
  const steps = new Numbers();
  const times = new Numbers();
  const series: { name: string; values: Numbers; absent: Numbers }[] = [];
  let timed = false;

  const head = (cells: string[]) => {
    const stepAt = cells.findIndex((c) => c.toLowerCase() === 'step');
    if (stepAt < 0) throw new ImportError(`line 1: one of the columns must be "step"; they are ${cells.join(', ')}`);
    const names = new Set<string>();
    return cells.map((cellName, i) => {
      const name = seriesName(cellName);
      if (name === '' || name.length > 512) throw new ImportError(`line 1: column ${i + 1} needs a name of 1 to 512 letters`);
      const leading = i === stepAt || cellName === 'timeMs' || cellName === 'Wall time';
      const key = leading ? `column ${cellName}` : `series ${name}`;
      if (names.has(key)) throw new ImportError(`line 1: two columns are named "${name}"`);
      names.add(key);
      if (i === stepAt)
        return (cell: string, line: number) => {
          const step = cell === '' ? Number.NaN : Number(cell);
          if (!Number.isSafeInteger(step))
            throw new ImportError(`line ${line}, column "${name}": "${cell}" is not a step; give a whole number`);
          const before = steps.last() ?? Number.NEGATIVE_INFINITY;
          if (step <= before)
            throw new ImportError(
              `line ${line}: step ${step} does not come after step ${before}; sort the lines by step, one line each`,
            );
          steps.push(step);
        };
      if (cellName === 'timeMs' || cellName === 'Wall time') {
        timed = true;
        const unit = name === 'timeMs' ? 1 : 1000;
        return (cell: string, line: number) => {
          const time = numberOf(cell, line, name) * unit;
          if (!Number.isFinite(time)) throw new ImportError(`line ${line}, column "${name}": "${cell}" is not a time`);
          times.push(time);
        };
      }
      const values = new Numbers();
      const absent = new Numbers();
      series.push({ name, values, absent });
      return (cell: string, line: number) => {
        if (cell === '') absent.push(values.length);
        values.push(numberOf(cell, line, name));
      };
    });
  };

  for await (const { cells, line } of records(file, report)) {
    if (!columns) {
      columns = head(cells.map((c) => c.trim()));
      continue;
    }
    if (cells.length === 1 && cells[0]!.trim() === '') continue;
    if (cells.length !== columns.length)
      throw new ImportError(`line ${line}: ${cells.length} cells, the first line has ${columns.length}`);
    for (let i = 0; i < cells.length; i++) columns[i]!(cells[i]!.trim(), line);
    if (steps.length * columns.length > MAX_VALUES)
      throw new ImportError(`line ${line}: more than the ${MAX_VALUES} numbers that one run takes; split the file`);
  }
  if (series.length === 0) throw new ImportError('line 1: besides "step" at least one column of numbers is needed');
  if (steps.length === 0) throw new ImportError('there is no line after the first, so no step to import');
  const columnsOf = series.map(({ name, values, absent }) => ({ name, values: values.array(), absent: absent.array() }));
  return { streams: byPresence(steps.array(), timed ? times.array() : null, columnsOf), leftOut: null };
}

function numberOf(cell: string, line: number, column: string): number {
  if (cell === '' || /^[-+]?nan$/i.test(cell)) return Number.NaN;
  const infinite = /^([-+]?)inf(inity)?$/i.exec(cell);
  if (infinite) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const value = Number(cell);
  if (Number.isNaN(value))
    throw new ImportError(
      `line ${line}, column "${column}": "${cell.slice(0, 40)}" is not a number; give a number, NaN, Infinity, -Infinity or nothing`,
    );
  return value;
}

/** Longer ones are not what this reads. */
const CELL = 4096;

async function* records(file: string, report: (bytesRead: number) => void): AsyncGenerator<{ cells: string[]; line: number }> {
  let cells: string[] = [];
  let cell = '';
  let quoted = false;
  /** After a closing quote: another one means a quote, anything else the end. */
  let closing = false;
  let line = 1;
  let begun = 1;
  let any = false;
  let first = true;
  /** Known with the first line. */
  let separator: string | null = null;
  const input = createReadStream(file, 'utf8');
  for await (const text of input as AsyncIterable<string>) {
    report(input.bytesRead);
    if (text.includes('\0')) throw new ImportError('this is not a CSV: it holds zero bytes');
    separator ??= separatorOf(text);
    for (const c of first ? text.replace(/^\uFEFF/, '') : text) {
      any = true;
      if (quoted && !closing) {
        if (c === '"') closing = true;
        else cell += c;
      } else if (closing && c === '"') {
        cell += '"';
        closing = false;
      } else if (c === '"' && cell === '' && !closing) quoted = true;
      else if (c === separator) {
        cells.push(cell);
        if (cells.length >= MAX_SERIES + 2)
          throw new ImportError(`line ${begun}: more than the ${MAX_SERIES} columns that are taken`);
        cell = '';
        quoted = closing = false;
      } else if (c === '\n') {
        cells.push(cell.replace(/\r$/, ''));
        yield { cells: separator === ';' ? cells.map(point) : cells, line: begun };
        cells = [];
        cell = '';
        quoted = closing = false;
        any = false;
        begun = line + 1;
      } else cell += c;
      if (c === '\n') line++;
      if (cell.length > CELL) throw new ImportError(`line ${begun}: a cell is longer than ${CELL} letters`);
    }
    first = false;
  }
  if (quoted && !closing) throw new ImportError(`line ${begun}: a quote is not closed`);
  if (any) {
    const last = [...cells, cell];
    yield { cells: separator === ';' ? last.map(point) : last, line: begun };
  }
}

/** By the first line: a comma, or what else separates where there is none. */
function separatorOf(text: string): string {
  const line = text.slice(0, text.search(/[\r\n]|$/)).replace(/"[^"]*"/g, '');
  return [',', ';', '\t'].find((c) => line.includes(c)) ?? ',';
}

/** A decimal comma as a point. */
const point = (cell: string): string => (/^\s*[-+]?\d*,\d+(e[-+]?\d+)?\s*$/i.test(cell) ? cell.replace(',', '.') : cell);
