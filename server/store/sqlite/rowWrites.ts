import type Database from 'better-sqlite3';
import { joinedColumns, sameColumns } from '~/shared/columns';
import { firstStepOf, lastStepOf, rowCount, rowsBetween, stepAt } from '~/shared/rows';
import type { Rows, Series, StreamSpec } from '~/shared/series';
import { encodeAxis } from './axis';
import { checksum } from './checksums';
import { openChunks } from './chunks';
import { encodeColumns } from './columns';
import { BLOCK_ROWS, firstRowOf, STRIPE } from './layout';
import { stripesOf } from './rowRuns';
import { type Crc, type RowTables, type StreamRow, sumOfStream } from './rows';
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
    series: db.prepare('INSERT INTO series (run, name, stream, position, crc) VALUES (?, ?, ?, ?, ?)'),
    past: db.prepare<[number, number], { id: number }>('SELECT id FROM streams WHERE run = ? AND lastStep >= ?'),
    generation: db.prepare('INSERT INTO generations (stream, generation, fromRow, crc) VALUES (?, ?, ?, ?)'),
    tail: db.prepare(
      'INSERT INTO tail (stream, generation, firstRow, rows, firstStep, at, steps, times, data, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    tailOf: db.prepare<[number, number], TailPart & Crc>(
      'SELECT firstRow, rows, firstStep, at, steps, times, data, crc FROM tail WHERE stream = ? AND generation = ? ORDER BY firstRow',
    ),
    dropTail: db.prepare('DELETE FROM tail WHERE stream = ? AND generation = ?'),
    block: db.prepare('INSERT INTO blocks (stream, generation, stripe, block, data, crc) VALUES (?, ?, ?, ?, ?, ?)'),
    axis: db.prepare('INSERT INTO axes (stream, generation, block, firstStep, steps, times, crc) VALUES (?, ?, ?, ?, ?, ?, ?)'),
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
    for (const [i, { name }] of columns.entries()) sql.series.run(run, name, id, i, checksum(run, name, id, i));
  }

  function describe(id: number, columns: readonly Series[]): void {
    const text = JSON.stringify(columns);
    sql.describe.run(text, checksum(id, text), id);
  }

  function begin(stream: number, generation: number, row: number): void {
    sql.generation.run(stream, generation, row, checksum(stream, generation, row));
  }

  function takeBack(run: number, fromStep: number): void {
    for (const { id } of sql.past.all(run, fromStep)) {
      const stream = rows.streamById(id);
      const row = rows.open(stream).rowAt(fromStep);
      stream.lastStep = fromStep - 1;
      if (row < stream.endRow) {
        stream.generation += 1;
        stream.endRow = row;
        begin(id, stream.generation, row);
        chunks.dropFrom(id, row);
      }
      move(stream);
    }
  }

  function move(stream: StreamRow): void {
    const { id, firstRow, endRow, generation, lastStep } = stream;
    sql.moveStream.run(firstRow, endRow, generation, lastStep, checksum(...sumOfStream(stream)), id);
  }

  /** @returns the index of the first one */
  function addRows(stream: StreamRow, event: Rows, at: number): number {
    if (stream.firstRow === null) {
      stream.firstRow = firstRowOf(firstStepOf(event));
      stream.endRow = stream.firstRow;
      begin(stream.id, stream.generation, stream.firstRow);
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
      } else {
        const fields = [
          stream.id,
          stream.generation,
          row,
          part.rows,
          part.firstStep,
          at,
          part.steps,
          part.times,
          part.data,
        ] as const;
        sql.tail.run(...fields, checksum(...fields));
      }
      stream.endRow = stop;
      row = stop;
    }
    stream.lastStep = lastStepOf(event);
    move(stream);
    return first;
  }

  /** Turns the open block into columns. */
  function closeBlock(stream: StreamRow, added: TailPart): void {
    const waiting = sql.tailOf.all(stream.id, stream.generation);
    // A new checksum must not make damaged data look valid.
    const sound = waiting.every((part) => isSound(stream, part));
    const parts = [...waiting, added];
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
      const fields = [stream.id, stream.generation, stripe, block, encodeColumns(columns)] as const;
      sql.block.run(...fields, sound ? checksum(...fields) : null);
    }
    const fields = [stream.id, stream.generation, block, steps[0]!, encodeAxis(steps), encodeAxis(times)] as const;
    sql.axis.run(...fields, sound ? checksum(...fields) : null);
    sql.dropTail.run(stream.id, stream.generation);
  }

  return { declare, addRows, takeBack };
}

const isSound = ({ id, generation }: StreamRow, { firstRow, rows, firstStep, at, steps, times, data, crc }: TailPart & Crc) =>
  checksum(id, generation, firstRow, rows, firstStep, at, steps, times, data) === crc;

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
