import path from 'node:path';
import { isObject } from '~/shared/own';
import { type Config, config as configSchema, fittedConfig, type Json } from '~/shared/setup';
import { shown } from './cells';
import { ImportError } from './importError';
import type { RunsReading } from './reading';
import type { SourceFile } from './sources';
import type { Cell } from './tableLayout';
import { TableReader } from './tables';
import { encodingOf, textOf } from './text';

/**
 * Tables as JSON: a line per row (JSONL), a list of rows, columns of lists (Keras, pandas), a Hugging Face trainer_state.json,
 * TensorBoard's [[wall time, step, value]], an export of this program. Nested objects become names with "/". NaN and Infinity are
 * read as Python writes them.
 */

/** Most characters of a document that is read as a whole, and of a line. */
const LONGEST = 256 * 2 ** 20;
const LONGEST_LINE = 8 * 2 ** 20;

type Options = { axis: string | null };
type Row = { [key: string]: Json };

export async function readJson(
  source: SourceFile,
  runs: RunsReading,
  options: Options,
  report?: (bytesRead: number) => void,
): Promise<void> {
  const encoding = await encodingOf(source, 'JSON');
  const text = textOf(source, encoding, report);
  if (await isLines(source, encoding)) {
    await readLines(text, runs, options);
    return;
  }
  const parts: string[] = [];
  let letters = 0;
  for await (const part of text) {
    letters += part.length;
    if (letters > LONGEST)
      throw new ImportError(
        `the file is one JSON document of more than ${LONGEST} characters; write it as JSON lines, one row each`,
      );
    parts.push(part);
  }
  readDocument(parsed(parts.join(''), null), source.name, runs, options);
}

/** Whether the first line is a complete row and another one follows, or the name says that the file has one row per line. */
async function isLines(source: SourceFile, encoding: Awaited<ReturnType<typeof encodingOf>>): Promise<boolean> {
  if (/\.(jsonl|ndjson)$/i.test(source.name)) return true;
  let head = '';
  for await (const part of textOf(source, encoding)) {
    head += part;
    if (head.includes('\n') || head.length > 1 << 20) break;
  }
  const line = head.trimStart().split('\n')[0]!.trim();
  if (!line.startsWith('{')) return false;
  try {
    parsed(line, null);
    return head.trimStart().indexOf('\n') > 0;
  } catch {
    return false;
  }
}

/** @param line line number in a file of lines; null = the whole file */
function parsed(text: string, line: number | null): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    try {
      // Python's NaN, Infinity and -Infinity become texts, which are parsed as numbers later; texts are unchanged.
      return JSON.parse(
        text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (m) => (m.startsWith('"') ? m : `"${m}"`)),
      ) as Json;
    } catch (error) {
      throw new ImportError(
        `${line === null ? 'the file' : `line ${line}`} is not JSON: ${(error as Error).message.slice(0, 200)}`,
      );
    }
  }
}

async function readLines(text: AsyncIterable<string>, runs: RunsReading, options: Options): Promise<void> {
  const rows = new RowReader(runs, options);
  let held = '';
  let line = 0;
  const take = (one: string) => {
    line++;
    if (one.trim() === '') return;
    const row = parsed(one, line);
    if (!isObject(row)) throw new ImportError(`line ${line}: an object is expected on each line, not ${shownJson(row)}`);
    rows.take(row, `line ${line}`);
  };
  for await (const part of text) {
    held += part;
    const lines = held.split('\n');
    held = lines.pop()!;
    for (const one of lines) take(one);
    if (held.length > LONGEST_LINE) throw new ImportError(`line ${line + 1}: it is longer than ${LONGEST_LINE} characters`);
  }
  if (held.trim() !== '') {
    try {
      take(held);
    } catch (error) {
      // The last line of a file that is still being written.
      if (line <= 1) throw error;
      runs.run().leftOut.push(`line ${line}, which is not whole`);
    }
  }
  rows.end();
}

const noRows = 'the file holds no rows: lists of numbers, or a list of objects, are expected';
/** JSON.stringify fails where lists are nested too deep, which JSON.parse reads. */
const shownJson = (value: Json): string =>
  Array.isArray(value) ? `a list of ${value.length}` : isObject(value) ? 'an object' : shown(JSON.stringify(value));

function readDocument(document: Json, name: string, runs: RunsReading, options: Options): void {
  if (Array.isArray(document)) {
    readList(document, name, runs, options);
    return;
  }
  if (!isObject(document)) throw new ImportError(`the file holds ${shownJson(document)}, no rows`);
  const { log_history: history, columns, rows, data, metrics, ...rest } = document;
  // Hugging Face's Trainer.
  if (Array.isArray(history)) {
    const reader = new RowReader(runs, options);
    for (const [i, row] of history.entries()) if (isObject(row)) reader.take(row, `log_history[${i}]`);
    reader.end();
    const settings = Object.entries(rest).filter(
      ([, v]) => typeof v === 'number' || typeof v === 'string' || typeof v === 'boolean',
    );
    runs.run().config = smallConfig(Object.fromEntries(settings));
    return;
  }
  // An export of this program, and pandas' orient="split".
  const table = Array.isArray(rows) ? rows : Array.isArray(data) ? data : null;
  if (table && Array.isArray(columns) && columns.every((c) => typeof c === 'string')) {
    if (table.length === 0)
      throw new ImportError(
        isObject(rest.run) ? 'the run in the file has no rows: an export as .headroom holds all else of it' : noRows,
      );
    const reader = new TableReader(runs, { axis: options.axis, positional: true });
    for (const column of columns) reader.column(column as string);
    for (const [i, row] of table.entries()) if (Array.isArray(row)) reader.row(row, `row ${i + 1}`);
    reader.end();
    const setup = isObject(rest.run) ? rest.run.setup : undefined;
    if (isObject(setup) && isObject(setup.config)) runs.run().config = smallConfig(setup.config);
    if (Array.isArray(rest.events) && rest.events.length > 0)
      runs.run().leftOut.push('evaluations, samples, commands and notes: an export as .headroom holds them');
    return;
  }
  // MLflow's REST answer.
  const list = [metrics, rows, data].find((l) => Array.isArray(l));
  if (list) {
    readList(list as Json[], name, runs, options);
    return;
  }
  const lists = columnsOf(document);
  if (lists.length === 0) throw new ImportError(noRows);
  if (readPoints(lists, runs, options)) return;
  // Columns: lists by name, or pandas' {"name": {"0": value}}.
  const cells = lists.map(([key, v]): [string, Map<number, Json>] => [
    key,
    new Map(
      Array.isArray(v)
        ? v.map((cell, i): [number, Json] => [i, cell])
        : Object.entries(v).flatMap(([i, cell]): [number, Json][] => (/^\d+$/.test(i) ? [[Number(i), cell]] : [])),
    ),
  ]);
  const reader = new TableReader(runs, { axis: options.axis, positional: true });
  for (const [key] of cells) reader.column(key);
  const last = cells.reduce((n, [, column]) => [...column.keys()].reduce((m, i) => Math.max(m, i), n), -1);
  if (last < 0) throw new ImportError(noRows);
  if (last > 50_000_000) throw new ImportError(`the file has a row ${last}: more than are taken`);
  for (let i = 0; i <= last; i++)
    reader.row(
      cells.map(([, column]) => column.get(i)),
      `row ${i + 1}`,
    );
  reader.end();
}

type Column = [name: string, cells: Json[] | Row];

/** Lists, and objects by row number, by name; also those of an object within (Keras' history beside its params). */
const columnsOf = (object: Row, prefix = '', depth = 0): Column[] =>
  Object.entries(object).flatMap(([key, v]): Column[] => {
    if (Array.isArray(v)) return [[prefix + key, v]];
    if (!isObject(v) || depth === 8) return [];
    if (Object.keys(v).some((i) => /^\d+$/.test(i))) return [[prefix + key, v]];
    return columnsOf(v, key === 'history' ? prefix : `${prefix}${key}/`, depth + 1);
  });

/** {"loss": [[step, value], ...]}, or with the wall time first: each series has its own steps. @returns whether the lists are such */
function readPoints(lists: readonly Column[], runs: RunsReading, options: Options): boolean {
  const width = Array.isArray(lists[0]![1]) && Array.isArray(lists[0]![1][0]) ? lists[0]![1][0].length : 0;
  const isPoint = (point: Json): point is Json[] => Array.isArray(point) && point.length === width;
  if ((width !== 2 && width !== 3) || !lists.every(([, list]) => Array.isArray(list) && list.every(isPoint))) return false;
  const rows = new RowReader(runs, options);
  for (const [name, list] of lists)
    for (const [i, point] of (list as Json[][]).entries()) {
      const [value, step, time] = point.toReversed();
      rows.take({ ...(time !== undefined && { 'Wall time': time }), step: step!, [name]: value! }, `${shown(name)}[${i}]`);
    }
  rows.end();
  return true;
}

function readList(list: readonly Json[], name: string, runs: RunsReading, options: Options): void {
  if (list.length === 0) throw new ImportError(noRows);
  if (list.every((row) => Array.isArray(row) && row.length === 3)) {
    // TensorBoard's download of one chart.
    const tag = /-tag-(.+)\.json$/.exec(path.posix.basename(name))?.[1] ?? 'Value';
    const reader = new TableReader(runs, options);
    for (const column of ['Wall time', 'Step', tag]) reader.column(column);
    for (const [i, row] of list.entries()) reader.row(row as Json[], `row ${i + 1}`);
    reader.end();
    return;
  }
  const rows = new RowReader(runs, options);
  for (const [i, row] of list.entries()) {
    if (!isObject(row)) throw new ImportError(`row ${i + 1}: an object is expected, not ${shownJson(row)}`);
    rows.take(row, `row ${i + 1}`);
  }
  rows.end();
}

/** As many settings as fit. */
export function smallConfig(settings: Config): Config {
  const fitted = fittedConfig(settings);
  return configSchema.safeParse(fitted).success ? fitted : {};
}

/** Objects as rows of one table; each new name becomes a column. */
class RowReader {
  readonly #places = new Map<string, number>();
  readonly #twice = new Set<string>();
  readonly #table: TableReader;

  constructor(
    private readonly runs: RunsReading,
    options: Options,
  ) {
    this.#table = new TableReader(runs, options);
  }

  take(row: Row, where: string): void {
    const cells: Cell[] = new Array(this.#places.size);
    this.#flatten(row, '', cells, 0);
    this.#table.row(cells, where);
  }

  end(): void {
    this.#table.end();
  }

  #flatten(row: Row, prefix: string, cells: Cell[], depth: number): void {
    for (const [key, value] of Object.entries(row)) {
      const name = prefix + key;
      // W&B's pictures and histograms are objects that name their type.
      if (isObject(value) && !Object.hasOwn(value, '_type') && depth < 8) {
        this.#flatten(value, key === 'metrics' && depth === 0 ? '' : `${name}/`, cells, depth + 1);
        continue;
      }
      let at = this.#places.get(name);
      if (at === undefined) {
        at = this.#table.column(name);
        this.#places.set(name, at);
      }
      if (cells[at] !== undefined && !this.#twice.has(name)) {
        this.#twice.add(name);
        this.runs.notes.push(`a row has ${shown(name)} twice, also as a value within an object: the last one is kept`);
      }
      cells[at] = value;
    }
  }
}
