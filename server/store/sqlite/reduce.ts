import type Database from 'better-sqlite3';
import type { ReducedSeries } from '~/shared/pyramid';
import { type Column, openColumns } from './columns';
import type { RowReader, RowRun, StoredHead } from './rows';
import { CHUNK, FAN } from './schema';

/** What a reduction fills: buckets of `bucketSteps` steps (a power of two) on the grid from step 0, the first at `firstStep`. */
export interface Target {
  firstStep: number;
  bucketSteps: number;
  /** Steps present per bucket; null = not counted. */
  rows: Int32Array | null;
  /** By column of the stripe. */
  series: { column: number; into: ReducedSeries }[];
}

export type Reducer = (run: StoredHead, stripe: number, from: number, to: number, topLevel: number, target: Target) => void;

/** Columns of a pyramid chunk: rows, then these five per series of the stripe. */
export const STATS = ['min', 'max', 'last', 'sum', 'nonFinite'] as const;

/** Chunks fetched at a time. */
const WINDOW = 16;

export const levelFor = (bucketSteps: number, levels: number): number => {
  let level = 0;
  while (level < levels && FAN ** (level + 1) <= bucketSteps) level++;
  return level;
};

/**
 * Reduces rows in force of from..to into the target, in step order: whole buckets from the highest stored level up to `topLevel`, what sticks out
 * at the ends or is not stored (the newest chunk of each level, holes) from the levels below, at last from the rows themselves.
 */
export function openReducer(db: Database.Database, rows: RowReader): Reducer {
  const chunks = db.prepare<[number, number, number, number, number], { chunk: number; data: Buffer }>(
    'SELECT chunk, data FROM pyramid WHERE run = ? AND level = ? AND stripe = ? AND chunk BETWEEN ? AND ? ORDER BY chunk',
  );

  return (run, stripe, from, to, topLevel, target) => {
    visit(topLevel, from, to);

    function visit(level: number, from: number, to: number): void {
      if (from >= to) return;
      if (level === 0) {
        rows.rowsInForce(run, stripe, from, to, (r) => reduceRows(r, target));
        return;
      }
      const unit = FAN ** level;
      const begin = Math.ceil(from / unit) * unit;
      const end = Math.floor(to / unit) * unit;
      if (begin >= end) {
        visit(level - 1, from, to);
        return;
      }
      const chunkSteps = unit * CHUNK;
      let at = from;
      const last = Math.floor((end - 1) / chunkSteps);
      for (let first = Math.floor(begin / chunkSteps); first <= last; first += WINDOW) {
        for (const { chunk, data } of chunks.all(run.id, level, stripe, first, Math.min(last, first + WINDOW - 1))) {
          const chunkStep = chunk * chunkSteps;
          const a = Math.max(begin, chunkStep);
          const b = Math.min(end, chunkStep + chunkSteps);
          visit(level - 1, at, a);
          reduceChunk(data, chunkStep, unit, (a - chunkStep) / unit, (b - chunkStep) / unit, target);
          at = b;
        }
      }
      visit(level - 1, at, to);
    }
  };
}

function reduceRows({ firstStep, from, to, present, column }: RowRun, target: Target): void {
  const shift = firstStep - target.firstStep;
  const { bucketSteps } = target;
  const isThere = (r: number) => present === null || present.values[present.offset + r * present.stride] === 1;
  if (target.rows) for (let r = from; r < to; r++) if (isThere(r)) target.rows[Math.floor((shift + r) / bucketSteps)]! += 1;
  for (const { column: c, into } of target.series) {
    const { values, offset, stride } = column(c);
    for (let r = from; r < to; ) {
      const bucket = Math.floor((shift + r) / bucketSteps);
      const end = Math.min(to, (bucket + 1) * bucketSteps - shift);
      let lowest = into.min[bucket]!;
      let highest = into.max[bucket]!;
      let total = into.sum[bucket]!;
      let odd = 0;
      let latest = into.last[bucket]!;
      for (; r < end; r++) {
        if (present !== null && !isThere(r)) continue;
        latest = values[offset + r * stride]!;
        if (!Number.isFinite(latest)) {
          odd++;
          continue;
        }
        total += latest;
        // `!(a <= b)` also holds for the NaN of a bucket without a finite value so far.
        if (!(lowest <= latest)) lowest = latest;
        if (!(highest >= latest)) highest = latest;
      }
      into.min[bucket] = lowest;
      into.max[bucket] = highest;
      into.sum[bucket] = total;
      into.nonFinite[bucket]! += odd;
      into.last[bucket] = latest;
    }
  }
}

/** Buckets from..to of a stored chunk, `unit` steps each, `bucketSteps` being a multiple of that. */
function reduceChunk(data: Uint8Array, chunkStep: number, unit: number, from: number, to: number, target: Target): void {
  const columns = openColumns(data);
  const fan = target.bucketSteps / unit;
  const shift = (chunkStep - target.firstStep) / unit;
  const rows = columns.column(0);
  const at = (c: Column, j: number) => c.values[c.offset + j * c.stride]!;
  if (target.rows) for (let j = from; j < to; j++) target.rows[Math.floor((shift + j) / fan)]! += at(rows, j);
  // Without a hole the inner loops need not look at `rows`; most chunks have none.
  let holes = false;
  for (let j = from; j < to && !holes; j++) holes = at(rows, j) === 0;

  for (const { column, into } of target.series) {
    const [min, max, last, sum, nonFinite] = STATS.map((_, k) => columns.column(1 + column * STATS.length + k)) as [
      Column,
      Column,
      Column,
      Column,
      Column,
    ];
    for (let j = from; j < to; ) {
      const bucket = Math.floor((shift + j) / fan);
      const end = Math.min(to, (bucket + 1) * fan - shift);
      let lowest = into.min[bucket]!;
      let highest = into.max[bucket]!;
      let total = into.sum[bucket]!;
      let odd = into.nonFinite[bucket]!;
      let latest = into.last[bucket]!;
      for (; j < end; j++) {
        if (holes && at(rows, j) === 0) continue;
        const low = min.values[min.offset + j * min.stride]!;
        const high = max.values[max.offset + j * max.stride]!;
        // `!(a <= b)` also holds for the NaN of a bucket without a finite value so far.
        if (!(lowest <= low) && !Number.isNaN(low)) lowest = low;
        if (!(highest >= high) && !Number.isNaN(high)) highest = high;
        total += sum.values[sum.offset + j * sum.stride]!;
        odd += nonFinite.values[nonFinite.offset + j * nonFinite.stride]!;
        latest = last.values[last.offset + j * last.stride]!;
      }
      into.min[bucket] = lowest;
      into.max[bucket] = highest;
      into.sum[bucket] = total;
      into.nonFinite[bucket] = odd;
      into.last[bucket] = latest;
    }
  }
}
