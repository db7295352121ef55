/** Reads the entries of a run's log; the numbers of rows come from their streams. */
import type Database from 'better-sqlite3';
import type { EntriesQuery } from '~/server/store';
import { hex } from '~/server/store/chain';
import type { Rewind } from '~/server/store/checkAppend';
import { collectSignals } from '~/server/store/signals';
import type { Entry, RunEvent } from '~/shared/events';
import { grouped } from '~/shared/grouped';
import { parse } from '~/shared/json';
import { withPlainSteps } from '~/shared/rows';
import type { SignalHistory } from '~/shared/signals';
import { type Crc, checked, checkRow } from './checksums';
import { copyRun, rowArrays, stripesOf } from './rowRuns';
import type { RowReader, RowTables } from './rows';
import type { Work } from './work';

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

export interface EntryReads {
  entries(query: EntriesQuery): Entry[];
  signals(runId: string, seqs?: readonly number[]): Work<SignalHistory>;
  chainAt(runId: string, seq: number): string | null;
}

export function openEntryReads(db: Database.Database, rows: RowTables): EntryReads {
  const fields = [...checked.entries, 'crc'].join(', ');
  const sql = {
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
    chain: db.prepare<[number, number], { chain: Buffer }>('SELECT chain FROM entries WHERE run = ? AND seq = ?'),
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

  return {
    entries: db.transaction(entries) as never,
    signals,
    chainAt(runId, seq) {
      const run = rows.run(runId);
      const chain = run && sql.chain.get(run.id, seq)?.chain;
      return chain ? hex(chain) : null;
    },
  };
}
