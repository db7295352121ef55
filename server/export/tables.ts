import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { stringify } from '~/shared/json';
import { ExportError, logPages, type RecordSource, type Rows, rowsInForce, type StepRange, viewOf } from './source';

/** The step rows in force as tables: columns `step`, `timeMs` (when the row was committed, ms since 1970), then the series. */
const leading = ['step', 'timeMs'] as const;

export async function columnsOf(source: RecordSource, runId: string): Promise<string[]> {
  return [...leading, ...(await viewOf(source, runId)).series.map((s) => s.name)];
}

/** Part of a table; what is left out is not limited. */
export interface Part extends Partial<StepRange> {
  series?: readonly string[];
}

/**
 * RFC 4180; numbers so that they read back exactly, NaN and infinities as NaN, Infinity, -Infinity.
 *
 * @throws ExportError when the run has no such series, or the range is none
 */
export async function* writeCsv(
  source: RecordSource,
  runId: string,
  { series, ...range }: Part = {},
): AsyncGenerator<Uint8Array> {
  if (range.to !== undefined && range.to <= (range.from ?? 0))
    throw new ExportError(`to: ${range.to} must be above from (${range.from ?? 0})`);
  const all = await columnsOf(source, runId);
  const unknown = series?.find((name) => !all.includes(name, leading.length));
  if (unknown !== undefined)
    throw new ExportError(`series: run ${runId} has no "${unknown}"; it has ${all.slice(leading.length).join(', ')}`);
  const columns = all.flatMap((name, i) => (i < leading.length || !series || series.includes(name) ? [i] : []));
  yield Buffer.from(`${columns.map((i) => csvField(all[i]!)).join(',')}\r\n`);
  const line = (cells: number[]) => `${columns.map((i) => numberText(cells[i]!)).join(',')}\r\n`;
  for await (const text of lines(source, runId, all.length - leading.length, line, range)) yield Buffer.from(text);
}

/** Reads back as the same number; String() would lose the sign of -0. */
const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

const csvField = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * One JSON document: {"run": the view, "columns", "rows": [[...], ...], "events": every other entry}. In rows NaN and infinities are the strings "NaN",
 * "Infinity", "-Infinity"; elsewhere they are written as shared/json.ts does.
 */
export async function* writeJson(source: RecordSource, runId: string): AsyncGenerator<Uint8Array> {
  const view = await viewOf(source, runId);
  const columns = [...leading, ...view.series.map((s) => s.name)];
  yield Buffer.from(`{"run":${stringify(view)},\n"columns":${JSON.stringify(columns)},\n"rows":[`);
  let separator = '\n';
  const row = (cells: number[]) => {
    const text = `${separator}[${cells.map((c) => (Number.isFinite(c) ? numberText(c) : `"${c}"`)).join(',')}]`;
    separator = ',\n';
    return text;
  };
  for await (const text of lines(source, runId, view.series.length, row)) yield Buffer.from(text);
  yield Buffer.from('\n],\n"events":[');
  separator = '\n';
  for await (const page of logPages(source, runId))
    for (const entry of page) {
      if (entry.event.type === 'steps') continue;
      yield Buffer.from(`${separator}${stringify(entry)}`);
      separator = ',\n';
    }
  yield Buffer.from('\n]}\n');
}

/** Rows as text, some hundred at a time. */
async function* lines(
  source: RecordSource,
  runId: string,
  width: number,
  line: (cells: number[]) => string,
  range: Partial<StepRange> = {},
): AsyncGenerator<string> {
  let text = '';
  for await (const { firstStep, count, at, values } of rowsInForce(source, runId, range)) {
    for (let r = 0; r < count; r++) {
      text += line([firstStep + r, at, ...values.subarray(r * width, (r + 1) * width)]);
      if (text.length < 65_536) continue;
      yield text;
      text = '';
    }
  }
  if (text) yield text;
}

/** Rows of one Parquet row group. */
const GROUP = 16_384;

/** Parquet, snappy: step INT64, timeMs and series DOUBLE, none optional. */
export async function* writeParquet(source: RecordSource, runId: string): AsyncGenerator<Uint8Array> {
  const names = (await columnsOf(source, runId)).slice(leading.length);
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({
    writer: bytes,
    schema: [
      { name: 'root', num_children: leading.length + names.length },
      { name: 'step', type: 'INT64', repetition_type: 'REQUIRED' },
      ...['timeMs', ...names].map((name) => ({ name, type: 'DOUBLE' as const, repetition_type: 'REQUIRED' as const })),
    ],
  });
  const written = () => {
    const out = bytes.getBytes().slice();
    bytes.index = 0;
    return out;
  };
  for await (const group of groups(rowsInForce(source, runId), GROUP)) {
    const rows = group.reduce((n, g) => n + g.count, 0);
    const columns = names.map(() => new Float64Array(rows));
    const step = new BigInt64Array(rows);
    const time = new Float64Array(rows);
    let i = 0;
    for (const { firstStep, count, at, values } of group)
      for (let r = 0; r < count; r++, i++) {
        step[i] = BigInt(firstStep + r);
        time[i] = at;
        for (let c = 0; c < names.length; c++) columns[c]![i] = values[r * names.length + c]!;
      }
    await writer.write({
      columnData: [
        { name: 'step', data: step },
        { name: 'timeMs', data: time },
        ...names.map((name, c) => ({ name, data: columns[c]! })),
      ],
      rowGroupSize: rows,
    });
    yield written();
  }
  await writer.finish();
  yield written();
}

async function* groups(all: AsyncIterable<Rows>, atLeast: number): AsyncGenerator<Rows[]> {
  let group: Rows[] = [];
  let rows = 0;
  for await (const part of all) {
    group.push(part);
    rows += part.count;
    if (rows < atLeast) continue;
    yield group;
    group = [];
    rows = 0;
  }
  if (rows > 0) yield group;
}
