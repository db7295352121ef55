import type Database from 'better-sqlite3';
import type { EntriesQuery, RangeAnswer, RangeQuery, StoredRun } from '~/server/store';
import type { Rewind } from '~/server/store/checkAppend';
import type { ConsoleAnswer, ConsoleQuery } from '~/server/store/console';
import { collectSignals } from '~/server/store/signals';
import type { Entry, RunEvent } from '~/shared/events';
import { parse } from '~/shared/json';
import { bucketing, emptyReduced, type Reduced } from '~/shared/pyramid';
import type { SignalHistory } from '~/shared/signals';
import type { RunSummary } from '~/shared/summary';
import type { RunView } from '~/shared/view';
import { openAverages } from './averages';
import { openConsoleReads } from './console';
import { type ItemReads, openItemReads } from './items';
import { levelFor, openReducer } from './reduce';
import { openRows, type StoredHead, stripesOf } from './rows';
import { LEVELS, STRIPE } from './schema';

export interface Reads extends ItemReads {
  runs(): StoredRun[];
  entries(query: EntriesQuery): Entry[];
  range(query: RangeQuery): RangeAnswer;
  console(query: ConsoleQuery): ConsoleAnswer;
  signals(runId: string): SignalHistory;
  view(runId: string): RunView | null;
  blobUsers(hash: string): string[];
  setting(key: string): string | null;
  smallBlob(hash: string): Uint8Array | null;
  unnamedSmallBlobs(): { hash: string; bytes: number }[];
  /** A run was removed: what is remembered of runs is no longer sure. */
  forget(): void;
}

/** About what one answer of `entries` may hold. */
const ANSWER_BYTES = 8 << 20;

interface EntryRow {
  seq: number;
  seqCount: number;
  attempt: number;
  at: number;
  type: RunEvent['type'];
  step: number;
  generation: number;
  event: string | null;
}

/** The reads of a store; each sees one state of the database. */
export function openReads(db: Database.Database): Reads {
  const rows = openRows(db);
  const reduce = openReducer(db, rows);
  const averages = openAverages(rows);
  const fields = 'seq, seqCount, attempt, at, type, step, generation, event';
  const sql = {
    runs: db.prepare<[], Omit<StoredRun, 'summary'> & { summarySeq: number | null; summary: string | null }>(
      'SELECT runId, head, attempt, nextEvent, summarySeq, summary FROM runs',
    ),
    /** The entry that covers a place: the last one that begins at or before it. */
    firstAt: db.prepare<[number, number], { seq: number; seqCount: number }>(
      'SELECT seq, seqCount FROM entries WHERE run = ? AND seq <= ? ORDER BY seq DESC LIMIT 1',
    ),
    entries: db.prepare<[number, number], EntryRow>(`SELECT ${fields} FROM entries WHERE run = ? AND seq >= ? ORDER BY seq`),
    others: db.prepare<[number, number, string], EntryRow>(
      `SELECT ${fields} FROM entries WHERE run = ? AND seq >= ? AND type <> 'steps' AND type IN (SELECT value FROM json_each(?)) ORDER BY seq`,
    ),
    some: db.prepare<[number, number, string], EntryRow>(
      `SELECT ${fields} FROM entries WHERE run = ? AND seq >= ? AND type IN (SELECT value FROM json_each(?)) ORDER BY seq`,
    ),
    snapshots: db.prepare<[number], { seq: number; event: string }>(
      "SELECT seq, event FROM entries WHERE run = ? AND type <> 'steps' AND type = 'snapshot' ORDER BY seq",
    ),
    rewinds: db.prepare<[number], Rewind>('SELECT seq, fromStep, keepSeq FROM rewinds WHERE run = ?'),
    view: db.prepare<[string], { view: string }>('SELECT view FROM views JOIN runs ON runs.id = views.run WHERE runId = ?'),
    users: db.prepare<[string], { runId: string }>(
      'SELECT runId FROM blobUses JOIN runs ON runs.id = blobUses.run WHERE hash = ? ORDER BY runId',
    ),
    setting: db.prepare<[string], { value: string }>('SELECT value FROM settings WHERE key = ?'),
    blob: db.prepare<[string], { data: Buffer }>('SELECT data FROM smallBlobs WHERE hash = ?'),
    unnamed: db.prepare<[], { hash: string; bytes: number }>(
      'SELECT hash, length(data) AS bytes FROM smallBlobs WHERE hash NOT IN (SELECT hash FROM blobUses)',
    ),
  };

  function entries({ runId, fromSeq, limit, types }: EntriesQuery): Entry[] {
    const run = rows.head(runId);
    if (!run) return [];
    const covering = sql.firstAt.get(run.id, fromSeq);
    const from = covering && covering.seq + covering.seqCount > fromSeq ? covering.seq : fromSeq;
    const wanted = types && JSON.stringify(types);
    const found =
      wanted === null
        ? sql.entries.iterate(run.id, from)
        : types?.includes('steps')
          ? sql.some.iterate(run.id, from, wanted)
          : sql.others.iterate(run.id, from, wanted);
    const taken: EntryRow[] = [];
    let bytes = 0;
    for (const row of found) {
      bytes += 100 + (row.event === null ? row.seqCount * run.seriesNames.length * 8 : row.event.length);
      if (taken.length > 0 && bytes > ANSWER_BYTES) break;
      taken.push(row);
      if (taken.length === limit) break;
    }
    return withRows(run, taken);
  }

  /** Reads the values of step entries back, those of consecutive steps together. */
  function withRows(run: StoredHead, taken: EntryRow[]): Entry[] {
    const width = run.seriesNames.length;
    const out: Entry[] = [];
    for (let i = 0; i < taken.length; i++) {
      const { seq, attempt, at, event, type, step, generation } = taken[i]!;
      if (type !== 'steps') {
        out.push({ seq, attempt, at, event: parse(event!) as RunEvent });
        continue;
      }
      let next = i;
      let end = step;
      while (taken[next]?.type === 'steps' && taken[next]!.generation === generation && taken[next]!.step === end)
        end += taken[next++]!.seqCount;
      const values = new Float64Array((end - step) * width);
      for (let stripe = 0; stripe < stripesOf(width); stripe++)
        rows.generationRows(run, generation, stripe, step, end, (r) => {
          for (let c = stripe * STRIPE; c < Math.min(width, (stripe + 1) * STRIPE); c++) {
            const column = r.column(c - stripe * STRIPE);
            for (let k = r.from; k < r.to; k++)
              values[(r.firstStep + k - step) * width + c] = column.values[column.offset + k * column.stride]!;
          }
        });
      for (const e of taken.slice(i, next)) {
        const first = (e.step - step) * width;
        out.push({
          seq: e.seq,
          attempt: e.attempt,
          at: e.at,
          event: { type: 'steps', firstStep: e.step, count: e.seqCount, values: values.slice(first, first + e.seqCount * width) },
        });
      }
      i = next - 1;
    }
    return out;
  }

  function range({ runId, series, fromStep, toStep, buckets, smoothing = null }: RangeQuery): RangeAnswer {
    const run = rows.head(runId);
    const headStep = run?.headStep ?? 0;
    const end = Math.max(fromStep, Math.min(toStep ?? headStep, headStep));
    const { firstStep, bucketSteps, count } = bucketing(fromStep, end, buckets);
    const wanted = series && new Set(series);
    const names = (run?.seriesNames ?? []).filter((n) => wanted === null || wanted.has(n));
    const answer = emptyReduced(names, firstStep, bucketSteps, count);
    if (!run || run.seriesNames.length === 0) return { ...answer, headStep };
    if (count > 0) reduceInto(run, answer, fromStep, end);
    if (smoothing !== null) averages.fill(run, answer, fromStep, end, smoothing);
    return { ...answer, headStep };
  }

  function reduceInto(run: StoredHead, answer: Reduced, fromStep: number, end: number): void {
    const { firstStep, bucketSteps } = answer;
    const level = levelFor(bucketSteps, LEVELS);
    const byStripe = new Map<number, { column: number; into: (typeof answer.series)[string] }[]>();
    run.seriesNames.forEach((name, i) => {
      const into = answer.series[name];
      if (!into) return;
      const stripe = Math.floor(i / STRIPE);
      byStripe.set(stripe, [...(byStripe.get(stripe) ?? []), { column: i % STRIPE, into }]);
    });
    if (byStripe.size === 0) byStripe.set(0, []);
    let first = true;
    for (const [stripe, columns] of byStripe) {
      reduce(run, stripe, fromStep, end, level, { firstStep, bucketSteps, rows: first ? answer.rows : null, series: columns });
      first = false;
    }
  }

  const consistent = <A extends unknown[], R>(read: (...args: A) => R): ((...args: A) => R) => db.transaction(read) as never;

  return {
    runs: () =>
      sql.runs.all().map(({ summarySeq, summary, ...run }) => ({
        ...run,
        summary: summary === null ? null : { seq: summarySeq!, summary: parse(summary) as RunSummary },
      })),
    entries: consistent(entries),
    ...openItemReads(db, (runId) => rows.head(runId)?.id ?? null),
    range: consistent(range),
    console: consistent(openConsoleReads(db)),
    signals: consistent((runId: string) => {
      const run = rows.head(runId);
      const found = run ? sql.snapshots.all(run.id) : [];
      const snapshots = found.map(({ seq, event }) => ({ seq, event: parse(event) as never }));
      return collectSignals(snapshots, run ? sql.rewinds.all(run.id) : []);
    }),
    view(runId) {
      const row = sql.view.get(runId);
      return row ? (parse(row.view) as RunView) : null;
    },
    blobUsers: (hash) => sql.users.all(hash).map(({ runId }) => runId),
    setting: (key) => sql.setting.get(key)?.value ?? null,
    forget: averages.forget,
    smallBlob: (hash) => sql.blob.get(hash)?.data ?? null,
    unnamedSmallBlobs: () => sql.unnamed.all(),
  };
}
