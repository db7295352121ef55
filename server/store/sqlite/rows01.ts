import type Database from 'better-sqlite3';
import { parse } from '~/shared/json';
import type { Series } from '~/shared/series';
import { type Column, openColumns } from './columns';
import { BLOCK_ROWS, STRIPE } from './layout';
import { stripesOf } from './rowRuns';
import { openRows } from './rows';
import { openRowWrites } from './rowWrites';
import { rowTables } from './tables';

/** In version 0.1 every run had one table of rows, with a row for every step. It becomes the stream of this name. */
const STREAM = 'steps';
/** Rows moved in one batch, and between two reports. */
const BATCH = 4096;
const REPORT_ROWS = 500_000;

interface Run01 {
  id: number;
  runId: string;
  series: string;
}

interface Steps01 {
  seq: number;
  count: number;
  at: number;
  step: number;
  generation: number;
}

/**
 * Moves the rows of formats up to 4, which were stored by step number, into streams (layout.ts), run by run and entry by entry in
 * their original order, including rows that were taken back, in the transaction that raises the format.
 */
export function moveRows01(db: Database.Database, report: (text: string) => void): void {
  db.exec(`
ALTER TABLE tail RENAME TO tail01;
ALTER TABLE blocks RENAME TO blocks01;
DROP TABLE pyramid;
DROP TABLE generations;
DROP INDEX otherEntries;
ALTER TABLE entries ADD COLUMN stream INTEGER;
ALTER TABLE entries ADD COLUMN row INTEGER;
${rowTables}`);
  const rows = openRows(db);
  const writes = openRowWrites(db, rows);
  const old = openRows01(db);
  const sql = {
    runs: db.prepare<[], Run01>('SELECT id, runId, series FROM runs'),
    /** Where rows begin, and where they were taken back, in the order of the log. */
    marks: db.prepare<[number, number], { seq: number; fromStep: number }>(
      'SELECT seq, fromStep FROM rewinds WHERE run = ? AND seq > ? ORDER BY seq',
    ),
    steps: db.prepare<[number, number, number], Steps01>(
      "SELECT seq, seqCount AS count, at, step, generation FROM entries WHERE run = ? AND seq > ? AND type = 'steps' ORDER BY seq LIMIT ?",
    ),
    declared: db.prepare<[number], { event: string }>(
      "SELECT event FROM entries WHERE run = ? AND type = 'started' ORDER BY seq LIMIT 1",
    ),
    entry: db.prepare("UPDATE entries SET type = 'rows', stream = ?, generation = ?, row = ? WHERE run = ? AND seq = ?"),
    forget: ['tail01', 'blocks01'].map((table) => db.prepare(`DELETE FROM ${table} WHERE run = ?`)),
  };
  const total = db.prepare("SELECT total(seqCount) FROM entries WHERE type = 'steps'").pluck().get() as number;
  let done = 0;
  for (const run of sql.runs.all()) {
    const names = JSON.parse(run.series) as string[];
    if (names.length === 0) continue;
    writes.declare(run.id, { stream: STREAM, columns: columnsOf(names, sql.declared.get(run.id)?.event) });
    const back = sql.marks.all(run.id, 0);
    let seq = 0;
    for (let page = sql.steps.all(run.id, seq, 1000); page.length > 0; page = sql.steps.all(run.id, seq, 1000))
      for (const entry of page) {
        while (back.length > 0 && back[0]!.seq < entry.seq) writes.takeBack(run.id, back.shift()!.fromStep);
        const stream = rows.stream(run.id, STREAM)!;
        const { generation } = stream;
        let first: number | null = null;
        for (let k = 0; k < entry.count; k += BATCH) {
          const count = Math.min(BATCH, entry.count - k);
          const values = old(run.id, names.length, entry.generation, entry.step + k, count);
          const at = writes.addRows(
            stream,
            { type: 'rows', stream: STREAM, steps: { first: entry.step + k, count }, values },
            entry.at,
          );
          first ??= at;
        }
        sql.entry.run(stream.id, generation, first, run.id, entry.seq);
        seq = entry.seq;
        if (Math.floor((done + entry.count) / REPORT_ROWS) > Math.floor(done / REPORT_ROWS))
          report(`${done + entry.count} of ${total} rows are brought up to date`);
        done += entry.count;
      }
    for (const { fromStep } of back) writes.takeBack(run.id, fromStep);
    for (const forget of sql.forget) forget.run(run.id);
  }
  db.exec(`
DROP TABLE tail01;
DROP TABLE blocks01;
ALTER TABLE runs DROP COLUMN generation;
ALTER TABLE runs DROP COLUMN series;
CREATE INDEX notRows ON entries(run, seq) WHERE type <> 'rows';`);
}

/** From the run's first `started` event (legacy.ts); from their names where there is none. */
function columnsOf(names: string[], started: string | undefined): Series[] {
  const event = started === undefined ? null : (parse(started) as { streams?: { columns: Series[] }[] });
  const known = new Map((event?.streams ?? []).flatMap((s) => s.columns.map((c) => [c.name, c])));
  return names.map((name) => known.get(name) ?? { name });
}

type Rows01 = (run: number, width: number, generation: number, firstStep: number, count: number) => Float64Array;

/**
 * Reads rows of formats up to 4: blocks of 1,024 steps by columns, whose first column says whether there is a row, then the open
 * block's parts.
 */
function openRows01(db: Database.Database): Rows01 {
  const blockOf = db.prepare<[number, number, number, number], { data: Buffer }>(
    'SELECT data FROM blocks01 WHERE run = ? AND generation = ? AND stripe = ? AND block = ?',
  );
  const tailOf = db.prepare<[number, number, number], { firstStep: number; data: Buffer }>(
    'SELECT firstStep, data FROM tail01 WHERE run = ? AND generation = ? AND firstStep < ? ORDER BY firstStep',
  );
  /** The columns of the last block read: entries are small compared with it, and consecutive. */
  let open: { key: string; columns: Column[] | null } = { key: '', columns: null };

  function block(run: number, width: number, generation: number, number: number): Column[] | null {
    const key = `${run} ${generation} ${number}`;
    if (open.key === key) return open.columns;
    const columns: Column[] = [];
    for (let stripe = 0; stripe < stripesOf(width); stripe++) {
      const row = blockOf.get(run, generation, stripe, number);
      if (!row) break;
      const stored = openColumns(row.data);
      for (let c = stripe * STRIPE; c < Math.min(width, (stripe + 1) * STRIPE); c++)
        columns.push(stored.column(1 + c - stripe * STRIPE));
    }
    open = { key, columns: columns.length === width ? columns : null };
    return open.columns;
  }

  return (run, width, generation, firstStep, count) => {
    const out = new Float64Array(count * width);
    const end = firstStep + count;
    for (let step = firstStep; step < end; ) {
      const number = Math.floor(step / BLOCK_ROWS);
      const stop = Math.min(end, (number + 1) * BLOCK_ROWS);
      const columns = block(run, width, generation, number);
      if (columns)
        columns.forEach(({ values, offset, stride }, c) => {
          for (let s = step; s < stop; s++)
            out[(s - firstStep) * width + c] = values[offset + (s - number * BLOCK_ROWS) * stride]!;
        });
      else
        for (const part of tailOf.all(run, generation, stop)) {
          const values = new Float64Array(new Uint8Array(part.data).buffer);
          const last = part.firstStep + values.length / width;
          for (let s = Math.max(step, part.firstStep); s < Math.min(stop, last); s++)
            out.set(values.subarray((s - part.firstStep) * width, (s - part.firstStep + 1) * width), (s - firstStep) * width);
        }
      step = stop;
    }
    return out;
  };
}
