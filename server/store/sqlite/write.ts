import type Database from 'better-sqlite3';
import { blobsNamed } from '~/server/base/blobsNamed';
import type { Append } from '~/server/store';
import { checkAppend, rewindOf } from '~/server/store/checkAppend';
import type { StreamLookup } from '~/server/store/streamState';
import type { RunEvent } from '~/shared/events';
import { seqCount } from '~/shared/events';
import { stringify } from '~/shared/json';
import {
  firstStepOf,
  lastStepOf,
  type Rows,
  rowCount,
  rowsBetween,
  type StreamSpec,
  stepAt,
  withPlainSteps,
} from '~/shared/series';
import type { RunSummary } from '~/shared/summary';
import type { RunView } from '~/shared/view';
import { encodeAxis } from './axis';
import { openChunks } from './chunks';
import { encodeColumns } from './columns';
import { openConsoleWrites } from './console';
import { joined, openRows, type StoredHead, type StreamRow, stripesOf } from './rows';
import { BLOCK_ROWS, firstRowOf, STRIPE } from './schema';

export interface Writes {
  append(write: Append): void;
  saveView(view: RunView, summary: RunSummary): void;
  remove(runId: string): void;
  setSetting(key: string, value: string): void;
  putSmallBlob(hash: string, bytes: Uint8Array): void;
  removeSmallBlob(hash: string): void;
}

/** The writes of a store, each to be called inside a transaction. Nothing is kept between calls: what a crash leaves is what the next call reads. */
export function openWrites(db: Database.Database): Writes {
  const rows = openRows(db);
  const printed = openConsoleWrites(db);
  const chunks = openChunks(db);
  const ofStreams = 'stream IN (SELECT id FROM streams WHERE run = ?)';
  const sql = {
    createRun: db.prepare('INSERT INTO runs (runId, head, attempt, nextEvent, headStep) VALUES (?, 0, 0, 0, 0) RETURNING id'),
    moveRun: db.prepare('UPDATE runs SET head = ?, attempt = ?, nextEvent = ?, headStep = ? WHERE id = ?'),
    entry: db.prepare(
      'INSERT INTO entries (run, seq, seqCount, attempt, at, type, step, stream, generation, row, event) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    rewind: db.prepare('INSERT INTO rewinds (run, seq, fromStep, keepSeq) VALUES (?, ?, ?, ?)'),
    createStream: db.prepare(
      'INSERT INTO streams (run, name, width, firstRow, endRow, generation, lastStep, columns) VALUES (?, ?, ?, NULL, 0, 0, NULL, ?) RETURNING id',
    ),
    moveStream: db.prepare('UPDATE streams SET firstRow = ?, endRow = ?, generation = ?, lastStep = ? WHERE id = ?'),
    series: db.prepare('INSERT INTO series (run, name, stream, position) VALUES (?, ?, ?, ?)'),
    owner: db.prepare<[number, string], { name: string }>(
      'SELECT streams.name FROM series JOIN streams ON streams.id = series.stream WHERE series.run = ? AND series.name = ?',
    ),
    counts: db.prepare<[number, number], { streams: number; series: number }>(
      'SELECT (SELECT count(*) FROM streams WHERE run = ?) AS streams, (SELECT count(*) FROM series WHERE run = ?) AS series',
    ),
    past: db.prepare<[number, number], { id: number }>('SELECT id FROM streams WHERE run = ? AND lastStep >= ?'),
    generation: db.prepare('INSERT INTO generations (stream, generation, fromRow) VALUES (?, ?, ?)'),
    tail: db.prepare(
      'INSERT INTO tail (stream, generation, firstRow, rows, firstStep, at, steps, times, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    tailOf: db.prepare<[number, number], Parameters<typeof joined>[0][number]>(
      'SELECT firstRow, rows, firstStep, at, steps, times, data FROM tail WHERE stream = ? AND generation = ? ORDER BY firstRow',
    ),
    dropTail: db.prepare('DELETE FROM tail WHERE stream = ? AND generation = ?'),
    block: db.prepare('INSERT INTO blocks (stream, generation, stripe, block, data) VALUES (?, ?, ?, ?, ?)'),
    axis: db.prepare('INSERT INTO axes (stream, generation, block, firstStep, steps, times) VALUES (?, ?, ?, ?, ?, ?)'),
    view: db.prepare(
      'INSERT INTO views (run, seq, view) VALUES (?, ?, ?) ON CONFLICT (run) DO UPDATE SET seq = excluded.seq, view = excluded.view WHERE seq <= excluded.seq',
    ),
    summary: db.prepare('UPDATE runs SET summarySeq = ?, summary = ? WHERE id = ? AND coalesce(summarySeq, 0) <= ?'),
    remove: [
      ...['tail', 'blocks', 'axes', 'pyramid', 'pyramidAxes', 'generations'].map((table) => `${table} WHERE ${ofStreams}`),
      ...['series', 'streams', 'entries', 'rewinds', 'views', 'blobUses', 'console'].map((table) => `${table} WHERE run = ?`),
      'runs WHERE id = ?',
    ].map((where) => db.prepare(`DELETE FROM ${where}`)),
    setting: db.prepare('INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value'),
    use: db.prepare('INSERT INTO blobUses (hash, run) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    dropBlob: db.prepare('DELETE FROM smallBlobs WHERE hash = ?'),
    blob: db.prepare('INSERT INTO smallBlobs (hash, data) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING'),
  };

  const lookup = (run: number): StreamLookup => ({
    stream(name) {
      const known = rows.stream(run, name);
      return known && { width: known.width, lastStep: known.lastStep, columns: () => rows.columnsOf(known.id) };
    },
    owner: (series) => sql.owner.get(run, series)?.name ?? null,
    counts: () => sql.counts.get(run, run)!,
  });

  function append(write: Append): void {
    const known = rows.run(write.runId);
    const { head } = checkAppend(write, known ?? { head: 0, attempt: 0 }, known && lookup(known.id));
    const run = known ?? create(write.runId);
    for (const { seq, attempt, at, event } of write.entries) {
      const back = rewindOf(event, write);
      if (back) {
        rewind(run.id, seq, back);
        run.headStep = event.type === 'rewind' ? Math.min(run.headStep, back.fromStep) : back.fromStep;
      }
      if (event.type === 'rows') {
        const stream = rows.stream(run.id, event.stream)!;
        const { generation } = stream;
        const row = addRows(stream, withPlainSteps(event), at);
        sql.entry.run(
          run.id,
          seq,
          seqCount(event),
          attempt,
          at,
          event.type,
          firstStepOf(event),
          stream.id,
          generation,
          row,
          null,
        );
        run.headStep = Math.max(run.headStep, lastStepOf(event) + 1);
        continue;
      }
      if (event.type === 'series') declare(run.id, event);
      if (event.type === 'started') for (const spec of event.streams ?? []) declare(run.id, spec);
      sql.entry.run(run.id, seq, 1, attempt, at, event.type, stepOf(event), null, null, null, stringify(event));
      if (event.type === 'console') printed(run.id, seq, event);
      for (const hash of blobsNamed(event)) sql.use.run(hash, run.id);
    }
    sql.moveRun.run(head, write.attempt, write.nextEvent, run.headStep, run.id);
  }

  function create(runId: string): StoredHead {
    const { id } = sql.createRun.get(runId) as { id: number };
    return { id, runId, head: 0, attempt: 0, nextEvent: 0, headStep: 0 };
  }

  function declare(run: number, { stream, columns }: StreamSpec): void {
    if (rows.stream(run, stream)) return;
    const { id } = sql.createStream.get(run, stream, columns.length, JSON.stringify(columns)) as { id: number };
    for (const [i, { name }] of columns.entries()) sql.series.run(run, name, id, i);
  }

  function rewind(run: number, seq: number, { fromStep, keepSeq }: { fromStep: number; keepSeq: number }): void {
    sql.rewind.run(run, seq, fromStep, keepSeq);
    for (const { id } of sql.past.all(run, fromStep)) {
      const stream = rows.streamById(id)!;
      const row = rows.open(stream).rowAt(fromStep);
      stream.lastStep = fromStep - 1;
      if (row < stream.endRow) {
        stream.generation += 1;
        stream.endRow = row;
        sql.generation.run(id, stream.generation, row);
        chunks.dropFrom(id, row);
      }
      move(stream);
    }
  }

  const move = ({ id, firstRow, endRow, generation, lastStep }: StreamRow) =>
    void sql.moveStream.run(firstRow, endRow, generation, lastStep, id);

  /** @returns the index of the first one */
  function addRows(stream: StreamRow, event: Rows, at: number): number {
    if (stream.firstRow === null) {
      stream.firstRow = firstRowOf(firstStepOf(event));
      stream.endRow = stream.firstRow;
      sql.generation.run(stream.id, stream.generation, stream.firstRow);
    }
    const first = stream.endRow;
    const end = first + rowCount(event);
    for (let row = first; row < end; ) {
      const blockEnd = (Math.floor(row / BLOCK_ROWS) + 1) * BLOCK_ROWS;
      const stop = Math.min(end, blockEnd);
      const part = partOf(rowsBetween(event, row - first, stop - first), row, at);
      if (stop === blockEnd) {
        closeBlock(stream, part);
        chunks.passed(rows.open({ ...stream, endRow: stop }), stop);
      } else sql.tail.run(stream.id, stream.generation, row, part.rows, part.firstStep, at, part.steps, part.times, part.data);
      stream.endRow = stop;
      row = stop;
    }
    stream.lastStep = lastStepOf(event);
    move(stream);
    return first;
  }

  /** Turns the open block into columns. */
  function closeBlock(stream: StreamRow, added: Parameters<typeof joined>[0][number]): void {
    const parts = [...sql.tailOf.all(stream.id, stream.generation), added];
    const count = parts.reduce((n, p) => n + p.rows, 0);
    const { steps, times, values } = joined(parts, count, stream.width);
    const block = Math.floor(parts[0]!.firstRow / BLOCK_ROWS);
    for (let stripe = 0; stripe < stripesOf(stream.width); stripe++) {
      const columns: Float64Array[] = [];
      for (let c = stripe * STRIPE; c < Math.min(stream.width, (stripe + 1) * STRIPE); c++) {
        const column = new Float64Array(count);
        for (let r = 0, i = c; r < count; r++, i += stream.width) column[r] = values[i]!;
        columns.push(column);
      }
      sql.block.run(stream.id, stream.generation, stripe, block, encodeColumns(columns));
    }
    sql.axis.run(stream.id, stream.generation, block, steps[0]!, encodeAxis(steps), encodeAxis(times));
    sql.dropTail.run(stream.id, stream.generation);
  }

  return {
    append,
    saveView(view, summary) {
      const run = rows.run(view.runId);
      if (!run) throw new Error(`run ${view.runId}: there is no log for this view`);
      sql.view.run(run.id, view.seq, stringify(view));
      sql.summary.run(view.seq, stringify(summary), run.id, view.seq);
    },
    remove(runId) {
      const run = rows.run(runId);
      if (run) for (const statement of sql.remove) statement.run(run.id);
    },
    setSetting: (key, value) => void sql.setting.run(key, value),
    removeSmallBlob: (hash) => void sql.dropBlob.run(hash),
    putSmallBlob: (hash, bytes) => void sql.blob.run(hash, bytes),
  };
}

const stepOf = (event: RunEvent): number | null => ('step' in event && typeof event.step === 'number' ? event.step : null);

const bytesOf = (a: Float64Array): Buffer => Buffer.from(a.buffer, a.byteOffset, a.byteLength);

/** As `tail` has it. */
function partOf(event: Rows, firstRow: number, at: number): Parameters<typeof joined>[0][number] {
  const { steps, times, values } = event;
  return {
    firstRow,
    rows: rowCount(event),
    firstStep: stepAt(event, 0),
    at,
    steps: steps instanceof Float64Array ? bytesOf(steps) : null,
    times: times ? bytesOf(times) : null,
    data: bytesOf(values),
  };
}
