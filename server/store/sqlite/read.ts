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
import { parse } from '~/shared/json';
import type { ConsoleAnswer, ConsoleQuery } from '~/shared/media';
import type { RangeAnswer } from '~/shared/pyramid';
import { type Series, withPlainSteps } from '~/shared/series';
import type { SignalHistory } from '~/shared/signals';
import type { RunSummary } from '~/shared/summary';
import type { RunView } from '~/shared/view';
import { type Averages, openAverages } from './averages';
import { checksum, DamagedError } from './checksums';
import { openConsoleReads } from './console';
import { type ItemReads, openItemReads } from './items';
import { STRIPE } from './layout';
import { openRanges } from './range';
import { openReducer } from './reduce';
import { openRows, type RowReader, stripesOf } from './rows';
import { finish, type Work } from './work';

/** Reads whose cost grows with the data are work in slices (work.ts). */
export interface Reads extends ItemReads {
  runs(): StoredRun[];
  entries(query: EntriesQuery): Entry[];
  range(query: RangeQuery): Work<RangeAnswer>;
  rows(query: RowsQuery): Work<RowsAnswer>;
  streams(runId: string): Work<StoredStream[]>;
  series(query: SeriesQuery): Work<SeriesAnswer>;
  signals(runId: string): Work<SignalHistory>;
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

interface EntryRow {
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
  crc: number | null;
}

/** The reads of a store. @param averages cache of moving averages; several connections of one thread may share it */
export function openReads(db: Database.Database, averages: Averages = openAverages()): Reads {
  const rows = openRows(db);
  const range = openRanges(db, rows, openReducer(db), averages);
  const fields = 'seq, seqCount, attempt, at, type, step, stream, generation, row, event, crc';
  const sql = {
    runs: db.prepare<[], Omit<StoredRun, 'summary'> & { summarySeq: number | null; summary: string | null }>(
      'SELECT runId, head, attempt, nextEvent, summarySeq, summary FROM runs',
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
    columns: db.prepare<[number], { name: string; columns: string }>(
      'SELECT name, columns FROM streams WHERE run = ? ORDER BY id',
    ),
    rewinds: db.prepare<[number], Rewind>('SELECT seq, fromStep, keepSeq FROM rewinds WHERE run = ?'),
    view: db.prepare<[string], { run: number; seq: number; view: string; crc: number | null }>(
      'SELECT run, seq, view, crc FROM views JOIN runs ON runs.id = views.run WHERE runId = ?',
    ),
    users: db.prepare<[string], { runId: string }>(
      'SELECT runId FROM blobUses JOIN runs ON runs.id = blobUses.run WHERE hash = ? ORDER BY runId',
    ),
    chain: db.prepare<[number, number], { chain: Buffer }>('SELECT chain FROM entries WHERE run = ? AND seq = ?'),
    setting: db.prepare<[string], { value: string }>('SELECT value FROM settings WHERE key = ?'),
    settings: db.prepare<[], { key: string; value: string }>('SELECT key, value FROM settings'),
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
      const { width } = rows.streamById(stream)!;
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
    const sum = checksum(run, e.seq, e.seqCount, e.attempt, e.at, e.type, e.step, e.stream, e.generation, e.row, e.event);
    if (sum !== e.crc) throw new DamagedError(`run ${runId}: entry ${e.seq} (${e.type})`);
  }

  /** Reads the numbers of row entries; entries that are adjacent in a stream are read together. */
  function withRows(taken: EntryRow[]): Entry[] {
    const events = new Map<EntryRow, RunEvent>();
    const readers = new Map<number, RowReader>();
    const groups = new Map<string, EntryRow[]>();
    for (const e of taken) {
      if (e.type !== 'rows') continue;
      const key = `${e.stream} ${e.generation}`;
      const group = groups.get(key);
      if (group) group.push(e);
      else groups.set(key, [e]);
    }
    for (const group of groups.values()) {
      const { stream } = group[0]!;
      const reader = readers.get(stream) ?? rows.open(rows.streamById(stream)!);
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
    const steps = new Float64Array(end - first.row);
    const times = new Float64Array(end - first.row);
    const values = new Float64Array((end - first.row) * width);
    for (let stripe = 0; stripe < stripesOf(width); stripe++)
      for (const r of reader.ofGeneration(first.generation, stripe, first.row, end)) {
        const at = r.firstRow - first.row;
        if (stripe === 0) {
          steps.set(r.steps().subarray(r.from, r.to), at + r.from);
          times.set(r.times().subarray(r.from, r.to), at + r.from);
        }
        for (let c = stripe * STRIPE; c < Math.min(width, (stripe + 1) * STRIPE); c++) {
          const column = r.column(c - stripe * STRIPE);
          for (let k = r.from; k < r.to; k++) values[(at + k) * width + c] = column.values[column.offset + k * column.stride]!;
        }
      }
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

  function* signals(runId: string): Work<SignalHistory> {
    const run = rows.run(runId);
    const found: { seq: number; event: never }[] = [];
    for (let after = 0; run; ) {
      const page = sql.snapshots.all(run.id, after, SNAPSHOTS);
      for (const row of page) {
        checkEntry(runId, run.id, row);
        found.push({ seq: row.seq, event: parse(row.event!) as never });
      }
      yield page.length * 1000;
      if (page.length < SNAPSHOTS) break;
      after = page.at(-1)!.seq;
    }
    return collectSignals(found, run ? sql.rewinds.all(run.id) : []);
  }

  function* streams(runId: string): Work<StoredStream[]> {
    const run = rows.run(runId);
    if (!run) return [];
    const heads = rows.streamsOf(run.id);
    yield heads.length;
    const out: StoredStream[] = [];
    for (const [i, { name, columns }] of sql.columns.all(run.id).entries()) {
      const { firstRow, endRow, lastStep } = heads[i]!;
      out.push({ name, columns: JSON.parse(columns) as Series[], rows: firstRow === null ? 0 : endRow - firstRow, lastStep });
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
    for (const { name: stream, columns } of sql.columns.all(run.id)) {
      const fitting = (JSON.parse(columns) as Series[])
        .map((column, i) => ({ column, i }))
        .filter(({ column }) => (asked ? asked.has(column.name) : column.name.toLowerCase().includes(word)));
      let row: ReturnType<typeof newest> | undefined;
      for (const { column, i } of fitting) {
        const at = total++;
        if (at < skip || page.length >= limit) continue;
        row ??= newest(run.id, stream);
        page.push({ ...column, stream, index: i, latest: row && { step: row.step, at: row.time, value: row.values(i) } });
      }
      yield 20;
    }
    return { series: page, total };
  }

  /** Newest row in force of a stream; null when it has none. */
  function newest(run: number, stream: string): { step: number; time: number; values(column: number): number } | null {
    const reader = rows.open(rows.stream(run, stream)!);
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

  const consistent = <A extends unknown[], R>(read: (...args: A) => R): ((...args: A) => R) => db.transaction(read) as never;

  return {
    runs: () =>
      sql.runs.all().map(({ summarySeq, summary, ...run }) => ({
        ...run,
        summary: summary === null ? null : { seq: summarySeq!, summary: parse(summary) as RunSummary },
      })),
    entries: consistent(entries),
    ...openItemReads(db, (runId) => rows.run(runId)?.id ?? null),
    range: range.range,
    rows: range.rows,
    streams,
    series,
    signals,
    console: consistent(openConsoleReads(db)),
    view(runId) {
      const row = sql.view.get(runId);
      // A cache of the log: a damaged one is rebuilt from it.
      return row && checksum(row.run, row.seq, row.view) === row.crc ? (parse(row.view) as RunView) : null;
    },
    chainAt(runId, seq) {
      const run = rows.run(runId);
      const chain = run && sql.chain.get(run.id, seq)?.chain;
      return chain ? hex(chain) : null;
    },
    blobUsers: (hash) => sql.users.all(hash).map(({ runId }) => runId),
    settings: () => new Map(sql.settings.all().map(({ key, value }) => [key, value])),
    setting: (key) => sql.setting.get(key)?.value ?? null,
    forget: averages.forget,
    smallBlob: (hash) => sql.blob.get(hash)?.data ?? null,
    unnamedSmallBlobs: () => sql.unnamed.all(),
  };
}
