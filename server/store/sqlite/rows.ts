import type Database from 'better-sqlite3';
import { type Column, openColumns } from './columns';
import { BLOCK_ROWS, STRIPE } from './schema';

/** Reading step rows back, whichever form they are stored in. */

export interface StoredHead {
  id: number;
  runId: string;
  head: number;
  attempt: number;
  nextEvent: number;
  headStep: number;
  /** The one new rows go to. */
  generation: number;
  seriesNames: string[];
}

/** Consecutive places for rows of one stripe; a place may be empty. Row i is step firstStep + i. */
export interface RowRun {
  firstStep: number;
  /** Row range asked for, within the stored ones. */
  from: number;
  to: number;
  /** null = all rows are present; else 1 or 0 per row. */
  present: Column | null;
  /** Column i of the stripe. */
  column(i: number): Column;
}

export interface RowReader {
  head(runId: string): StoredHead | null;
  /** Rows of one generation, in step order: those of closed blocks, then those of its open one. */
  generationRows(
    run: StoredHead,
    generation: number,
    stripe: number,
    from: number,
    to: number,
    visit: (rows: RowRun) => void,
  ): void;
  /** Rows in force, in step order. */
  rowsInForce(run: StoredHead, stripe: number, from: number, to: number, visit: (rows: RowRun) => void): void;
  /** Rows of earlier steps are in force now as they were in `generation`; Infinity when nothing was taken back since. */
  unchangedBefore(run: StoredHead, generation: number): number;
}

export const stripesOf = (width: number): number => Math.max(1, Math.ceil(width / STRIPE));

interface RunTableRow extends Omit<StoredHead, 'seriesNames'> {
  series: string;
}

/** Blocks fetched at a time: 16 x 128 kB. */
const WINDOW = 16;

export function openRows(db: Database.Database): RowReader {
  const runByName = db.prepare<[string], RunTableRow>(
    'SELECT id, runId, head, attempt, nextEvent, headStep, generation, series FROM runs WHERE runId = ?',
  );
  const generations = db.prepare<[number], { generation: number; fromStep: number }>(
    'SELECT generation, fromStep FROM generations WHERE run = ? ORDER BY generation',
  );
  const blocks = db.prepare<[number, number, number, number, number], { block: number; data: Buffer }>(
    'SELECT block, data FROM blocks WHERE run = ? AND generation = ? AND stripe = ? AND block BETWEEN ? AND ? ORDER BY block',
  );
  const tail = db.prepare<[number, number, number], { firstStep: number; data: Buffer }>(
    'SELECT firstStep, data FROM tail WHERE run = ? AND generation = ? AND firstStep < ? ORDER BY firstStep',
  );

  function generationRows(
    run: StoredHead,
    generation: number,
    stripe: number,
    from: number,
    to: number,
    visit: (r: RowRun) => void,
  ) {
    const last = Math.floor((to - 1) / BLOCK_ROWS);
    for (let first = Math.floor(from / BLOCK_ROWS); first <= last; first += WINDOW) {
      for (const { block, data } of blocks.all(run.id, generation, stripe, first, Math.min(last, first + WINDOW - 1))) {
        const columns = openColumns(data);
        const firstStep = block * BLOCK_ROWS;
        const present = columns.column(0);
        visit({
          firstStep,
          from: Math.max(0, from - firstStep),
          to: Math.min(BLOCK_ROWS, to - firstStep),
          present: present.stride === 0 ? null : present,
          column: (i) => columns.column(1 + i),
        });
      }
    }
    const width = run.seriesNames.length;
    for (const { firstStep, values } of joined(tail.all(run.id, generation, to))) {
      const rows = values.length / width;
      if (firstStep + rows <= from) continue;
      visit({
        firstStep,
        from: Math.max(0, from - firstStep),
        to: Math.min(rows, to - firstStep),
        present: null,
        column: (i) => ({ values, offset: stripe * STRIPE + i, stride: width }),
      });
    }

    /** Parts of the tail that follow each other become one. */
    function joined(parts: { firstStep: number; data: Buffer }[]): { firstStep: number; values: Float64Array }[] {
      const out: { firstStep: number; end: number; data: Buffer[] }[] = [];
      for (const { firstStep, data } of parts) {
        const end = firstStep + data.length / 8 / width;
        const before = out.at(-1);
        if (before?.end === firstStep) {
          before.data.push(data);
          before.end = end;
        } else out.push({ firstStep, end, data: [data] });
      }
      return out.map(({ firstStep, data }) => ({ firstStep, values: doubles(data) }));
    }
  }

  return {
    head(runId) {
      const row = runByName.get(runId);
      if (!row) return null;
      const { series, ...rest } = row;
      return { ...rest, seriesNames: JSON.parse(series) as string[] };
    },
    generationRows,
    rowsInForce(run, stripe, from, to, visit) {
      for (const piece of pieces(generations.all(run.id))) {
        const a = Math.max(from, piece.from);
        const b = Math.min(to, piece.to);
        if (a < b) generationRows(run, piece.generation, stripe, a, b, visit);
      }
    },
    unchangedBefore: (run, generation) =>
      generations
        .all(run.id)
        .reduce((least, g) => (g.generation > generation ? Math.min(least, g.fromStep) : least), Number.POSITIVE_INFINITY),
  };
}

/** Which generation is in force where: a later one takes everything from its first step on. */
function pieces(generations: { generation: number; fromStep: number }[]) {
  const out: { generation: number; from: number; to: number }[] = [];
  for (const { generation, fromStep } of generations) {
    while (out.length > 0 && out.at(-1)!.from >= fromStep) out.pop();
    const before = out.at(-1);
    if (before) before.to = fromStep;
    out.push({ generation, from: fromStep, to: Number.POSITIVE_INFINITY });
  }
  return out;
}

function doubles(parts: Buffer[]): Float64Array {
  const bytes = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const p of parts) {
    bytes.set(p, at);
    at += p.length;
  }
  return new Float64Array(bytes.buffer);
}
