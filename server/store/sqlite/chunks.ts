import type Database from 'better-sqlite3';
import { emptyStats, type Stats } from '~/shared/pyramid';
import { encodeAxis } from './axis';
import { DamagedError, openInsert } from './checksums';
import { encodeColumns } from './columns';
import { BLOCK_ROWS, CHUNK, FAN, LEVELS, STRIPE } from './layout';
import { addRows, type ChunkNodes, mergeNodes, openPyramid, type Segment, STATS } from './reduce';
import { stripesOf } from './rowRuns';
import type { RowReader } from './rows';

/** Writes the pyramid: a chunk, once all its rows are stored, from the level below. */
export interface Chunks {
  /** Rows before `end` (a multiple of BLOCK_ROWS) are stored: writes the chunks that end there. */
  passed(rows: RowReader, end: number): void;
  /** Deletes chunks that hold rows from `row` on. */
  dropFrom(stream: number, row: number): void;
}

type Nodes = Omit<ChunkNodes, 'chunk'>;

export function openChunks(db: Database.Database): Chunks {
  const sql = {
    axes: openInsert(db, 'pyramidAxes'),
    data: openInsert(db, 'pyramid'),
    dropAxes: db.prepare('DELETE FROM pyramidAxes WHERE stream = ? AND level = ? AND chunk >= ?'),
    drop: db.prepare('DELETE FROM pyramid WHERE stream = ? AND level = ? AND chunk >= ?'),
  };

  const stored = openPyramid(db);

  /** Nodes of a chunk without rows (before the stream's first) have no first step: NaN. */
  const emptyNodes = (): Nodes => ({
    first: new Float64Array(CHUNK).fill(Number.NaN),
    last: new Float64Array(CHUNK).fill(Number.NaN),
    time: new Float64Array(CHUNK).fill(Number.NaN),
  });

  function write(rows: RowReader, level: number, chunk: number): void {
    const { id: stream, width } = rows.stream;
    const nodes = emptyNodes();
    for (let stripe = 0; stripe < stripesOf(width); stripe++) {
      const columns = Math.min(STRIPE, width - stripe * STRIPE);
      const series = Array.from({ length: columns }, (_, column) => ({ column, into: emptyStats(CHUNK) }));
      if (level === 1) fromRows(rows, stripe, chunk, nodes, series);
      else fromBelow(stream, level, stripe, chunk, nodes, series);
      const stats = series.flatMap(({ into }) => STATS.map((stat) => into[stat]));
      const data = encodeColumns(stats.map((s) => (s instanceof Float64Array ? s : Float64Array.from(s))));
      sql.data({ stream, level, stripe, chunk, data });
    }
    writeAxes(stream, level, chunk, nodes);
  }

  function writeAxes(stream: number, level: number, chunk: number, { first, last, time }: Nodes, sound = true): void {
    const axes = { firstSteps: encodeAxis(first), lastSteps: encodeAxis(last), lastTimes: encodeAxis(time) };
    sql.axes({ stream, level, chunk, ...axes }, sound);
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
    for (const { first, last, time, ...below } of stored.nodes(id, level - 1, chunk * FAN, chunk * FAN + FAN - 1)) {
      const at = (below.chunk - chunk * FAN) * perChunk;
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
      mergeNodes(stored.columns(id, level - 1, stripe, below.chunk), segments, series);
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
          // The run continues: this chunk is stored without a checksum, so that reading it is an error.
          writeAxes(rows.stream.id, level, chunk, emptyNodes(), false);
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
