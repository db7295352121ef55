import type Database from 'better-sqlite3';
import type { RangeQuery, RowsAnswer, RowsQuery, SeriesAnswer, SeriesQuery, StoredRun, StoredStream } from '~/server/store';
import { parse } from '~/shared/json';
import type { ConsoleAnswer, ConsoleQuery } from '~/shared/media';
import type { RangeAnswer } from '~/shared/pyramid';
import type { RunSummary } from '~/shared/summary';
import type { RunView } from '~/shared/view';
import { type Averages, openAverages } from './averages';
import { type Crc, checked, checkRow, hourly, isSound } from './checksums';
import { openConsoleReads } from './console';
import { type EntryReads, openEntryReads } from './entries';
import { type ItemReads, openItemReads } from './items';
import { STRIPE } from './layout';
import { openRanges } from './range';
import { openReducer } from './reduce';
import { openRows, type StoredHead, type StreamRow } from './rows';
import { finish, type Work } from './work';

/** Reads whose cost grows with the data are work in slices (work.ts). */
export interface Reads extends EntryReads, ItemReads {
  runs(): StoredRun[];
  range(query: RangeQuery): Work<RangeAnswer>;
  rows(query: RowsQuery): Work<RowsAnswer>;
  streams(runId: string): Work<StoredStream[]>;
  series(query: SeriesQuery): Work<SeriesAnswer>;
  console(query: ConsoleQuery): ConsoleAnswer;
  view(runId: string): RunView | null;
  blobUsers(hash: string): string[];
  setting(key: string): string | null;
  settings(): Map<string, string>;
  smallBlob(hash: string): Uint8Array | null;
  unnamedSmallBlobs(): { hash: string; bytes: number }[];
  /** Called after a run was removed: caches of runs are invalid. */
  forget(): void;
}

/** Does work without pause, on one state of the database. */
export const atOnce = <T>(db: Database.Database, work: Work<T>): T => db.transaction(() => finish(work))();

/** The reads of a store. @param averages cache of moving averages; several connections of one thread may share it */
export function openReads(db: Database.Database, averages: Averages = openAverages()): Reads {
  const rows = openRows(db);
  const range = openRanges(db, rows, openReducer(db), averages);
  const sql = {
    runs: db.prepare<[], StoredHead & Crc & { summarySeq: number; summary: string | null; summaryCrc: number | null }>(
      `SELECT ${checked.runs.join(', ')}, crc, summarySeq, summary, summaryCrc FROM runs`,
    ),
    view: db.prepare<[number], { seq: number; view: string } & Crc>('SELECT seq, view, crc FROM views WHERE run = ?'),
    users: db.prepare<[string], { run: number; runId: string } & Crc>(
      'SELECT run, runId, blobUses.crc FROM blobUses JOIN runs ON runs.id = run WHERE hash = ? ORDER BY runId',
    ),
    uses: db.prepare<[], { run: number; hash: string } & Crc>('SELECT run, hash, crc FROM blobUses'),
    setting: db.prepare<[string], { value: string } & Crc>('SELECT value, crc FROM settings WHERE key = ?'),
    settings: db.prepare<[], { key: string; value: string } & Crc>('SELECT key, value, crc FROM settings'),
    blob: db.prepare<[string], { data: Buffer }>('SELECT data FROM smallBlobs WHERE hash = ?'),
    unnamed: db.prepare<[], { hash: string; bytes: number }>(
      'SELECT hash, length(data) AS bytes FROM smallBlobs WHERE hash NOT IN (SELECT hash FROM blobUses)',
    ),
  };

  function* streams(runId: string): Work<StoredStream[]> {
    const run = rows.run(runId);
    if (!run) return [];
    const heads = rows.streamsOf(run.id);
    yield heads.length;
    const out: StoredStream[] = [];
    for (const [i, { id, name, firstRow, endRow, lastStep }] of heads.entries()) {
      out.push({ name, columns: rows.columnsOf(id), rows: firstRow === null ? 0 : endRow - firstRow, lastStep });
      if (i % 256 === 0) yield 256;
    }
    return out;
  }

  function* series({ runId, search, names, skip, limit }: SeriesQuery): Work<SeriesAnswer> {
    const run = rows.run(runId);
    if (!run) return { series: [], total: 0 };
    const word = search?.toLowerCase() ?? '';
    const asked = names ? new Set(names) : null;
    const page: SeriesAnswer['series'] = [];
    let total = 0;
    for (const head of rows.streamsOf(run.id)) {
      const { name: stream } = head;
      const fitting = rows
        .columnsOf(head.id)
        .map((column, i) => ({ column, i }))
        .filter(({ column }) => (asked ? asked.has(column.name) : column.name.toLowerCase().includes(word)));
      let row: ReturnType<typeof newest> | undefined;
      for (const { column, i } of fitting) {
        const at = total++;
        if (at < skip || page.length >= limit) continue;
        row ??= newest(head);
        page.push({ ...column, stream, index: i, latest: row && { step: row.step, at: row.time, value: row.values(i) } });
      }
      yield 20;
    }
    return { series: page, total };
  }

  /** Newest row in force of a stream; null when it has none. */
  function newest(stream: StreamRow): { step: number; time: number; values(column: number): number } | null {
    const reader = rows.open(stream);
    const { firstRow, endRow } = reader.stream;
    if (firstRow === null || endRow === firstRow) return null;
    const [first] = reader.inForce(0, endRow - 1, endRow);
    const i = first!.from;
    return {
      step: first!.steps()[i]!,
      time: first!.times()[i]!,
      values(c) {
        const [run] = reader.inForce(Math.floor(c / STRIPE), endRow - 1, endRow);
        const column = run!.column(c % STRIPE);
        return column.values[column.offset + run!.from * column.stride]!;
      },
    };
  }

  const checkUses = hourly(() => {
    for (const row of sql.uses.iterate()) checkRow(() => `run number ${row.run}: its use of blob ${row.hash}`, 'blobUses', row);
  });
  const checkSettings = hourly(() => void allSettings());

  function allSettings() {
    const all = sql.settings.all();
    for (const row of all) checkRow(() => `setting "${row.key}"`, 'settings', row);
    return all;
  }

  const runOf = (runId: string) => rows.run(runId)?.id ?? null;
  const consistent = <A extends unknown[], R>(read: (...args: A) => R): ((...args: A) => R) => db.transaction(read) as never;

  return {
    runs: () =>
      sql.runs.all().map((row) => {
        const { id, runId, head, attempt, nextEvent, summarySeq: seq, summary, summaryCrc } = row;
        checkRow(() => `run ${runId}: its head`, 'runs', row);
        // A summary is a cache of the log, as a view is.
        const sound = summary !== null && isSound('runs.summaryCrc', { id, summarySeq: seq, summary, crc: summaryCrc });
        return { runId, head, attempt, nextEvent, summary: sound ? { seq, summary: parse(summary) as RunSummary } : null };
      }),
    ...openEntryReads(db, rows),
    ...openItemReads(db, runOf),
    range: range.range,
    rows: range.rows,
    streams,
    series,
    console: consistent(openConsoleReads(db, runOf)),
    view(runId) {
      const run = rows.run(runId);
      const row = run && sql.view.get(run.id);
      // A cache of the log: a damaged one is rebuilt from it.
      return run && row && isSound('views', { run: run.id, ...row }) ? (parse(row.view) as RunView) : null;
    },
    blobUsers(hash) {
      const found = sql.users.all(hash);
      for (const row of found) {
        checkRow(() => `run ${row.runId}: its use of blob ${hash}`, 'blobUses', { hash, ...row });
        rows.run(row.runId);
      }
      // A blob that nobody uses is deleted in the end: the reason must not be a damaged row.
      if (found.length === 0) checkUses();
      return found.map(({ runId }) => runId);
    },
    settings: () => new Map(allSettings().map(({ key, value }) => [key, value])),
    setting(key) {
      const found = sql.setting.get(key);
      if (found) checkRow(() => `setting "${key}"`, 'settings', { key, ...found });
      // What is not set has a default: a damaged key must not pass for that.
      else checkSettings();
      return found?.value ?? null;
    },
    forget: averages.forget,
    smallBlob: (hash) => sql.blob.get(hash)?.data ?? null,
    unnamedSmallBlobs: () => sql.unnamed.all(),
  };
}
