import type Database from 'better-sqlite3';
import { emptyStats, type Stats } from '~/shared/pyramid';
import { decodeAxis, encodeAxis } from './axis';
import { checksum, DamagedError, openStreamCheck } from './checksums';
import { encodeColumns, openColumns } from './columns';
import { BLOCK_ROWS, CHUNK, FAN, LEVELS, STRIPE } from './layout';
import { addRows, mergeNodes, type Segment, STATS } from './reduce';
import { stripesOf } from './rowRuns';
import type { RowReader } from './rows';

/** Writes the pyramid: a chunk, once all its rows are stored, from the level below. */
export interface Chunks {
  /** Rows before `end` (a multiple of BLOCK_ROWS) are stored: writes the chunks that end there. */
  passed(rows: RowReader, end: number): void;
  /** Deletes chunks that hold rows from `row` on. */
  dropFrom(stream: number, row: number): void;
}

interface Nodes {
  first: Float64Array;
  last: Float64Array;
  time: Float64Array;
}

export function openChunks(db: Database.Database): Chunks {
  const sql = {
    axes: db.prepare(
      'INSERT INTO pyramidAxes (stream, level, chunk, firstSteps, lastSteps, lastTimes, crc) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    data: db.prepare('INSERT INTO pyramid (stream, level, stripe, chunk, data, crc) VALUES (?, ?, ?, ?, ?, ?)'),
    axesBelow: db.prepare<
      [number, number, number, number],
      { chunk: number; firstSteps: Buffer; lastSteps: Buffer; lastTimes: Buffer; crc: number | null }
    >(
      'SELECT chunk, firstSteps, lastSteps, lastTimes, crc FROM pyramidAxes WHERE stream = ? AND level = ? AND chunk BETWEEN ? AND ? ORDER BY chunk',
    ),
    dataBelow: db.prepare<[number, number, number, number], { data: Buffer; crc: number | null }>(
      'SELECT data, crc FROM pyramid WHERE stream = ? AND level = ? AND stripe = ? AND chunk = ?',
    ),
    dropAxes: db.prepare('DELETE FROM pyramidAxes WHERE stream = ? AND level = ? AND chunk >= ?'),
    drop: db.prepare('DELETE FROM pyramid WHERE stream = ? AND level = ? AND chunk >= ?'),
  };

  const check = openStreamCheck(db);

  /** Nodes of a chunk without rows (before the stream's first) have no first step: NaN. */
  const emptyNodes = (): Nodes => ({
    first: new Float64Array(CHUNK).fill(Number.NaN),
    last: new Float64Array(CHUNK).fill(Number.NaN),
    time: new Float64Array(CHUNK).fill(Number.NaN),
  });

  function write(rows: RowReader, level: number, chunk: number): void {
    const { id, width } = rows.stream;
    const nodes = emptyNodes();
    for (let stripe = 0; stripe < stripesOf(width); stripe++) {
      const columns = Math.min(STRIPE, width - stripe * STRIPE);
      const series = Array.from({ length: columns }, (_, column) => ({ column, into: emptyStats(CHUNK) }));
      if (level === 1) fromRows(rows, stripe, chunk, nodes, series);
      else fromBelow(id, level, stripe, chunk, nodes, series);
      const stats = series.flatMap(({ into }) => STATS.map((stat) => into[stat]));
      const data = encodeColumns(stats.map((s) => (s instanceof Float64Array ? s : Float64Array.from(s))));
      sql.data.run(id, level, stripe, chunk, data, checksum(id, level, stripe, chunk, data));
    }
    const axes = [encodeAxis(nodes.first), encodeAxis(nodes.last), encodeAxis(nodes.time)] as const;
    sql.axes.run(id, level, chunk, ...axes, checksum(id, level, chunk, ...axes));
  }

  /**
   * The run continues although a part of it is damaged: a chunk that needs this part is stored without a checksum, so that
   * reading it is an error.
   */
  function writeDamaged({ id }: RowReader['stream'], level: number, chunk: number): void {
    const none = encodeAxis(emptyNodes().first);
    sql.axes.run(id, level, chunk, none, none, none, null);
  }

  function fromRows(
    rows: RowReader,
    stripe: number,
    chunk: number,
    nodes: Nodes,
    series: { column: number; into: Stats }[],
  ): void {
    const firstRow = chunk * CHUNK * FAN;
    for (const run of rows.inForce(stripe, firstRow, firstRow + CHUNK * FAN)) {
      const steps = run.steps();
      const times = run.times();
      const segments: Segment[] = [];
      for (let r = run.from; r < run.to; ) {
        const node = Math.floor((run.firstRow + r - firstRow) / FAN);
        const end = Math.min(run.to, firstRow + (node + 1) * FAN - run.firstRow);
        if (Number.isNaN(nodes.first[node]!)) nodes.first[node] = steps[r]!;
        nodes.last[node] = steps[end - 1]!;
        nodes.time[node] = times[end - 1]!;
        segments.push({ bucket: node, from: r, to: end });
        r = end;
      }
      for (const { column, into } of series) addRows(run.column(column), segments, into);
    }
  }

  function fromBelow(
    id: number,
    level: number,
    stripe: number,
    chunk: number,
    nodes: Nodes,
    series: { column: number; into: Stats }[],
  ): void {
    const perChunk = CHUNK / FAN;
    for (const below of sql.axesBelow.all(id, level - 1, chunk * FAN, chunk * FAN + FAN - 1)) {
      const at = (below.chunk - chunk * FAN) * perChunk;
      const what = () => `level ${level - 1}, chunk ${below.chunk} of the pyramid`;
      check(id, what, below.crc, id, level - 1, below.chunk, below.firstSteps, below.lastSteps, below.lastTimes);
      const { data, crc } = sql.dataBelow.get(id, level - 1, stripe, below.chunk)!;
      check(id, what, crc, id, level - 1, stripe, below.chunk, data);
      const first = decodeAxis(below.firstSteps);
      const last = decodeAxis(below.lastSteps);
      const time = decodeAxis(below.lastTimes);
      const segments: Segment[] = [];
      for (let node = 0; node < perChunk; node++) {
        const end = (node + 1) * FAN;
        let from = node * FAN;
        while (from < end && Number.isNaN(first[from]!)) from++;
        if (from === end) continue;
        nodes.first[at + node] = first[from]!;
        nodes.last[at + node] = last[end - 1]!;
        nodes.time[at + node] = time[end - 1]!;
        segments.push({ bucket: at + node, from, to: end });
      }
      mergeNodes(openColumns(data), segments, series);
    }
  }

  return {
    passed(rows, end) {
      for (let level = 1; level <= LEVELS; level++) {
        const chunkRows = CHUNK * FAN ** level;
        if (end % chunkRows !== 0) return;
        const chunk = end / chunkRows - 1;
        try {
          write(rows, level, chunk);
        } catch (error) {
          if (!(error instanceof DamagedError)) throw error;
          writeDamaged(rows.stream, level, chunk);
        }
      }
    },
    dropFrom(stream, row) {
      for (let level = 1; level <= LEVELS; level++) {
        const chunk = Math.floor(row / (CHUNK * FAN ** level));
        sql.dropAxes.run(stream, level, chunk);
        sql.drop.run(stream, level, chunk);
      }
    },
  };
}

// Blocks are closed at their end, and each level's chunks end at the end of a block.
if ((CHUNK * FAN) % BLOCK_ROWS !== 0) throw new Error('a chunk must end with a block');
