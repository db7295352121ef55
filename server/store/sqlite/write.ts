import type Database from 'better-sqlite3';
import { blobsNamed } from '~/server/base/blobsNamed';
import type { Append } from '~/server/store';
import { checkAppend } from '~/server/store/checkAppend';
import type { RunEvent, Steps } from '~/shared/events';
import { seqCount } from '~/shared/events';
import { stringify } from '~/shared/json';
import { emptyReduced } from '~/shared/pyramid';
import type { RunSummary } from '~/shared/summary';
import type { RunView } from '~/shared/view';
import { encodeColumns } from './columns';
import { openConsoleWrites } from './console';
import { openItemWrites } from './items';
import { openReducer, STATS } from './reduce';
import { openRows, type StoredHead, stripesOf } from './rows';
import { BLOCK_ROWS, CHUNK, FAN, LEVELS, STRIPE } from './schema';

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
  const reduce = openReducer(db, rows);
  const changeItems = openItemWrites(db);
  const sql = {
    createRun: db.prepare(
      "INSERT INTO runs (runId, head, attempt, nextEvent, headStep, generation, series) VALUES (?, 0, 0, 0, 0, 0, '[]') RETURNING id",
    ),
    moveRun: db.prepare(
      'UPDATE runs SET head = ?, attempt = ?, nextEvent = ?, headStep = ?, generation = ?, series = ? WHERE id = ?',
    ),
    entry: db.prepare(
      'INSERT INTO entries (run, seq, seqCount, attempt, at, type, step, generation, event) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    rewind: db.prepare('INSERT INTO rewinds (run, seq, fromStep, keepSeq) VALUES (?, ?, ?, ?)'),
    generation: db.prepare('INSERT INTO generations (run, generation, fromStep) VALUES (?, ?, ?)'),
    tail: db.prepare('INSERT INTO tail (run, generation, firstStep, data) VALUES (?, ?, ?, ?)'),
    tailOf: db.prepare<[number, number], { firstStep: number; data: Buffer }>(
      'SELECT firstStep, data FROM tail WHERE run = ? AND generation = ?',
    ),
    dropTail: db.prepare('DELETE FROM tail WHERE run = ? AND generation = ?'),
    block: db.prepare('INSERT INTO blocks (run, generation, stripe, block, data) VALUES (?, ?, ?, ?, ?)'),
    chunk: db.prepare('INSERT INTO pyramid (run, level, stripe, chunk, data) VALUES (?, ?, ?, ?, ?)'),
    dropChunks: db.prepare('DELETE FROM pyramid WHERE run = ? AND level = ? AND chunk >= ? AND stripe BETWEEN 0 AND ?'),
    view: db.prepare(
      'INSERT INTO views (run, seq, view) VALUES (?, ?, ?) ON CONFLICT (run) DO UPDATE SET seq = excluded.seq, view = excluded.view WHERE seq <= excluded.seq',
    ),
    summary: db.prepare('UPDATE runs SET summarySeq = ?, summary = ? WHERE id = ? AND coalesce(summarySeq, 0) <= ?'),
    remove: [
      ...['tail', 'blocks', 'pyramid', 'entries', 'rewinds', 'generations', 'views', 'blobUses', 'console', 'items'].map(
        (table) => `${table} WHERE run`,
      ),
      'runs WHERE id',
    ].map((where) => db.prepare(`DELETE FROM ${where} = ?`)),
    setting: db.prepare('INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value'),
    use: db.prepare('INSERT INTO blobUses (hash, run) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    dropBlob: db.prepare('DELETE FROM smallBlobs WHERE hash = ?'),
    blob: db.prepare('INSERT INTO smallBlobs (hash, data) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING'),
  };

  function append(write: Append): void {
    const known = rows.head(write.runId);
    const { head, seriesNames } = checkAppend(write, known ?? { head: 0, attempt: 0, headStep: 0, seriesNames: [] });
    const run = known ?? create(write.runId);
    run.seriesNames = seriesNames;
    for (const { seq, attempt, at, event } of write.entries) {
      if (event.type === 'run.assigned' && write.rewind) rewind(run, seq, write.rewind);
      if (event.type === 'steps') {
        sql.entry.run(run.id, seq, event.count, attempt, at, event.type, event.firstStep, run.generation, null);
        addRows(run, event);
      } else sql.entry.run(run.id, seq, seqCount(event), attempt, at, event.type, stepOf(event), null, stringify(event));
      if (event.type === 'console') printed(run.id, seq, event);
      for (const hash of blobsNamed(event)) sql.use.run(hash, run.id);
    }
    changeItems(run.id, write.changes ?? []);
    sql.moveRun.run(head, write.attempt, write.nextEvent, run.headStep, run.generation, JSON.stringify(seriesNames), run.id);
  }

  function create(runId: string): StoredHead {
    const { id } = sql.createRun.get(runId) as { id: number };
    sql.generation.run(id, 0, 0);
    return { id, runId, head: 0, attempt: 0, nextEvent: 0, headStep: 0, generation: 0, seriesNames: [] };
  }

  function rewind(run: StoredHead, seq: number, { fromStep, keepSeq }: { fromStep: number; keepSeq: number }): void {
    sql.rewind.run(run.id, seq, fromStep, keepSeq);
    if (fromStep >= run.headStep) {
      moveTo(run, fromStep);
      return;
    }
    run.generation += 1;
    run.headStep = fromStep;
    sql.generation.run(run.id, run.generation, fromStep);
    const stripes = stripesOf(run.seriesNames.length);
    for (let level = 1; level <= LEVELS; level++)
      sql.dropChunks.run(run.id, level, Math.floor(fromStep / (CHUNK * FAN ** level)), stripes - 1);
  }

  function addRows(run: StoredHead, { firstStep, count, values }: Steps): void {
    const width = run.seriesNames.length;
    moveTo(run, firstStep);
    const end = firstStep + count;
    for (let at = firstStep; at < end; ) {
      const blockEnd = (Math.floor(at / BLOCK_ROWS) + 1) * BLOCK_ROWS;
      const stop = Math.min(end, blockEnd);
      const part = values.subarray((at - firstStep) * width, (stop - firstStep) * width);
      if (stop === blockEnd) {
        closeBlock(run, [{ firstStep: at, values: part }]);
        passed(run, stop);
      } else {
        sql.tail.run(run.id, run.generation, at, new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
        run.headStep = stop;
      }
      at = stop;
    }
  }

  /** The next row will be `step`: a gap may leave a block and chunks behind that get no more rows. */
  function moveTo(run: StoredHead, step: number): void {
    if (step === run.headStep) return;
    if (Math.floor(step / BLOCK_ROWS) > Math.floor(run.headStep / BLOCK_ROWS)) closeBlock(run, []);
    passed(run, step);
  }

  /** Turns the open block, the one of headStep, into columns. */
  function closeBlock(run: StoredHead, added: { firstStep: number; values: Float64Array }[]): void {
    const stored = sql.tailOf.all(run.id, run.generation).map(({ firstStep, data }) => ({ firstStep, values: asDoubles(data) }));
    const parts = [...stored, ...added];
    if (parts.length === 0) return;
    const width = run.seriesNames.length;
    const block = Math.floor(parts[0]!.firstStep / BLOCK_ROWS);
    const present = new Float64Array(BLOCK_ROWS);
    for (const { firstStep, values } of parts) {
      const first = firstStep - block * BLOCK_ROWS;
      present.fill(1, first, first + values.length / width);
    }
    for (let stripe = 0; stripe < stripesOf(width); stripe++) {
      const columns = [present];
      for (let c = stripe * STRIPE; c < Math.min(width, (stripe + 1) * STRIPE); c++) {
        const column = new Float64Array(BLOCK_ROWS);
        for (const { firstStep, values } of parts) {
          const first = firstStep - block * BLOCK_ROWS;
          for (let r = 0, at = c; at < values.length; r++, at += width) column[first + r] = values[at]!;
        }
        columns.push(column);
      }
      sql.block.run(run.id, run.generation, stripe, block, encodeColumns(columns));
    }
    sql.dropTail.run(run.id, run.generation);
  }

  /** Moves the head to `step` and writes the chunks whose steps are thereby complete, lower levels first: each is made from the one below. */
  function passed(run: StoredHead, step: number): void {
    const before = run.headStep;
    run.headStep = step;
    for (let level = 1; level <= LEVELS; level++) {
      const chunkSteps = CHUNK * FAN ** level;
      const chunk = Math.floor(before / chunkSteps);
      if (Math.floor(step / chunkSteps) === chunk) return;
      writeChunk(run, level, chunk);
    }
  }

  function writeChunk(run: StoredHead, level: number, chunk: number): void {
    const width = run.seriesNames.length;
    const bucketSteps = FAN ** level;
    const firstStep = chunk * CHUNK * bucketSteps;
    for (let stripe = 0; stripe < stripesOf(width); stripe++) {
      const names = run.seriesNames.slice(stripe * STRIPE, (stripe + 1) * STRIPE);
      const reduced = emptyReduced(names, firstStep, bucketSteps, CHUNK);
      const series = names.map((name, column) => ({ column, into: reduced.series[name]! }));
      reduce(run, stripe, firstStep, firstStep + CHUNK * bucketSteps, level - 1, {
        firstStep,
        bucketSteps,
        rows: reduced.rows,
        series,
      });
      if (reduced.rows.every((n) => n === 0)) return;
      const columns = [reduced.rows, ...series.flatMap(({ into }) => STATS.map((stat) => into[stat]))];
      sql.chunk.run(
        run.id,
        level,
        stripe,
        chunk,
        encodeColumns(columns.map((c) => (c instanceof Float64Array ? c : Float64Array.from(c)))),
      );
    }
  }

  return {
    append,
    saveView(view, summary) {
      const run = rows.head(view.runId);
      if (!run) throw new Error(`run ${view.runId}: there is no log for this view`);
      sql.view.run(run.id, view.seq, stringify(view));
      sql.summary.run(view.seq, stringify(summary), run.id, view.seq);
    },
    remove(runId) {
      const run = rows.head(runId);
      if (run) for (const statement of sql.remove) statement.run(run.id);
    },
    setSetting: (key, value) => void sql.setting.run(key, value),
    removeSmallBlob: (hash) => void sql.dropBlob.run(hash),
    putSmallBlob: (hash, bytes) => void sql.blob.run(hash, bytes),
  };
}

const stepOf = (event: RunEvent): number | null => ('step' in event && typeof event.step === 'number' ? event.step : null);

/** A copy, because SQLite's bytes may not be aligned. */
const asDoubles = (data: Uint8Array): Float64Array => new Float64Array(data.slice().buffer);
