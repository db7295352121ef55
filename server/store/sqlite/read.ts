import type Database from 'better-sqlite3';
import type {
  EntriesQuery,
  RangeQuery,
  RowsAnswer,
  RowsQuery,
  SeriesAnswer,
  SeriesQuery,
  StoredRun,
  StoredStream,
} from '~/server/store';
import { hex } from '~/server/store/chain';
import type { Rewind } from '~/server/store/checkAppend';
import { collectSignals } from '~/server/store/signals';
import type { Entry, RunEvent } from '~/shared/events';
import { grouped } from '~/shared/grouped';
import { parse } from '~/shared/json';
import type { ConsoleAnswer, ConsoleQuery } from '~/shared/media';
import type { RangeAnswer } from '~/shared/pyramid';
import { withPlainSteps } from '~/shared/rows';
import type { SignalHistory } from '~/shared/signals';
import type { RunSummary } from '~/shared/summary';
import type { RunView } from '~/shared/view';
import { type Averages, openAverages } from './averages';
import { type Crc, checked, checkRow, hourly, isSound } from './checksums';
import { openConsoleReads } from './console';
import { type ItemReads, openItemReads } from './items';
import { STRIPE } from './layout';
import { openRanges } from './range';
import { openReducer } from './reduce';
import { copyRun, rowArrays, stripesOf } from './rowRuns';
import { openRows, type RowReader, type StoredHead, type StreamRow } from './rows';
import { finish, type Work } from './work';

/** Reads whose cost grows with the data are work in slices (work.ts). */
export interface Reads extends ItemReads {
  runs(): StoredRun[];
  entries(query: EntriesQuery): Entry[];
  range(query: RangeQuery): Work<RangeAnswer>;
  rows(query: RowsQuery): Work<RowsAnswer>;
  streams(runId: string): Work<StoredStream[]>;
  series(query: SeriesQuery): Work<SeriesAnswer>;
  signals(runId: string, seqs?: readonly number[]): Work<SignalHistory>;
  console(query: ConsoleQuery): ConsoleAnswer;
  view(runId: string): RunView | null;
  blobUsers(hash: string): string[];
  chainAt(runId: string, seq: number): string | null;
  setting(key: string): string | null;
  settings(): Map<string, string>;
  smallBlob(hash: string): Uint8Array | null;
  unnamedSmallBlobs(): { hash: string; bytes: number }[];
  /** Called after a run was removed: caches of runs are invalid. */
  forget(): void;
}

/** Does work without pause, on one state of the database. */
export const atOnce = <T>(db: Database.Database, work: Work<T>): T => db.transaction(() => finish(work))();

/** Approximate limit of one answer of `entries`. */
const ANSWER_BYTES = 8 << 20;
/** Snapshots that are read between two checks of the clock. */
const SNAPSHOTS = 64;

interface EntryRow extends Crc {
  run: number;
  seq: number;
  seqCount: number;
  attempt: number;
  at: number;
  type: RunEvent['type'];
  step: number;
  stream: number;
  generation: number;
  row: number;
  event: string | null;
}

/** The reads of a store. @param averages cache of moving averages; several connections of one thread may share it */
export function openReads(db: Database.Database, averages: Averages = openAverages()): Reads {
  const rows = openRows(db);
  const range = openRanges(db, rows, openReducer(db), averages);
  const fields = [...checked.entries, 'crc'].join(', ');
  const sql = {
    runs: db.prepare<[], StoredHead & Crc & { summarySeq: number; summary: string | null; summaryCrc: number | null }>(
      `SELECT ${checked.runs.join(', ')}, crc, summarySeq, summary, summaryCrc FROM runs`,
    ),
    /** The entry that covers a seq: the last one that begins at or before it. */
    firstAt: db.prepare<[number, number], { seq: number; seqCount: number }>(
      'SELECT seq, seqCount FROM entries WHERE run = ? AND seq <= ? ORDER BY seq DESC LIMIT 1',
    ),
    entries: db.prepare<[number, number], EntryRow>(`SELECT ${fields} FROM entries WHERE run = ? AND seq >= ? ORDER BY seq`),
    others: db.prepare<[number, number, string], EntryRow>(
      `SELECT ${fields} FROM entries WHERE run = ? AND seq >= ? AND type <> 'rows' AND type IN (SELECT value FROM json_each(?)) ORDER BY seq`,
    ),
    some: db.prepare<[number, number, string], EntryRow>(
      `SELECT ${fields} FROM entries WHERE run = ? AND seq >= ? AND type IN (SELECT value FROM json_each(?)) ORDER BY seq`,
    ),
    snapshots: db.prepare<[number, number, number], EntryRow>(
      `SELECT ${fields} FROM entries WHERE run = ? AND type <> 'rows' AND type = 'snapshot' AND seq > ? ORDER BY seq LIMIT ?`,
    ),
    snapshotsAt: db.prepare<[number, string], EntryRow>(
      `SELECT ${fields} FROM entries WHERE run = ? AND type = 'snapshot' AND seq IN (SELECT value FROM json_each(?))`,
    ),
    rewinds: db.prepare<[number], Rewind & Crc>('SELECT seq, fromStep, keepSeq, crc FROM rewinds WHERE run = ?'),
    view: db.prepare<[number], { seq: number; view: string } & Crc>('SELECT seq, view, crc FROM views WHERE run = ?'),
    users: db.prepare<[string], { run: number; runId: string } & Crc>(
      'SELECT run, runId, blobUses.crc FROM blobUses JOIN runs ON runs.id = run WHERE hash = ? ORDER BY runId',
    ),
    uses: db.prepare<[], { run: number; hash: string } & Crc>('SELECT run, hash, crc FROM blobUses'),
    chain: db.prepare<[number, number], { chain: Buffer }>('SELECT chain FROM entries WHERE run = ? AND seq = ?'),
    setting: db.prepare<[string], { value: string } & Crc>('SELECT value, crc FROM settings WHERE key = ?'),
    settings: db.prepare<[], { key: string; value: string } & Crc>('SELECT key, value, crc FROM settings'),
    blob: db.prepare<[string], { data: Buffer }>('SELECT data FROM smallBlobs WHERE hash = ?'),
    unnamed: db.prepare<[], { hash: string; bytes: number }>(
      'SELECT hash, length(data) AS bytes FROM smallBlobs WHERE hash NOT IN (SELECT hash FROM blobUses)',
    ),
  };

  function entries({ runId, fromSeq, limit, types }: EntriesQuery): Entry[] {
    const run = rows.run(runId);
    if (!run) return [];
    const covering = sql.firstAt.get(run.id, fromSeq);
    const from = covering && covering.seq + covering.seqCount > fromSeq ? covering.seq : fromSeq;
    const wanted = types && JSON.stringify(types);
    const found =
      wanted === null
        ? sql.entries.iterate(run.id, from)
        : types?.includes('rows')
          ? sql.some.iterate(run.id, from, wanted)
          : sql.others.iterate(run.id, from, wanted);
    const widths = new Map<number, number>();
    const widthOf = (stream: number): number => {
      const known = widths.get(stream);
      if (known !== undefined) return known;
      const { width } = rows.streamById(stream);
      widths.set(stream, width);
      return width;
    };
    const taken: EntryRow[] = [];
    let bytes = 0;
    for (const row of found) {
      checkEntry(runId, run.id, row);
      bytes += 100 + (row.event === null ? row.seqCount * widthOf(row.stream) * 8 : row.event.length);
      if (taken.length > 0 && bytes > ANSWER_BYTES) break;
      taken.push(row);
      if (taken.length === limit) break;
    }
    return withRows(taken);
  }

  function checkEntry(runId: string, run: number, e: EntryRow): void {
    checkRow(() => `run ${runId}: entry ${e.seq} (${e.type})`, 'entries', { ...e, run });
  }

  /** Reads the numbers of row entries; entries that are adjacent in a stream are read together. */
  function withRows(taken: EntryRow[]): Entry[] {
    const events = new Map<EntryRow, RunEvent>();
    const readers = new Map<number, RowReader>();
    const ofRows = taken.filter((e) => e.type === 'rows');
    for (const group of grouped(ofRows, (e) => `${e.stream} ${e.generation}`).values()) {
      const { stream } = group[0]!;
      const reader = readers.get(stream) ?? rows.open(rows.streamById(stream));
      readers.set(stream, reader);
      for (let i = 0; i < group.length; ) {
        let next = i + 1;
        while (next < group.length && group[next]!.row === group[next - 1]!.row + group[next - 1]!.seqCount) next++;
        rowEvents(reader, group.slice(i, next), events);
        i = next;
      }
    }
    return taken.map((e) => ({
      seq: e.seq,
      attempt: e.attempt,
      at: e.at,
      event: events.get(e) ?? (parse(e.event!) as RunEvent),
    }));
  }

  function rowEvents(reader: RowReader, group: EntryRow[], events: Map<EntryRow, RunEvent>): void {
    const { width, name } = reader.stream;
    const first = group[0]!;
    const last = group.at(-1)!;
    const end = last.row + last.seqCount;
    const rows = rowArrays(end - first.row, width);
    for (let stripe = 0; stripe < stripesOf(width); stripe++)
      for (const run of reader.ofGeneration(first.generation, stripe, first.row, end))
        copyRun(run, stripe, rows, first.row, width);
    const { steps, times, values } = rows;
    for (const e of group) {
      const from = e.row - first.row;
      const to = from + e.seqCount;
      const own = times.slice(from, to);
      const event = withPlainSteps({
        type: 'rows',
        stream: name,
        steps: steps.slice(from, to),
        values: values.slice(from * width, to * width),
      });
      // Times that all equal the entry's time are left out.
      events.set(e, own.some((t) => t !== e.at) ? { ...event, times: own } : event);
    }
  }

  function* snapshotPages(run: number, seqs: readonly number[] | undefined): Iterable<EntryRow[]> {
    const wanted = seqs && [...new Set(seqs)];
    for (let i = 0; wanted && i < wanted.length; i += SNAPSHOTS)
      yield sql.snapshotsAt.all(run, JSON.stringify(wanted.slice(i, i + SNAPSHOTS)));
    for (let after: number | undefined = wanted ? undefined : 0; after !== undefined; ) {
      const page: EntryRow[] = sql.snapshots.all(run, after, SNAPSHOTS);
      yield page;
      after = page.length < SNAPSHOTS ? undefined : page.at(-1)!.seq;
    }
  }

  function* signals(runId: string, seqs?: readonly number[]): Work<SignalHistory> {
    const run = rows.run(runId);
    const found: { seq: number; event: never }[] = [];
    for (const page of run ? snapshotPages(run.id, seqs) : []) {
      for (const row of page) {
        checkEntry(runId, run!.id, row);
        found.push({ seq: row.seq, event: parse(row.event!) as never });
      }
      yield page.length * 1000;
    }
    return collectSignals(found, run ? rewindsOf(runId, run.id) : []);
  }

  function rewindsOf(runId: string, run: number): Rewind[] {
    const all = sql.rewinds.all(run);
    for (const row of all) checkRow(() => `run ${runId}: the rewind of entry ${row.seq}`, 'rewinds', { run, ...row });
    return all;
  }

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
    entries: consistent(entries),
    ...openItemReads(db, runOf),
    range: range.range,
    rows: range.rows,
    streams,
    series,
    signals,
    console: consistent(openConsoleReads(db, runOf)),
    view(runId) {
      const run = rows.run(runId);
      const row = run && sql.view.get(run.id);
      // A cache of the log: a damaged one is rebuilt from it.
      return run && row && isSound('views', { run: run.id, ...row }) ? (parse(row.view) as RunView) : null;
    },
    chainAt(runId, seq) {
      const run = rows.run(runId);
      const chain = run && sql.chain.get(run.id, seq)?.chain;
      return chain ? hex(chain) : null;
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
