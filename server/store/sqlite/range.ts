import type Database from 'better-sqlite3';
import type { RangeQuery, RowsAnswer, RowsQuery } from '~/server/store';
import { grouped } from '~/shared/grouped';
import {
  BucketList,
  bucketOf,
  bucketsAround,
  bucketWidth,
  emptyStats,
  type LoneRow,
  type RangeAnswer,
  statsAround,
  statsOf,
  around as withAround,
} from '~/shared/pyramid';
import type { Averaged, Averages } from './averages';
import { type Crc, checkRow, DamagedError } from './checksums';
import { STRIPE } from './layout';
import type { Reducer } from './reduce';
import { copyRun, rowArrays, stripesOf } from './rowRuns';
import type { RowReader, RowTables, StoredHead } from './rows';
import type { Work } from './work';

/** Stripes that are read together. */
const TOGETHER = 8;

interface Place {
  name: string;
  stream: number;
  /** Position among the stream's columns. */
  position: number;
}

type Reduced = RangeAnswer['series'][number];

/** Reads rows of a run by range: reduced, or raw. */
export function openRanges(
  db: Database.Database,
  rows: RowTables,
  reduce: Reducer,
  averages: Averages,
): { range(query: RangeQuery): Work<RangeAnswer>; rows(query: RowsQuery): Work<RowsAnswer> } {
  const fields = 'SELECT name, stream, position, crc FROM series WHERE run = ?';
  const all = db.prepare<[number], Place & Crc>(`${fields} ORDER BY stream, position`);
  const one = db.prepare<[number, string], Place & Crc>(`${fields} AND name = ?`);

  /** `names` null: all. A series that is not there must not be one whose row is damaged. */
  function placesOf(run: StoredHead, names: readonly string[] | null): Place[] {
    const found = names === null ? null : [...new Set(names)].flatMap((name) => one.get(run.id, name) ?? []);
    const whole = found === null || found.length < new Set(names).size;
    const read = whole ? all.all(run.id) : found;
    for (const row of read) checkRow(() => `run ${run.runId}: series "${row.name}"`, 'series', { run: run.id, ...row });
    if (whole && read.length !== rows.streamsOf(run.id).reduce((n, { width }) => n + width, 0))
      throw new DamagedError(`run ${run.runId}: the list of its series`);
    return found ?? read;
  }

  function* range({ runId, series, fromStep, toStep, buckets, smoothing = null, around = false }: RangeQuery): Work<RangeAnswer> {
    const run = rows.run(runId);
    if (!run) return { headStep: 0, series: [] };
    const places = placesOf(run, series);
    yield places.length;
    const answers = new Map<string, Reduced>();
    for (const [stream, wanted] of grouped(places, (p) => p.stream))
      yield* ofStream(rows.open(rows.streamById(stream)), wanted, { fromStep, toStep, buckets, smoothing, around }, answers);
    return { headStep: run.headStep, series: places.map(({ name }) => answers.get(name)!) };
  }

  function* ofStream(
    reader: RowReader,
    wanted: Place[],
    { fromStep, toStep, buckets, smoothing, around }: Required<Omit<RangeQuery, 'runId' | 'series'>>,
    answers: Map<string, Reduced>,
  ): Work<void> {
    const { endRow, firstRow, name: stream } = reader.stream;
    const from = reader.rowAt(fromStep);
    const to = toStep === null ? endRow : Math.max(from, reader.rowAt(toStep));
    const count = to - from;
    const [first, last] = count === 0 ? [0, 0] : [reader.stepOf(from), reader.stepOf(to - 1)];
    const width = bucketWidth(first, last, count, buckets);
    const capacity = Math.min(count, buckets, bucketOf(last, width) - bucketOf(first, width) + 1);
    const before = around && firstRow !== null && from > firstRow ? from - 1 : null;
    const after = around && to < endRow ? to : null;
    const byStripe = [...grouped(wanted, (p) => Math.floor(p.position / STRIPE)).values()];
    // The same for every series of the stream.
    let where: ReturnType<BucketList['buckets']> | null = null;
    let endRows: Float64Array = new Float64Array(0);
    const averaged: { of: Averaged; place: Place }[] = [];
    for (let i = 0; i < byStripe.length; i += TOGETHER) {
      const stripes = byStripe.slice(i, i + TOGETHER).map((places) => ({
        stripe: Math.floor(places[0]!.position / STRIPE),
        series: places.map((place) => ({ place, column: place.position % STRIPE, into: emptyStats(capacity) })),
      }));
      const list = new BucketList(width, capacity);
      const ends = new Float64Array(capacity);
      yield* reduce(reader, from, to, { list, endRows: ends, stripes });
      for (const { stripe, series } of stripes) {
        const [previous, next] = [loneRow(reader, stripe, before), loneRow(reader, stripe, after)];
        if (!where) {
          where = bucketsAround(list.buckets(), previous, next);
          endRows = withAround(ends.slice(0, list.count), before === null ? null : from, after === null ? null : to + 1);
        }
        for (const { place, column, into } of series) {
          const stats = statsAround(statsOf(into, list.count), previous?.value(column) ?? null, next?.value(column) ?? null);
          answers.set(place.name, { name: place.name, stream, ...where, ...stats });
          if (smoothing !== null)
            averaged.push({ place, of: { column: place.position, rows: where.rows, nonFinite: stats.nonFinite, result: null } });
        }
      }
    }
    if (smoothing === null) return;
    yield* averages.fill(
      reader,
      averaged.map(({ of }) => of),
      endRows,
      before ?? from,
      after === null ? to : to + 1,
      smoothing,
    );
    for (const { place, of } of averaged) Object.assign(answers.get(place.name)!, of.result);
  }

  /** One row of a stripe; null = none. */
  function loneRow(reader: RowReader, stripe: number, row: number | null): (LoneRow & { value(column: number): number }) | null {
    if (row === null) return null;
    const [run] = reader.inForce(stripe, row, row + 1);
    const i = run!.from;
    const value = (column: number) => {
      const { values, offset, stride } = run!.column(column);
      return values[offset + i * stride]!;
    };
    return { step: run!.steps()[i]!, time: run!.times()[i]!, value };
  }

  function* ofRows({ runId, stream: name, fromStep, toStep, limit }: RowsQuery): Work<RowsAnswer> {
    const none = { ...rowArrays(0, 0), more: false };
    const run = rows.run(runId);
    const stream = run && rows.stream(run.id, name);
    // A stream that is not there must not be one whose row is damaged.
    if (run && !stream) rows.streamsOf(run.id);
    if (!stream) return none;
    const reader = rows.open(stream);
    const from = reader.rowAt(fromStep);
    const to = toStep === null ? stream.endRow : Math.max(from, reader.rowAt(toStep));
    const count = Math.min(limit, to - from);
    if (count === 0) return { ...none, more: to > from };
    const { width } = stream;
    const into = rowArrays(count, width);
    for (let stripe = 0; stripe < stripesOf(width); stripe++)
      for (const run of reader.inForce(stripe, from, from + count)) {
        copyRun(run, stripe, into, from, width);
        yield (run.to - run.from) * Math.min(width, STRIPE);
      }
    return { ...into, more: to - from > count };
  }

  return { range, rows: ofRows };
}
