import type Database from 'better-sqlite3';
import { joinedColumns, sameColumns } from '~/shared/columns';
import { firstStepOf, lastStepOf, rowCount, rowsBetween, stepAt } from '~/shared/rows';
import type { Rows, Series, StreamSpec } from '~/shared/series';
import { encodeAxis } from './axis';
import { type Crc, isSound, openInsert, sumOf } from './checksums';
import { openChunks } from './chunks';
import { encodeColumns } from './columns';
import { BLOCK_ROWS, firstRowOf, STRIPE } from './layout';
import { stripesOf } from './rowRuns';
import type { RowTables, StreamRow } from './rows';
import { joined, type TailPart } from './tail';

/** Writes streams and their rows; must be called inside a transaction. */
export interface RowWrites {
  /** For a known stream, only additions to its declaration are stored. */
  declare(run: number, spec: StreamSpec): void;
  /** Changes `stream` together with the table. @returns the index of the first row */
  addRows(stream: StreamRow, event: Rows, at: number): number;
  /** Takes back the rows of a run at and after `fromStep`. */
  takeBack(run: number, fromStep: number): void;
}

export function openRowWrites(db: Database.Database, rows: RowTables): RowWrites {
  const chunks = openChunks(db);
  const sql = {
    createStream: db.prepare(
      "INSERT INTO streams (run, name, width, endRow, generation, columns) VALUES (?, ?, ?, 0, 0, '') RETURNING id",
    ),
    describe: db.prepare('UPDATE streams SET columns = ?, columnsCrc = ? WHERE id = ?'),
    moveStream: db.prepare('UPDATE streams SET firstRow = ?, endRow = ?, generation = ?, lastStep = ?, crc = ? WHERE id = ?'),
    series: openInsert(db, 'series'),
    past: db.prepare<[number, number], { id: number }>('SELECT id FROM streams WHERE run = ? AND lastStep >= ?'),
    generation: openInsert(db, 'generations'),
    tail: openInsert(db, 'tail'),
    tailOf: db.prepare<[number, number], TailPart & Crc>(
      'SELECT firstRow, rows, firstStep, at, steps, times, data, crc FROM tail WHERE stream = ? AND generation = ? ORDER BY firstRow',
    ),
    dropTail: db.prepare('DELETE FROM tail WHERE stream = ? AND generation = ?'),
    block: openInsert(db, 'blocks'),
    axis: openInsert(db, 'axes'),
  };

  function declare(run: number, { stream, columns }: StreamSpec): void {
    const known = rows.stream(run, stream);
    if (known) {
      const before = rows.columnsOf(known.id);
      const together = joinedColumns(before, columns);
      if (together && !sameColumns(before, together)) describe(known.id, together);
      return;
    }
    const width = columns.length;
    const { id } = sql.createStream.get(run, stream, width) as { id: number };
    describe(id, columns);
    move({ id, run, name: stream, width, firstRow: null, endRow: 0, generation: 0, lastStep: null });
    for (const [i, { name }] of columns.entries()) sql.series({ run, name, stream: id, position: i });
  }

  function describe(id: number, columns: readonly Series[]): void {
    const text = JSON.stringify(columns);
    sql.describe.run(text, sumOf('streams.columnsCrc', { id, columns: text }), id);
  }

  function takeBack(run: number, fromStep: number): void {
    for (const { id } of sql.past.all(run, fromStep)) {
      const stream = rows.streamById(id);
      const row = rows.open(stream).rowAt(fromStep);
      stream.lastStep = fromStep - 1;
      if (row < stream.endRow) {
        stream.generation += 1;
        stream.endRow = row;
        sql.generation({ stream: id, generation: stream.generation, fromRow: row });
        chunks.dropFrom(id, row);
      }
      move(stream);
    }
  }

  function move(stream: StreamRow): void {
    const { id, firstRow, endRow, generation, lastStep } = stream;
    sql.moveStream.run(firstRow, endRow, generation, lastStep, sumOf('streams', stream), id);
  }

  /** @returns the index of the first one */
  function addRows(stream: StreamRow, event: Rows, at: number): number {
    if (stream.firstRow === null) {
      stream.firstRow = firstRowOf(firstStepOf(event));
      stream.endRow = stream.firstRow;
      sql.generation({ stream: stream.id, generation: stream.generation, fromRow: stream.firstRow });
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
      } else sql.tail({ stream: stream.id, generation: stream.generation, ...part });
      stream.endRow = stop;
      row = stop;
    }
    stream.lastStep = lastStepOf(event);
    move(stream);
    return first;
  }

  /** Turns the open block into columns. */
  function closeBlock({ id: stream, generation, width }: StreamRow, added: TailPart): void {
    const waiting = sql.tailOf.all(stream, generation);
    // A new checksum must not make damaged data look valid.
    const sound = waiting.every((part) => isSound('tail', { stream, generation, ...part }));
    const parts = [...waiting, added];
    const count = parts.reduce((n, p) => n + p.rows, 0);
    const { steps, times, values } = joined(parts, count, width);
    const block = Math.floor(parts[0]!.firstRow / BLOCK_ROWS);
    for (let stripe = 0; stripe < stripesOf(width); stripe++) {
      const columns: Float64Array[] = [];
      for (let c = stripe * STRIPE; c < Math.min(width, (stripe + 1) * STRIPE); c++) {
        const column = new Float64Array(count);
        for (let r = 0, i = c; r < count; r++, i += width) column[r] = values[i]!;
        columns.push(column);
      }
      sql.block({ stream, generation, stripe, block, data: encodeColumns(columns) }, sound);
    }
    const axis = { block, firstStep: steps[0]!, steps: encodeAxis(steps), times: encodeAxis(times) };
    sql.axis({ stream, generation, ...axis }, sound);
    sql.dropTail.run(stream, generation);
  }

  return { declare, addRows, takeBack };
}

const bytesOf = (a: Float64Array): Buffer => Buffer.from(a.buffer, a.byteOffset, a.byteLength);

/** A part in the form of `tail`. */
function partOf(event: Rows, firstRow: number, at: number): TailPart {
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
