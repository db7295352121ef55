import type Database from 'better-sqlite3';
import { firstAt } from '~/shared/rows';
import type { Series } from '~/shared/series';
import { decodeAxis } from './axis';
import { type Crc, checked, checkRow, DamagedError, hourly, openStreamCheck } from './checksums';
import { openColumns } from './columns';
import { BLOCK_ROWS } from './layout';
import type { BlockRun, RowRun } from './rowRuns';
import { type OpenTail, openTail, type TailPart } from './tail';

/** Reads rows in any stored form. */

export interface StoredHead {
  /** The number of the run in the other tables. */
  id: number;
  runId: string;
  head: number;
  attempt: number;
  nextEvent: number;
  headStep: number;
  /** Hash chain of the log up to its head (chain.ts); null = no entries yet. */
  chain: Uint8Array | null;
}

export interface StreamRow {
  id: number;
  run: number;
  name: string;
  /** Number of values in a row. */
  width: number;
  /** Index of the first row; null while there is none. */
  firstRow: number | null;
  /** Index after the last row in force. */
  endRow: number;
  /** The generation of new rows. */
  generation: number;
  /** The next row's step must be above it; null = any. */
  lastStep: number | null;
}

/** A range of rows and its generation in force. */
export interface Piece {
  generation: number;
  from: number;
  to: number;
}

export interface RowTables {
  run(runId: string): StoredHead | null;
  stream(run: number, name: string): StreamRow | null;
  /** @throws DamagedError when there is no such stream: other tables name it */
  streamById(id: number): StreamRow;
  streamsOf(run: number): StreamRow[];
  columnsOf(stream: number): Series[];
  /** For one query: rows read of the stream are cached until it ends. */
  open(stream: StreamRow): RowReader;
}

export interface RowReader {
  readonly stream: StreamRow;
  /** Rows from..to of one generation, in step order; rows that it does not have are left out. */
  ofGeneration(generation: number, stripe: number, from: number, to: number): Generator<RowRun>;
  /** Rows in force, in step order. */
  inForce(stripe: number, from: number, to: number): Generator<RowRun>;
  /** Index of the first row in force whose step is not below `step`. */
  rowAt(step: number): number;
  /** Step of a row in force. */
  stepOf(row: number): number;
  /** Rows before this index are the same now as in `generation`; Infinity when nothing was taken back since. */
  unchangedBefore(generation: number): number;
}

interface AxisRow extends Crc {
  block: number;
  firstStep: number;
  steps: Buffer;
  times: Buffer;
}

/** Blocks fetched at a time: 16 x 64 kB. */
const WINDOW = 16;

export function openRows(db: Database.Database): RowTables {
  const headFields = [...checked.runs, 'crc'].join(', ');
  const streamFields = [...checked.streams, 'crc'].join(', ');
  const sql = {
    run: db.prepare<[string], StoredHead & Crc>(`SELECT ${headFields} FROM runs WHERE runId = ?`),
    runs: db.prepare<[], StoredHead & Crc>(`SELECT ${headFields} FROM runs`),
    stream: db.prepare<[number, string], StreamRow & Crc>(`SELECT ${streamFields} FROM streams WHERE run = ? AND name = ?`),
    streamById: db.prepare<[number], StreamRow & Crc>(`SELECT ${streamFields} FROM streams WHERE id = ?`),
    streams: db.prepare<[number], StreamRow & Crc>(`SELECT ${streamFields} FROM streams WHERE run = ? ORDER BY id`),
    columns: db.prepare<[number], { id: number; columns: string } & Crc>(
      'SELECT id, columns, columnsCrc AS crc FROM streams WHERE id = ?',
    ),
    generations: db.prepare<[number], { generation: number; fromRow: number } & Crc>(
      'SELECT generation, fromRow, crc FROM generations WHERE stream = ? ORDER BY generation',
    ),
    blocks: db.prepare<[number, number, number, number, number], { block: number; data: Buffer } & Crc>(
      'SELECT block, data, crc FROM blocks WHERE stream = ? AND generation = ? AND stripe = ? AND block BETWEEN ? AND ? ORDER BY block',
    ),
    axis: db.prepare<[number, number, number], AxisRow>(
      'SELECT block, firstStep, steps, times, crc FROM axes WHERE stream = ? AND generation = ? AND block = ?',
    ),
    axisByStep: db.prepare<[number, number, number], AxisRow>(
      'SELECT block, firstStep, steps, times, crc FROM axes WHERE stream = ? AND generation = ? AND firstStep <= ? ORDER BY firstStep DESC LIMIT 1',
    ),
    tail: db.prepare<[number, number], TailPart & Crc>(
      'SELECT firstRow, rows, firstStep, at, steps, times, data, crc FROM tail WHERE stream = ? AND generation = ? ORDER BY firstRow',
    ),
  };

  const check = openStreamCheck(db);

  function open(stream: StreamRow): RowReader {
    const all = generationsOf(stream);
    const startOf = new Map(all.map(({ generation, fromRow }) => [generation, fromRow]));
    const force = pieces(all);
    const tails = new Map<number, OpenTail>();
    const axes = new Map<string, Axis>();
    const kept = new Map<number, { generation: number; block: number; run: BlockRun }>();

    const tailOf = (generation: number): OpenTail => {
      const known = tails.get(generation);
      if (known) return known;
      const parts = sql.tail.all(stream.id, generation);
      for (const part of parts) {
        const what = () => `rows ${part.firstRow} to ${part.firstRow + part.rows - 1}`;
        check(stream.id, what, 'tail', { stream: stream.id, generation, ...part });
      }
      const opened = openTail(parts, stream.width);
      tails.set(generation, opened);
      return opened;
    };
    const checkedAxis = (generation: number, row: AxisRow): Axis => {
      check(stream.id, () => `the axis of block ${row.block}`, 'axes', { stream: stream.id, generation, ...row });
      return openAxis(row);
    };
    const axisOf = (generation: number, block: number): Axis => {
      const key = `${generation} ${block}`;
      const known = axes.get(key);
      if (known) return known;
      const row = sql.axis.get(stream.id, generation, block);
      if (!row) throw new Error(`stream ${stream.id}: block ${block} of generation ${generation} has no steps`);
      const axis = checkedAxis(generation, row);
      axes.set(key, axis);
      if (axes.size > 64) axes.delete(axes.keys().next().value!);
      return axis;
    };
    const blockRun = (generation: number, block: number, data: Buffer): BlockRun => {
      const columns = openColumns(data);
      return {
        // A generation that begins inside a block has only rows from there on.
        firstRow: Math.max(block * BLOCK_ROWS, startOf.get(generation)!),
        count: columns.rows,
        steps: () => axisOf(generation, block).steps(),
        times: () => axisOf(generation, block).times(),
        column: (i) => columns.column(i),
      };
    };

    function* ofGeneration(generation: number, stripe: number, from: number, to: number): Generator<RowRun> {
      if (from >= to) return;
      const last = Math.floor((to - 1) / BLOCK_ROWS);
      let first = Math.floor(from / BLOCK_ROWS);
      const same = kept.get(stripe);
      if (same && same.generation === generation && same.block === first) {
        yield* within(same.run, from, to);
        first++;
      }
      for (; first <= last; first += WINDOW) {
        const found = sql.blocks.all(stream.id, generation, stripe, first, Math.min(last, first + WINDOW - 1));
        for (const row of found) {
          const { block, data } = row;
          check(stream.id, () => `block ${block}, stripe ${stripe},`, 'blocks', {
            stream: stream.id,
            generation,
            stripe,
            ...row,
          });
          const run = blockRun(generation, block, data);
          kept.set(stripe, { generation, block, run });
          yield* within(run, from, to);
        }
        // Blocks are filled in order: after the first missing one there is only the tail.
        if (found.length < Math.min(WINDOW, last - first + 1)) break;
      }
      for (const run of tailOf(generation).runs(stripe, from, to)) yield* within(run, from, to);
    }

    function* inForce(stripe: number, from: number, to: number): Generator<RowRun> {
      const end = Math.min(to, stream.endRow);
      for (const piece of force) {
        const a = Math.max(from, piece.from);
        const b = Math.min(end, piece.to);
        if (a < b) yield* ofGeneration(piece.generation, stripe, a, b);
      }
    }

    /** First step of a piece; null when it has no rows. */
    const firstStepIn = ({ generation, from }: Piece): number | null => {
      if (from >= stream.endRow) return null;
      return stepIn(generation, from);
    };

    function stepIn(generation: number, row: number): number {
      const tail = tailOf(generation);
      if (row >= tail.firstRow) return tail.stepOf(row);
      const block = Math.floor(row / BLOCK_ROWS);
      return axisOf(generation, block).steps()[row - Math.max(block * BLOCK_ROWS, startOf.get(generation)!)]!;
    }

    function rowIn({ generation, from, to }: Piece, step: number): number {
      const end = Math.min(to, stream.endRow);
      const tail = tailOf(generation);
      let found: number;
      if (tail.firstRow < end && tail.firstStep <= step) found = tail.rowAt(step);
      else {
        const axis = sql.axisByStep.get(stream.id, generation, step);
        if (!axis) return from;
        const steps = checkedAxis(generation, axis).steps();
        found = Math.max(axis.block * BLOCK_ROWS, startOf.get(generation)!) + firstAt(steps, step);
      }
      return Math.min(end, Math.max(from, found));
    }

    return {
      stream,
      ofGeneration,
      inForce,
      rowAt(step) {
        // The last piece that begins at or before the step holds it, or the step is between two pieces.
        for (const [i, piece] of [...force.entries()].reverse()) {
          const first = firstStepIn(piece);
          if (first === null) continue;
          if (first <= step || i === 0) return first > step ? piece.from : rowIn(piece, step);
        }
        return stream.endRow;
      },
      stepOf(row) {
        const piece = force.find((p) => row >= p.from && row < p.to);
        if (!piece || row >= stream.endRow) throw new Error(`stream ${stream.id}: there is no row ${row}`);
        return stepIn(piece.generation, row);
      },
      unchangedBefore: (generation) =>
        all.reduce((least, g) => (g.generation > generation ? Math.min(least, g.fromRow) : least), Number.POSITIVE_INFINITY),
    };
  }

  /** Every generation since the first row has one row: a missing one would change which rows are in force. */
  function generationsOf({ id, firstRow, generation: last }: StreamRow): { generation: number; fromRow: number }[] {
    const all = sql.generations.all(id);
    for (const row of all) check(id, () => `generation ${row.generation}`, 'generations', { stream: id, ...row });
    if (all.length !== (firstRow === null ? 0 : last + 1)) check(id, () => 'the list of generations', 'generations', null);
    return all;
  }

  const checkHead = (head: StoredHead & Crc) => checkRow(() => `run ${head.runId}: its head`, 'runs', head);
  const checkRuns = hourly(() => {
    for (const head of sql.runs.iterate()) checkHead(head);
  });

  const sound = (row: StreamRow & Crc): StreamRow => {
    check(row.id, () => 'the head', 'streams', row);
    return row;
  };

  return {
    run(runId) {
      const row = sql.run.get(runId);
      if (row) checkHead(row);
      // A run that is not there must not be one whose row is damaged.
      else checkRuns();
      return row ?? null;
    },
    stream(run, name) {
      const row = sql.stream.get(run, name);
      return row ? sound(row) : null;
    },
    streamById(id) {
      const row = sql.streamById.get(id);
      if (!row) throw new DamagedError(`stream number ${id}`);
      return sound(row);
    },
    streamsOf: (run) => sql.streams.all(run).map(sound),
    columnsOf(id) {
      const row = sql.columns.get(id)!;
      check(id, () => 'the declaration', 'streams.columnsCrc', row);
      return JSON.parse(row.columns) as Series[];
    },
    open,
  };
}

function* within(run: BlockRun, from: number, to: number): Generator<RowRun> {
  const a = Math.max(0, from - run.firstRow);
  const b = Math.min(run.count, to - run.firstRow);
  if (a < b) yield { firstRow: run.firstRow, from: a, to: b, steps: run.steps, times: run.times, column: run.column };
}

/** Later generations replace everything from their first row on. */
function pieces(generations: { generation: number; fromRow: number }[]): Piece[] {
  const out: Piece[] = [];
  for (const { generation, fromRow } of generations) {
    while (out.length > 0 && out.at(-1)!.from >= fromRow) out.pop();
    const before = out.at(-1);
    if (before) before.to = fromRow;
    out.push({ generation, from: fromRow, to: Number.POSITIVE_INFINITY });
  }
  return out;
}

interface Axis {
  steps(): Float64Array;
  times(): Float64Array;
}

function openAxis(row: { steps: Buffer; times: Buffer }): Axis {
  let steps: Float64Array | null = null;
  let times: Float64Array | null = null;
  return {
    steps() {
      steps ??= decodeAxis(row.steps);
      return steps;
    },
    times() {
      times ??= decodeAxis(row.times);
      return times;
    },
  };
}
