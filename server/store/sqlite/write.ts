import type Database from 'better-sqlite3';
import { blobsNamed } from '~/server/base/blobsNamed';
import type { Append } from '~/server/store';
import { firstLink, nextLink } from '~/server/store/chain';
import { checkAppend, rewindOf } from '~/server/store/checkAppend';
import type { StreamLookup } from '~/server/store/streamState';
import type { RunEvent } from '~/shared/events';
import { stringify } from '~/shared/json';
import { firstStepOf, seqCount, stepWith, withPlainSteps } from '~/shared/rows';
import type { RunSummary } from '~/shared/summary';
import type { RunView } from '~/shared/view';
import { type Crc, checkRow, checksum, openInsert, sumOf } from './checksums';
import { openConsoleWrites } from './console';
import { openItemWrites } from './items';
import { openRows, type StoredHead } from './rows';
import { openRowWrites } from './rowWrites';

export interface Writes {
  append(write: Append): void;
  /** Writes nothing. @throws what `append` would throw */
  checkAppend(write: Append): void;
  saveView(view: RunView, summary: RunSummary): void;
  remove(runId: string): void;
  setSetting(key: string, value: string): void;
  putSmallBlob(hash: string, bytes: Uint8Array): void;
  removeSmallBlob(hash: string): void;
  /** Writes a page, as an append does. */
  check(): void;
}

/**
 * The writes of a store; each must be called inside a transaction. Nothing is cached between calls: after a crash, the next call
 * reads what the crash left.
 */
export function openWrites(db: Database.Database): Writes {
  const rows = openRows(db);
  const printed = openConsoleWrites(db);
  const streams = openRowWrites(db, rows);
  const ofStreams = 'stream IN (SELECT id FROM streams WHERE run = ?)';
  const changeItems = openItemWrites(db);
  const sql = {
    createRun: db.prepare('INSERT INTO runs (runId, head, attempt, nextEvent, headStep) VALUES (?, 0, 0, 0, 0) RETURNING id'),
    moveRun: db.prepare('UPDATE runs SET head = ?, attempt = ?, nextEvent = ?, headStep = ?, chain = ?, crc = ? WHERE id = ?'),
    entry: db.prepare(
      'INSERT INTO entries (run, seq, seqCount, attempt, at, type, step, stream, generation, row, event, crc, chain) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    owner: db.prepare<[number, string], { stream: number; position: number } & Crc>(
      'SELECT stream, position, crc FROM series WHERE run = ? AND name = ?',
    ),
    counts: db.prepare<[number, number], { streams: number; series: number }>(
      'SELECT (SELECT count(*) FROM streams WHERE run = ?) AS streams, (SELECT count(*) FROM series WHERE run = ?) AS series',
    ),
    rewind: openInsert(db, 'rewinds'),
    view: db.prepare(
      'INSERT INTO views (run, seq, view, crc) VALUES (?, ?, ?, ?) ON CONFLICT (run) DO UPDATE SET seq = excluded.seq, view = excluded.view, crc = excluded.crc WHERE seq <= excluded.seq',
    ),
    summary: db.prepare(
      'UPDATE runs SET summarySeq = ?, summary = ?, summaryCrc = ? WHERE id = ? AND coalesce(summarySeq, 0) <= ?',
    ),
    remove: [
      ...['tail', 'blocks', 'axes', 'pyramid', 'pyramidAxes', 'generations'].map((table) => `${table} WHERE ${ofStreams}`),
      ...['series', 'streams', 'entries', 'rewinds', 'views', 'blobUses', 'console', 'items'].map(
        (table) => `${table} WHERE run = ?`,
      ),
      'runs WHERE id = ?',
    ].map((where) => db.prepare(`DELETE FROM ${where}`)),
    setting: openInsert(db, 'settings', 'REPLACE'),
    use: openInsert(db, 'blobUses', 'IGNORE'),
    dropBlob: db.prepare('DELETE FROM smallBlobs WHERE hash = ?'),
    blob: db.prepare('INSERT INTO smallBlobs (hash, data) VALUES (?, ?) ON CONFLICT (hash) DO UPDATE SET data = excluded.data'),
  };

  /** Reads stored streams on demand, for one append, before it writes. */
  const lookup = (run: number): StreamLookup => {
    let counts: { streams: number; series: number } | null = null;
    return {
      stream(name) {
        const known = rows.stream(run, name);
        return known && { width: known.width, lastStep: known.lastStep, columns: () => rows.columnsOf(known.id) };
      },
      owner(series) {
        const found = sql.owner.get(run, series);
        if (!found) return null;
        checkRow(() => `run number ${run}: series "${series}"`, 'series', { run, name: series, ...found });
        return rows.streamById(found.stream).name;
      },
      counts() {
        // Counts all streams: once, not for each stream of a batch that declares many.
        counts ??= sql.counts.get(run, run)!;
        return counts;
      },
    };
  };

  function checked(write: Append) {
    const known = rows.run(write.runId);
    const { head } = checkAppend(write, known ?? { head: 0, attempt: 0 }, known && lookup(known.id));
    return { known, head };
  }

  function append(write: Append): void {
    const { known, head } = checked(write);
    const run = known ?? create(write.runId);
    let chain: Uint8Array = run.chain ?? firstLink;
    const add = (...fields: (number | string | null)[]) => void sql.entry.run(...fields, checksum(...fields), chain);
    for (const entry of write.entries) {
      const { seq, attempt, at, event } = entry;
      chain = nextLink(chain, entry);
      const back = rewindOf(event);
      if (back) {
        sql.rewind({ run: run.id, seq, ...back });
        streams.takeBack(run.id, back.fromStep);
        run.headStep = event.type === 'rewind' ? Math.min(run.headStep, back.fromStep) : back.fromStep;
      }
      run.headStep = stepWith(event, run.headStep, () => rows.streamsOf(run.id).some((s) => s.lastStep !== null));
      if (event.type === 'rows') {
        const stream = rows.stream(run.id, event.stream)!;
        const { generation } = stream;
        const row = streams.addRows(stream, withPlainSteps(event), at);
        add(run.id, seq, seqCount(event), attempt, at, event.type, firstStepOf(event), stream.id, generation, row, null);
        continue;
      }
      if (event.type === 'series') streams.declare(run.id, event);
      if (event.type === 'started') for (const spec of event.streams ?? []) streams.declare(run.id, spec);
      add(run.id, seq, 1, attempt, at, event.type, stepOf(event), null, null, null, stringify(event));
      if (event.type === 'console') printed(run.id, seq, event);
      for (const hash of blobsNamed(event)) sql.use({ run: run.id, hash });
    }
    changeItems(run.id, write.changes ?? []);
    const { attempt, nextEvent } = write;
    const sum = sumOf('runs', { ...run, head, attempt, nextEvent, chain });
    sql.moveRun.run(head, attempt, nextEvent, run.headStep, chain, sum, run.id);
  }

  function create(runId: string): StoredHead {
    const { id } = sql.createRun.get(runId) as { id: number };
    return { id, runId, head: 0, attempt: 0, nextEvent: 0, headStep: 0, chain: null };
  }

  return {
    append,
    checkAppend: (write) => void checked(write),
    saveView(view, summary) {
      const run = rows.run(view.runId);
      if (!run) throw new Error(`run ${view.runId}: there is no log for this view`);
      const text = stringify(view);
      sql.view.run(run.id, view.seq, text, sumOf('views', { run: run.id, seq: view.seq, view: text }));
      const line = stringify(summary);
      const sum = sumOf('runs.summaryCrc', { id: run.id, summarySeq: view.seq, summary: line });
      sql.summary.run(view.seq, line, sum, run.id, view.seq);
    },
    remove(runId) {
      const run = rows.run(runId);
      if (run) for (const statement of sql.remove) statement.run(run.id);
    },
    setSetting: (key, value) => void sql.setting({ key, value }),
    check() {
      // The same number again: a page is written, and a disk that takes none is noticed.
      db.pragma(`user_version = ${db.pragma('user_version', { simple: true })}`);
    },
    removeSmallBlob: (hash) => void sql.dropBlob.run(hash),
    putSmallBlob: (hash, bytes) => void sql.blob.run(hash, bytes),
  };
}

const stepOf = (event: RunEvent): number | null => ('step' in event && typeof event.step === 'number' ? event.step : null);
