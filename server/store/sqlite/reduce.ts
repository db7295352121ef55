import type Database from 'better-sqlite3';
import { type BucketList, bucketOf, type Stats } from '~/shared/pyramid';
import { decodeAxis } from './axis';
import { type Crc, openStreamCheck } from './checksums';
import { type Column, type Columns, openColumns } from './columns';
import { CHUNK, FAN, LEVELS } from './layout';
import type { RowRun } from './rowRuns';
import type { RowReader } from './rows';

/** The result that a reduction fills. */
export interface Target {
  list: BucketList;
  /** [bucket] index after the bucket's last row. */
  endRows: Float64Array;
  stripes: { stripe: number; series: Reduced[] }[];
}

export interface Reduced {
  /** Column of the stripe. */
  column: number;
  into: Stats;
}

/** Indices from..to of adjacent rows or nodes that belong to one bucket. */
export interface Segment {
  bucket: number;
  from: number;
  to: number;
}

/** Number of rows or nodes read since the last report. */
export type Cost = number;

/** Columns of a pyramid chunk: these five per series of the stripe. */
export const STATS = ['min', 'max', 'last', 'sum', 'nonFinite'] as const;

/** Chunks fetched at a time. */
const WINDOW = 16;

export type Reducer = (rows: RowReader, from: number, to: number, target: Target) => Generator<Cost>;

/** The first and last step, and the last time, of each node of a chunk; NaN for a node without rows. */
export interface ChunkNodes {
  chunk: number;
  first: Float64Array;
  last: Float64Array;
  time: Float64Array;
}

/** Reads stored chunks. */
export interface Pyramid {
  /** The stored ones of these chunks, in order. */
  nodes(stream: number, level: number, from: number, to: number): Generator<ChunkNodes>;
  columns(stream: number, level: number, stripe: number, chunk: number): Columns;
}

export function openPyramid(db: Database.Database): Pyramid {
  const axesOf = db.prepare<
    [number, number, number, number],
    { chunk: number; firstSteps: Buffer; lastSteps: Buffer; lastTimes: Buffer } & Crc
  >(
    'SELECT chunk, firstSteps, lastSteps, lastTimes, crc FROM pyramidAxes WHERE stream = ? AND level = ? AND chunk BETWEEN ? AND ? ORDER BY chunk',
  );
  const dataOf = db.prepare<[number, number, number, number], { data: Buffer } & Crc>(
    'SELECT data, crc FROM pyramid WHERE stream = ? AND level = ? AND stripe = ? AND chunk = ?',
  );
  const check = openStreamCheck(db);
  const what = (level: number, chunk: number) => () => `level ${level}, chunk ${chunk} of the pyramid`;
  return {
    *nodes(stream, level, from, to) {
      for (const row of axesOf.all(stream, level, from, to)) {
        check(stream, what(level, row.chunk), 'pyramidAxes', { stream, level, ...row });
        const [first, last, time] = [decodeAxis(row.firstSteps), decodeAxis(row.lastSteps), decodeAxis(row.lastTimes)];
        yield { chunk: row.chunk, first, last, time };
      }
    },
    columns(stream, level, stripe, chunk) {
      const row = dataOf.get(stream, level, stripe, chunk)!;
      check(stream, what(level, chunk), 'pyramid', { stream, level, stripe, chunk, ...row });
      return openColumns(row.data);
    },
  };
}

/**
 * Reduces the rows in force from..to (by index) into the target, in step order. A node of the pyramid inside one bucket is merged
 * whole; for other nodes, and for those not stored (the newest chunk of each level), the level below is read, and finally the
 * rows themselves.
 */
export function openReducer(db: Database.Database): Reducer {
  const pyramid = openPyramid(db);

  return function* reduce(rows, from, to, target) {
    const { id } = rows.stream;
    const { bucketSteps } = target.list;
    yield* visit(topLevel(to - from, bucketSteps), from, to);

    function* visit(level: number, from: number, to: number): Generator<Cost> {
      if (from >= to) return;
      if (level === 0) {
        // The rows of every stripe are divided into the same pieces.
        const pieces: Segment[][] = [];
        for (const { stripe, series } of target.stripes) {
          let piece = 0;
          for (const run of rows.inForce(stripe, from, to)) {
            pieces[piece] ??= segmentsOf(run, target);
            for (const { column, into } of series) addRows(run.column(column), pieces[piece]!, into);
            piece++;
            yield (run.to - run.from) * (1 + series.length);
          }
        }
        return;
      }
      const unit = FAN ** level;
      const begin = Math.ceil(from / unit) * unit;
      const end = Math.floor(to / unit) * unit;
      if (begin >= end) {
        yield* visit(level - 1, from, to);
        return;
      }
      yield* visit(level - 1, from, begin);
      const chunkRows = unit * CHUNK;
      let at = begin;
      const last = Math.floor((end - 1) / chunkRows);
      for (let first = Math.floor(begin / chunkRows); first <= last; first += WINDOW) {
        for (const chunk of pyramid.nodes(id, level, first, Math.min(last, first + WINDOW - 1))) {
          const chunkRow = chunk.chunk * chunkRows;
          const a = Math.max(begin, chunkRow);
          const b = Math.min(end, chunkRow + chunkRows);
          yield* visit(level - 1, at, a);
          yield* nodes(level, chunk, (a - chunkRow) / unit, (b - chunkRow) / unit);
          at = b;
        }
      }
      yield* visit(level - 1, at, to);
    }

    function* nodes(level: number, chunk: ChunkNodes, from: number, to: number): Generator<Cost> {
      const unit = FAN ** level;
      const opened: Columns[] = [];
      const chunkRow = chunk.chunk * CHUNK * unit;
      for (let j = from; j < to; ) {
        const apart = straddling(chunk, bucketSteps, j, to);
        if (apart > j) {
          yield* visit(level - 1, chunkRow + j * unit, chunkRow + apart * unit);
          j = apart;
          continue;
        }
        const segments = nodeSegments(chunk, unit, j, to, target);
        const stop = segments.at(-1)!.to;
        for (const [i, { stripe, series }] of target.stripes.entries()) {
          opened[i] ??= pyramid.columns(id, level, stripe, chunk.chunk);
          mergeNodes(opened[i], segments, series);
          yield (stop - j) * (1 + series.length);
        }
        j = stop;
      }
    }
  };
}

/** The highest level whose nodes can fit into the range and into a bucket, as n rows have n steps. */
function topLevel(rows: number, bucketSteps: number): number {
  let level = 0;
  while (level < LEVELS && FAN ** (level + 1) <= Math.min(rows, bucketSteps)) level++;
  return level;
}

/** Index after those nodes, from `from` on, that span several buckets. */
function straddling({ first, last }: ChunkNodes, bucketSteps: number, from: number, to: number): number {
  let j = from;
  while (j < to && bucketOf(first[j]!, bucketSteps) !== bucketOf(last[j]!, bucketSteps)) j++;
  return j;
}

/** Assigns nodes to buckets, from the first, which is inside one bucket, up to one that is not; lists the buckets. */
function nodeSegments(
  { chunk, first, last, time }: ChunkNodes,
  unit: number,
  from: number,
  to: number,
  { list, endRows }: Target,
): Segment[] {
  const { bucketSteps } = list;
  const segments: Segment[] = [];
  for (let j = from; j < to; ) {
    const end = (bucketOf(first[j]!, bucketSteps) + 1) * bucketSteps;
    let stop = j;
    while (stop < to && last[stop]! < end) stop++;
    if (stop === j) break;
    const bucket = list.add(first[j]!, last[stop - 1]!, time[stop - 1]!, (stop - j) * unit);
    endRows[bucket] = (chunk * CHUNK + stop) * unit;
    segments.push({ bucket, from: j, to: stop });
    j = stop;
  }
  return segments;
}

/** Assigns rows to buckets; lists the buckets. */
function segmentsOf(run: RowRun, { list, endRows }: Target): Segment[] {
  const steps = run.steps();
  const times = run.times();
  const { bucketSteps } = list;
  const segments: Segment[] = [];
  for (let r = run.from; r < run.to; ) {
    const key = bucketOf(steps[r]!, bucketSteps);
    let end = r + 1;
    if (bucketSteps > 1) {
      // The bucket's end; directly computed where its steps are consecutive.
      const after = (key + 1) * bucketSteps;
      const guess = Math.min(run.to, r + (after - steps[r]!));
      if (guess > end && steps[guess - 1]! < after && (guess === run.to || steps[guess]! >= after)) end = guess;
      else while (end < run.to && steps[end]! < after) end++;
    }
    const bucket = list.add(steps[r]!, steps[end - 1]!, times[end - 1]!, end - r);
    endRows[bucket] = run.firstRow + end;
    segments.push({ bucket, from: r, to: end });
    r = end;
  }
  return segments;
}

/** Adds the values of a column to the buckets of its segments. */
export function addRows({ values, offset, stride }: Column, segments: readonly Segment[], into: Stats): void {
  for (const { bucket, from, to } of segments) {
    let lowest = into.min[bucket]!;
    let highest = into.max[bucket]!;
    let total = into.sum[bucket]!;
    let odd = 0;
    let latest = into.last[bucket]!;
    for (let r = from; r < to; r++) {
      latest = values[offset + r * stride]!;
      if (!Number.isFinite(latest)) {
        odd++;
        continue;
      }
      total += latest;
      // `!(a <= b)` is also true for the NaN of a bucket that has no finite value yet.
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

/** Merges nodes of a stored chunk into the buckets of their segments. */
export function mergeNodes(columns: Columns, segments: readonly Segment[], series: readonly Reduced[]): void {
  for (const { column, into } of series) {
    const [min, max, last, sum, nonFinite] = STATS.map((_, k) => columns.column(column * STATS.length + k)) as [
      Column,
      Column,
      Column,
      Column,
      Column,
    ];
    for (const { bucket, from, to } of segments) {
      let lowest = into.min[bucket]!;
      let highest = into.max[bucket]!;
      let total = into.sum[bucket]!;
      let odd = into.nonFinite[bucket]!;
      let latest = into.last[bucket]!;
      for (let j = from; j < to; j++) {
        const low = min.values[min.offset + j * min.stride]!;
        const high = max.values[max.offset + j * max.stride]!;
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
