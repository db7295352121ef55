import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { stringify } from '~/shared/json';
import { columnName } from './columnNames';
import { type MergedRow, mergedRows, type Part } from './mergedRows';
import { ExportError, logPages, type RecordSource, type StepRange, viewOf } from './source';

/**
 * The rows in force as tables: one line per step, with columns `step`, `timeMs` (when it was measured or committed, ms since 1970), then the series (columnNames.ts). A
 * series that has no value at a step leaves its cell empty; NaN is a value.
 */
const leading = ['step', 'timeMs'] as const;

interface Layout {
  /** Columns of the series, escaped. */
  columns: string[];
  parts: Part[];
}

/** @param options `wanted`: series in any order; left out = all. `forSheets`: escape names that would be taken for a formula */
async function layoutOf(
  source: RecordSource,
  runId: string,
  { wanted, forSheets }: { wanted?: readonly string[]; forSheets?: boolean } = {},
): Promise<Layout> {
  const streams = await source.streams(runId);
  const names = new Set(streams.flatMap((s) => s.columns.map((c) => c.name)));
  const unknown = wanted?.find((name) => !names.has(name));
  if (unknown !== undefined)
    throw new ExportError(`series: run ${runId} has no "${unknown}"; it has ${[...names].slice(0, 200).join(', ')}`);
  const chosen = wanted && new Set(wanted);
  const columns: string[] = [];
  const parts = streams.map((stream): Part => {
    const own = stream.columns.flatMap(({ name }, from) => (chosen && !chosen.has(name) ? [] : [{ from, name }]));
    return { stream, columns: own.map(({ from, name }) => ({ from, to: columns.push(columnName(name, forSheets)) - 1 })) };
  });
  return { columns, parts };
}

/** A part of a table; fields that are left out do not limit it. */
export interface TablePart extends Partial<StepRange> {
  series?: readonly string[];
}

/**
 * RFC 4180; numbers are written so that they read back exactly, NaN and infinities as NaN, Infinity, -Infinity; an absent value
 * is an empty cell.
 *
 * @throws ExportError when the run has no such series, or the range is empty
 */
export async function* writeCsv(
  source: RecordSource,
  runId: string,
  { series, ...range }: TablePart = {},
): AsyncGenerator<Uint8Array> {
  if (range.to !== undefined && range.to <= (range.from ?? Number.NEGATIVE_INFINITY))
    throw new ExportError(`to: ${range.to} must be above from (${range.from})`);
  const { columns, parts } = await layoutOf(source, runId, { wanted: series, forSheets: true });
  yield Buffer.from(`${[...leading, ...columns].map(csvField).join(',')}\r\n`);
  const line = ({ step, time, cells }: MergedRow) => {
    let text = `${numberText(step)},${numberText(time)}`;
    for (const cell of cells) text += cell === undefined ? ',' : `,${numberText(cell)}`;
    return `${text}\r\n`;
  };
  for await (const text of lines(mergedRows(source, runId, parts, range), line)) yield Buffer.from(text);
}

/** Reads back as the same number; String() loses the sign of -0. */
const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

const csvField = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * One JSON document: {"run": the view, "columns", "rows": [[...], ...], "events": every other entry}. In rows an absent value is
 * null, NaN and infinities are the strings "NaN", "Infinity", "-Infinity"; elsewhere they are written as by shared/json.ts.
 */
export async function* writeJson(source: RecordSource, runId: string): AsyncGenerator<Uint8Array> {
  const view = await viewOf(source, runId);
  const { columns, parts } = await layoutOf(source, runId);
  yield Buffer.from(`{"run":${stringify(view)},\n"columns":${JSON.stringify([...leading, ...columns])},\n"rows":[`);
  let separator = '\n';
  const json = (value: number | undefined) =>
    value === undefined ? 'null' : Number.isFinite(value) ? numberText(value) : `"${value}"`;
  const row = ({ step, time, cells }: MergedRow) => {
    const text = `${separator}[${[step, time, ...cells].map(json).join(',')}]`;
    separator = ',\n';
    return text;
  };
  for await (const text of lines(mergedRows(source, runId, parts), row)) yield Buffer.from(text);
  yield Buffer.from('\n],\n"events":[');
  separator = '\n';
  for await (const page of logPages(source, runId))
    for (const entry of page) {
      if (entry.event.type === 'rows') continue;
      yield Buffer.from(`${separator}${stringify(entry)}`);
      separator = ',\n';
    }
  yield Buffer.from('\n]}\n');
}

/** Rows as text, several hundred at a time. */
async function* lines(rows: AsyncIterable<MergedRow>, line: (row: MergedRow) => string): AsyncGenerator<string> {
  let text = '';
  for await (const row of rows) {
    text += line(row);
    if (text.length < 65_536) continue;
    yield text;
    text = '';
  }
  if (text) yield text;
}

/** Most numbers, and most rows, of one Parquet row group. */
const GROUP_VALUES = 2 ** 22;
const GROUP_ROWS = 16_384;

/** Parquet, snappy: step INT64, timeMs DOUBLE, series DOUBLE, optional (null = absent) where the run has more than one stream. */
export async function* writeParquet(source: RecordSource, runId: string): AsyncGenerator<Uint8Array> {
  const { columns, parts } = await layoutOf(source, runId);
  const whole = parts.length <= 1;
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({
    writer: bytes,
    schema: [
      { name: 'root', num_children: leading.length + columns.length },
      { name: 'step', type: 'INT64', repetition_type: 'REQUIRED' },
      { name: 'timeMs', type: 'DOUBLE', repetition_type: 'REQUIRED' },
      ...columns.map((name) => ({
        name,
        type: 'DOUBLE' as const,
        repetition_type: whole ? ('REQUIRED' as const) : ('OPTIONAL' as const),
      })),
    ],
  });
  const written = () => {
    const out = bytes.getBytes().slice();
    bytes.index = 0;
    return out;
  };
  const most = Math.max(64, Math.min(GROUP_ROWS, Math.floor(GROUP_VALUES / Math.max(1, columns.length))));
  const write = async (rows: Omit<MergedRow, 'cells'>[], data: (number | null)[][]) => {
    await writer.write({
      columnData: [
        { name: 'step', data: BigInt64Array.from(rows, (r) => BigInt(r.step)) },
        { name: 'timeMs', data: Float64Array.from(rows, (r) => r.time) },
        // PLAIN: a dictionary would store -0 and 0 as one value.
        ...columns.map((name, c) => ({
          name,
          data: whole ? Float64Array.from(data[c] as number[]) : data[c]!,
          encoding: 'PLAIN' as const,
        })),
      ],
      rowGroupSize: rows.length,
    });
    return written();
  };
  let rows: Omit<MergedRow, 'cells'>[] = [];
  let data: (number | null)[][] = columns.map(() => []);
  for await (const { step, time, cells } of mergedRows(source, runId, parts)) {
    rows.push({ step, time });
    for (let c = 0; c < cells.length; c++) data[c]!.push(cells[c] ?? null);
    if (rows.length < most) continue;
    yield await write(rows, data);
    rows = [];
    data = columns.map(() => []);
  }
  if (rows.length > 0) yield await write(rows, data);
  await writer.finish();
  yield written();
}
