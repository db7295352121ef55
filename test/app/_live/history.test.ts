import { describe, expect, it } from 'vitest';
import { Curve } from '~/app/_charts/curve';
import { History } from '~/app/_live/history';
import type { RangeQuestion } from '~/app/_live/levelReader';
import { earlyRanges } from '~/app/_live/levels';
import { emaNext, emaStart } from '~/shared/ema';
import type { Entry, RunEvent } from '~/shared/events';
import { addValue, bucketWidth, emptyStats, type RangeAnswer, type ReducedSeries } from '~/shared/pyramid';
import type { RunView } from '~/shared/view';

/** The moving average after each row, by one plain loop: NaN where the row is not finite. */
function averages(values: readonly number[], weight: number): number[] {
  let [s, n] = [0, 0];
  return values.map((v) => {
    if (!Number.isFinite(v)) return Number.NaN;
    s = weight * s + (1 - weight) * v;
    n++;
    return s / (1 - weight ** n);
  });
}

/** A row of the run's rows here: its step, and a value per series. */
type Row = readonly [step: number, ...values: number[]];

/** The oracle: reduces the rows in force of one stream in one go, as the server's range query answers. `width` of its buckets; left out: as the question asks. */
function reduced(
  rows: readonly Row[],
  column: number,
  q: Pick<RangeQuestion, 'fromStep' | 'toStep' | 'buckets' | 'smoothing' | 'around'>,
  width?: number,
): ReducedSeries {
  const from = q.fromStep;
  const to = q.toStep ?? Number.POSITIVE_INFINITY;
  const inside = rows.filter(([step]) => step >= from && step < to);
  const around = q.around ? [rows.findLast(([step]) => step < from), rows.find(([step]) => step >= to)] : [];
  const bucketSteps = width ?? (inside.length > 0 ? bucketWidth(inside[0]![0], inside.at(-1)![0], inside.length, q.buckets) : 1);
  const groups: Row[][] = [];
  for (const row of inside) {
    const last = groups.at(-1);
    if (last && Math.floor(last[0]![0] / bucketSteps) === Math.floor(row[0] / bucketSteps)) last.push(row);
    else groups.push([row]);
  }
  if (around[0]) groups.unshift([around[0]]);
  if (around[1]) groups.push([around[1]]);
  const stats = emptyStats(groups.length);
  groups.forEach((group, i) => {
    for (const row of group) addValue(stats, i, row[column + 1]!);
  });
  const out: ReducedSeries = {
    ...stats,
    bucketSteps,
    steps: Float64Array.from(groups, (g) => g[0]![0]),
    lastSteps: Float64Array.from(groups, (g) => g.at(-1)![0]),
    rows: Int32Array.from(groups, (g) => g.length),
  };
  if (q.smoothing !== null) {
    const known = rows.filter(([step]) => step < to || step === around[1]?.[0]);
    const values = known.map((row) => row[column + 1]!);
    const all = averages(values, q.smoothing);
    out.ema = Float64Array.from(groups, (g) => {
      const ends = g.map((row) => all[known.indexOf(row)]!).filter((v) => !Number.isNaN(v));
      return ends.at(-1) ?? Number.NaN;
    });
    out.emaEnd = values.reduce((state, v) => emaNext(state, q.smoothing!, v), emaStart);
  }
  return out;
}

/** Streams of a run, each with its rows, read with a gate that the test opens. */
function bench(streams: Record<string, string[]> = { steps: ['loss', 'gradNorm'] }) {
  const rows = new Map(Object.keys(streams).map((name) => [name, [] as Row[]]));
  const head = () => Math.max(0, ...[...rows.values()].map((r) => (r.at(-1)?.[0] ?? -1) + 1));
  const questions: RangeQuestion[] = [];
  const gates: (() => void)[] = [];
  let held = false;
  const timers: (() => void)[] = [];
  const history = new History(
    {
      read: async (q) => {
        questions.push(q);
        const series = Object.entries(streams).flatMap(([stream, names]) =>
          names.flatMap((name, i) => (q.series.includes(name) ? [{ name, stream, ...reduced(rows.get(stream)!, i, q) }] : [])),
        );
        const answer: RangeAnswer = { headStep: head(), series };
        if (held) await new Promise<void>((open) => gates.push(open));
        return answer;
      },
      later: (then) => {
        timers.push(then);
        return () => timers.splice(timers.indexOf(then), 1);
      },
    },
    300,
  );
  const view = () =>
    ({
      streams: Object.entries(streams).map(([name, names]) => ({ name, columns: names.map((n) => ({ name: n })), at: null })),
      step: head(),
    }) as unknown as RunView;
  let seq = 1;
  const entry = (event: RunEvent): Entry => ({ seq: seq++, attempt: 1, at: 0, event });
  /** Rows of one stream, as the store has them and as its log entry brings them. */
  const log = (stream: string, fresh: readonly Row[]): Entry => {
    rows.get(stream)!.push(...fresh);
    const steps = Float64Array.from(fresh, ([step]) => step);
    return entry({ type: 'rows', stream, steps, values: Float64Array.from(fresh.flatMap(([, ...values]) => values)) });
  };
  /** Rows of consecutive steps of the first stream. */
  const add = (...fresh: number[][]): Entry => {
    const stream = Object.keys(streams)[0]!;
    const from = (rows.get(stream)!.at(-1)?.[0] ?? -1) + 1;
    return log(
      stream,
      fresh.map((values, i): Row => [from + i, ...values]),
    );
  };
  const settle = async () => {
    for (let i = 0; i < 40; i++) await Promise.resolve();
  };
  const tick = async () => {
    for (const t of timers.splice(0)) t();
    await settle();
  };
  const rewind = (step: number): Entry => {
    for (const [name, all] of rows)
      rows.set(
        name,
        all.filter((row) => row[0] < step),
      );
    return entry({ type: 'rewind', step });
  };
  return {
    history,
    rows: (stream = Object.keys(streams)[0]!) => rows.get(stream)!,
    questions,
    view,
    add,
    log,
    settle,
    tick,
    rewind,
    hold: () => {
      held = true;
    },
    open: async () => {
      held = false;
      for (const g of gates.splice(0)) g();
      await settle();
    },
  };
}

/** Small seeded generator (mulberry32): the numbers of a test are the same on every machine. */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The curve has what one range query of these rows answers, with buckets as wide as it has them. */
function expectSame(
  curve: Curve,
  rows: readonly Row[],
  column: number,
  fromStep = Number.MIN_SAFE_INTEGER,
  toStep: number | null = null,
) {
  const want = reduced(
    rows,
    column,
    { fromStep, toStep, buckets: 1e9, smoothing: null, around: toStep !== null },
    curve.bucketSteps,
  );
  for (const key of ['steps', 'lastSteps', 'rows'] as const)
    expect([key, ...curve[key].subarray(0, curve.count)]).toEqual([key, ...want[key]]);
  for (const key of ['min', 'max', 'last', 'nonFinite'] as const)
    expect([key, ...curve.values[key].subarray(0, curve.count)]).toEqual([key, ...want[key]]);
  for (let i = 0; i < curve.count; i++) expect(curve.values.sum[i]).toBeCloseTo(want.sum[i]!, 6);
  expect(curve.total).toBe(want.rows.reduce((a, b) => a + b, 0));
}

describe('Curve', () => {
  it('rows appended one by one, through several doublings, equal one range query of the same rows', () => {
    const rng = random(7);
    const rows = Array.from(
      { length: 5000 },
      (_, s): Row => [s, rng() < 0.01 ? Number.NaN : rng() < 0.01 ? Number.POSITIVE_INFINITY : rng()],
    );
    const curve = new Curve('loss', 64, null);
    for (let s = 0; s < rows.length; s++) {
      curve.append(...(rows[s] as [number, number]));
      if (s % 617 === 0) expectSame(curve, rows.slice(0, s + 1), 0);
    }
    expectSame(curve, rows, 0);
    expect(curve.bucketSteps).toBe(128); // 64 buckets hold 5000 rows at 2^7
    expect(curve.nonFiniteCount()).toBe(rows.filter((r) => !Number.isFinite(r[1]!)).length);
  });

  it('costs by its rows: steps below 0, far apart, in clumps, up to 2^53 - 1 stand in as many buckets as a query gives', () => {
    const rng = random(31);
    const steps = [-5_000_000, -7, 0, 1e12, Number.MAX_SAFE_INTEGER];
    for (let i = 0; i < 400; i++) steps.push(Math.floor(rng() * 2 ** Math.floor(rng() * 53)));
    const rows = [...new Set(steps)].sort((a, b) => a - b).map((step): Row => [step, rng()]);
    for (const capacity of [2, 16, 4000]) {
      const curve = new Curve('loss', capacity, null);
      for (const row of rows) curve.append(...(row as [number, number]));
      expect(curve.count).toBeLessThanOrEqual(capacity);
      expectSame(curve, rows, 0);
    }
    const all = new Curve('loss', 4000, null);
    for (const row of rows) all.append(...(row as [number, number]));
    expect([all.bucketSteps, all.count, all.dense]).toEqual([1, rows.length, false]);
  });

  it('finds the bucket in force at a step: the last one that begins at or before it', () => {
    const curve = new Curve('loss', 16, null);
    for (const step of [-10, 0, 50, 1e12]) curve.append(step, step);
    expect([-11, -10, -1, 0, 49, 50, 1e12, 2e12].map((step) => curve.at(step))).toEqual([-1, 0, 0, 1, 1, 2, 3, 3]);
  });

  it('the time of a bucket is that of its last row', () => {
    const curve = new Curve('loss', 2, null);
    for (let s = 0; s < 4; s++) curve.append(s, s, 1000 + s);
    expect([...curve.times.subarray(0, curve.count)]).toEqual([1001, 1003]);
  });

  it('200 single-step spikes in 1,000,000 rows all stand in the bucket of their step', () => {
    const spikes = new Map<number, number>();
    const rng = random(11);
    while (spikes.size < 200) spikes.set(Math.floor(rng() * 1e6), 10 + spikes.size);
    const curve = new Curve('loss', 1200, null);
    for (let s = 0; s < 1e6; s++) curve.append(s, spikes.get(s) ?? Math.sin(s / 1000));
    expect(curve.count).toBeLessThanOrEqual(1200);
    const lost = [...spikes].filter(([s, v]) => {
      const highest = Math.max(...[...spikes].filter(([o]) => curve.at(o) === curve.at(s)).map(([, w]) => w));
      return curve.values.max[curve.at(s)] !== highest || highest < v;
    });
    expect(lost).toEqual([]);
  });

  it('on append no drawn extreme vanishes or leaves its pixel column by more than one, whatever doubles underneath', () => {
    const rng = random(3);
    const width = 600; // 1200 buckets at most, 600 at least: one pixel column or less each
    const curve = new Curve('loss', 1200, null);
    const values: number[] = [];
    for (let s = 0; s < 40_000; s++) {
      values.push(rng() < 0.001 ? 5 + rng() : rng());
      curve.append(s, values[s]!);
      if (s % 1999 !== 0 || s < 1200) continue;
      const pixel = (step: number) => ((step + 0.5) / (s + 1)) * width;
      for (let e = 0; e <= s; e++) {
        if (values[e]! < 5) continue;
        const i = curve.at(e);
        expect(curve.values.max[i]!, `seed 3, step ${e} of ${s}`).toBeGreaterThanOrEqual(values[e]!);
        const middle = (curve.steps[i]! + curve.lastSteps[i]!) / 2;
        expect(Math.abs(pixel(middle) - pixel(e)), `seed 3, step ${e} of ${s}`).toBeLessThanOrEqual(1);
      }
    }
  });

  it('a cut takes out later steps and says when a bucket has lost rows that only a new read gives back', () => {
    const curve = new Curve('loss', 4, null);
    for (let s = 0; s < 8; s++) curve.append(s, s); // buckets of 2
    curve.cut(6);
    expect([curve.count, curve.lastStep, curve.total, curve.holes]).toEqual([3, 5, 6, false]);
    curve.cut(3);
    expect([curve.count, curve.lastStep, curve.total, curve.holes]).toEqual([1, 1, 2, true]);
  });

  it('a range takes the one row beyond its end, for its line to run out, and no more', () => {
    const curve = new Curve('loss', 4, 3);
    for (let s = 1; s < 9; s++) curve.append(s, s);
    expect([...curve.values.last.subarray(0, curve.count)]).toEqual([1, 2, 3]);
  });
});

describe('History', () => {
  it('rows that arrive while a range is being read are added once, after it', async () => {
    const b = bench();
    b.add([1, 10], [2, 20]);
    b.history.reset(b.view());
    b.hold();
    b.history.want(['loss']);
    await b.settle();
    const late = b.add([3, 30]);
    b.history.entries([late], []);
    await b.open();
    b.history.entries([b.add([4, 40])], []);
    expect(b.questions).toEqual([
      { series: ['loss'], fromStep: Number.MIN_SAFE_INTEGER, toStep: null, buckets: 300, smoothing: null, around: false },
    ]);
    expectSame(b.history.curve('loss')!, b.rows(), 0);
  });

  it('a long live run equals the range query of its rows', async () => {
    const b = bench();
    const rng = random(5);
    b.history.reset(b.view());
    b.history.want(['loss', 'gradNorm']);
    await b.settle();
    while (b.rows().length < 3000) {
      const fresh = Array.from({ length: 1 + Math.floor(rng() * 9) }, () => [rng(), rng() < 0.02 ? Number.NaN : rng()]);
      b.history.entries([b.add(...fresh)], []);
    }
    expectSame(b.history.curve('loss')!, b.rows(), 0);
    expectSame(b.history.curve('gradNorm')!, b.rows(), 1);
    expect(b.questions.length).toBe(1);
  });

  it('rows go to the series of their own stream, each at its own cadence; a stream may be declared at any time', async () => {
    const b = bench({ steps: ['loss'], 'val, every 50': ['val/loss', '__proto__'] });
    b.history.reset({ streams: [], step: 0 } as unknown as RunView);
    b.history.want(['loss', 'val/loss', '__proto__']);
    await b.settle();
    const declare = (stream: string, ...names: string[]): Entry => ({
      seq: 1,
      attempt: 1,
      at: 0,
      event: { type: 'series', stream, columns: names.map((name) => ({ name })) },
    });
    b.history.entries([declare('steps', 'loss'), declare('val, every 50', 'val/loss', '__proto__')], []);
    for (let s = 0; s < 200; s++) {
      const entries = [b.add([s])];
      if (s % 50 === 0) entries.push(b.log('val, every 50', [[s, s / 2, s / 4]]));
      b.history.entries(entries, []);
    }
    expectSame(b.history.curve('loss')!, b.rows('steps'), 0);
    expectSame(b.history.curve('val/loss')!, b.rows('val, every 50'), 0);
    expectSame(b.history.curve('__proto__')!, b.rows('val, every 50'), 1);
    expect([b.history.curve('val/loss')!.count, b.history.curve('val/loss')!.nonFiniteCount()]).toEqual([4, 0]);
    // What is drawn is exact, so nothing was asked again.
    expect(b.history.exact('val/loss', 149)).toEqual({ step: 100, value: 50 });
    expect(b.questions.length).toBe(1);
  });

  it('of a view that holds a part of a stream, values come from their own places in the row', async () => {
    const b = bench({ wide: ['a', 'b', 'c'] });
    b.history.reset({ streams: [{ name: 'wide', columns: [{ name: 'c' }], at: [2] }], step: 0 } as unknown as RunView);
    b.history.want(['c']);
    await b.settle();
    b.history.entries([b.log('wide', [[0, 1, 2, 3]])], []);
    expect(b.history.curve('c')!.values.last[0]).toBe(3);
  });

  it('rows that the server left out are a hole in the curves of their stream alone, and a new read fills it', async () => {
    const b = bench({ steps: ['loss'], other: ['x'] });
    b.history.reset(b.view());
    b.history.want(['loss', 'x']);
    await b.settle();
    b.history.entries([b.add([1]), b.log('other', [[0, 7]])], []);
    b.add([2], [3]);
    b.history.entries([b.add([4])], [{ type: 'skipped', stream: 'steps', first: 1, last: 2 }]);
    expect([b.history.curve('loss')!.holes, b.history.curve('x')!.holes]).toEqual([true, false]);
    await b.tick();
    expect(b.history.curve('loss')!.holes).toBe(false);
    expectSame(b.history.curve('loss')!, b.rows(), 0);
  });

  it('a hole that opens while its range is being read is filled too', async () => {
    const b = bench();
    b.history.reset(b.view());
    b.hold();
    b.history.want(['loss']);
    await b.settle();
    b.add([1, 1], [2, 2]);
    b.history.entries([b.add([3, 3])], [{ type: 'skipped', stream: 'steps', first: 0, last: 1 }]);
    await b.open();
    await b.tick();
    expectSame(b.history.curve('loss')!, b.rows(), 0);
  });

  it('a rewind drops superseded rows of every stream, also through the middle of a bucket and from answers under way', async () => {
    const b = bench();
    for (let s = 0; s < 1000; s++) b.add([s, s]); // 1000 rows in at most 300 buckets: 4 a bucket
    b.history.reset(b.view());
    b.history.want(['loss']);
    await b.settle();
    expect(b.history.curve('loss')!.bucketSteps).toBe(4);
    b.hold();
    b.history.want(['gradNorm']);
    await b.settle(); // its answer, with the old rows, is now under way
    b.history.entries([b.rewind(501), b.add([-1, -1])], []);
    await b.open();
    await b.tick();
    expect(b.rows().length).toBe(502);
    expectSame(b.history.curve('loss')!, b.rows(), 0);
    expectSame(b.history.curve('gradNorm')!, b.rows(), 1);
  });

  it('zoom reads the range down to raw values once; coming back to a level asks nothing', async () => {
    const b = bench();
    for (let s = 0; s < 1000; s++) b.add([s, s]);
    b.history.reset(b.view());
    b.history.want(['loss']);
    await b.settle();
    b.history.show([100, 200]);
    await b.settle();
    expect(b.history.curve('loss')!.bucketSteps).toBe(1);
    expectSame(b.history.curve('loss')!, b.rows(), 0, 100, 200);
    expect([b.history.curve('loss')!.firstStep, b.history.curve('loss')!.lastStep]).toEqual([99, 200]); // the rows around it
    const asked = b.questions.length;
    b.history.show(null);
    b.history.show([100, 200]);
    await b.settle();
    expect(b.questions.length).toBe(asked);
    expect(b.history.wholeCurve('loss')!.bucketSteps).toBe(4);
  });

  it('a wider chart gets finer buckets; what was drawn stays until they are there', async () => {
    const b = bench();
    for (let s = 0; s < 1000; s++) b.add([s, s]);
    b.history.reset(b.view());
    b.history.want(['loss']);
    await b.settle();
    b.history.resolve(2000);
    expect(b.history.curve('loss')!.bucketSteps).toBe(4);
    await b.tick();
    expect(b.history.curve('loss')!.bucketSteps).toBe(1);
    expectSame(b.history.curve('loss')!, b.rows(), 0);
    b.history.resolve(500); // never coarser
    await b.tick();
    expect(b.questions.length).toBe(2);
  });

  it('after a reconnection everything is read again and what was drawn stays until then', async () => {
    const b = bench();
    b.add([1, 1]);
    b.history.reset(b.view());
    b.history.want(['loss']);
    await b.settle();
    b.add([2, 2], [3, 3]); // missed
    b.history.reset(b.view());
    expect(b.history.curve('loss')!.count).toBe(1);
    await b.tick();
    expectSame(b.history.curve('loss')!, b.rows(), 0);
  });

  it('exact values are read once per neighbourhood and follow the live rows', async () => {
    const b = bench();
    for (let s = 0; s < 1000; s++) b.add([s, s * 2]);
    b.history.reset(b.view());
    b.history.want(['loss', 'gradNorm']);
    await b.settle();
    const before = b.questions.length;
    expect(b.history.exact('loss', 900)).toBeUndefined();
    await b.settle();
    expect([b.history.exact('loss', 900), b.history.exact('gradNorm', 901)]).toEqual([
      { step: 900, value: 900 },
      { step: 901, value: 1802 },
    ]);
    b.history.entries([b.add([-5, -6])], []);
    expect(b.history.exact('loss', 1000)).toEqual({ step: 1000, value: -5 });
    // Beyond the newest row that one holds.
    expect(b.history.exact('loss', 5000)).toEqual({ step: 1000, value: -5 });
    expect(b.questions.length - before).toBe(1);
  });

  it('the row in force is found in rows that lie far apart and in clumps', async () => {
    const b = bench({ s: ['x'] });
    const rng = random(41);
    const steps = new Set<number>();
    for (let clump = 0; clump < 5; clump++) for (let i = 0; i < 3000; i++) steps.add(Math.floor(clump * 1e12 + rng() * 40_000));
    b.log(
      's',
      [...steps].sort((a, c) => a - c).map((step): Row => [step, step]),
    );
    b.history.reset(b.view());
    b.history.want(['x']);
    await b.settle();
    const rows = b.rows().map(([step]) => step);
    for (const step of [-1, 0, 17_000, 39_999, 5e11, 1e12 + 3, 2e12 + 20_001, 3e12 - 1, 4e12 + 39_000, 9e12]) {
      const want = rows.findLast((s) => s <= step);
      for (let asks = 0; b.history.exact('x', step) === undefined; asks++) {
        expect(asks, `step ${step}`).toBeLessThan(6);
        await b.settle();
      }
      expect(b.history.exact('x', step), `step ${step}`).toEqual(want === undefined ? null : { step: want, value: want });
    }
  });

  it('of a recording that keeps buckets only, single rows inside of one are not known, and nothing is asked for ever', async () => {
    const rows = Array.from({ length: 1000 }, (_, i): Row => [i, i]);
    let asked = 0;
    const history = new History({
      read: async (q) => {
        asked++;
        return { headStep: 1000, series: [{ name: 'x', stream: 's', ...reduced(rows, 0, q, 64) }] };
      },
      later: () => () => {},
    });
    history.want(['x']);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    for (let look = 0; look < 5; look++) {
      expect(history.exact('x', 500)).toBeUndefined();
      for (let i = 0; i < 20; i++) await Promise.resolve();
    }
    expect(history.exact('x', 511)).toEqual({ step: 511, value: 511 }); // the last of its bucket
    expect(asked).toBeLessThanOrEqual(3);
  });

  it('a failed read is reported, tried again after a while, and then forgotten', async () => {
    let fail = true;
    const timers: (() => void)[] = [];
    const history = new History({
      read: async (q) => {
        if (fail) throw new Error('no connection');
        return {
          headStep: 2,
          series: [
            {
              name: 'loss',
              stream: 's',
              ...reduced(
                [
                  [0, 1],
                  [1, 2],
                ],
                0,
                q,
              ),
            },
          ],
        };
      },
      later: (then) => {
        timers.push(then);
        return () => {};
      },
    });
    history.want(['loss']);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect([history.error, history.curve('loss')]).toEqual(['no connection', null]);
    fail = false;
    for (const t of timers.splice(0)) t();
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect([history.error, history.curve('loss')!.count]).toEqual([null, 2]);
  });

  /** Every bucket's average is the plain loop's at the bucket's last finite row. */
  function expectAverage(curve: Curve, rows: readonly Row[], column: number, weight: number) {
    const all = averages(
      rows.map((r) => r[column + 1]!),
      weight,
    );
    expect(curve.smoothing).toBe(weight);
    for (let i = 0; i < curve.count; i++) {
      const inside = all.slice(curve.steps[i]!, curve.lastSteps[i]! + 1).filter((v) => !Number.isNaN(v));
      expect(curve.ema[i], `bucket ${i} of ${curve.bucketSteps} steps`).toBe(inside.at(-1) ?? Number.NaN);
    }
  }

  it('the moving average is that of every raw row: read, continued live through doublings, zoomed, and with another weight', async () => {
    const b = bench();
    const rng = random(17);
    const fresh = () => [rng() < 0.02 ? Number.NaN : rng(), rng()];
    for (let s = 0; s < 700; s++) b.add(fresh());
    b.history.smooth(0.9);
    b.history.reset(b.view());
    b.history.want(['loss'], true);
    b.history.want(['gradNorm']);
    await b.settle();
    expect(b.questions.map((q) => [q.series, q.smoothing])).toEqual([
      [['loss'], 0.9],
      [['gradNorm'], null],
    ]);
    while (b.rows().length < 3000) b.history.entries([b.add(...Array.from({ length: 7 }, fresh))], []);
    expectAverage(b.history.curve('loss')!, b.rows(), 0, 0.9);
    b.history.show([2500, 2600]);
    await b.settle();
    expectAverage(b.history.curve('loss')!, b.rows(), 0, 0.9);
    const drawn = b.history.curve('loss')!;
    b.history.smooth(0.995);
    expect(b.history.curve('loss')).toBe(drawn);
    await b.settle();
    expectAverage(b.history.curve('loss')!, b.rows(), 0, 0.995);
    b.history.show(null);
    await b.settle();
    expectAverage(b.history.curve('loss')!, b.rows(), 0, 0.995);
    b.history.entries([b.rewind(1500), b.add(...Array.from({ length: 40 }, fresh))], []);
    await b.settle();
    await b.tick();
    expectAverage(b.history.curve('loss')!, b.rows(), 0, 0.995);
    b.history.smooth(0);
    expect(b.history.average('loss', 3)).toBeNull();
  });

  it('the average at a single step is exact too, and goes on with the live rows', async () => {
    const b = bench();
    const rng = random(23);
    for (let s = 0; s < 1000; s++) b.add([rng(), rng()]);
    b.history.smooth(0.98);
    b.history.reset(b.view());
    b.history.want(['loss'], true);
    await b.settle();
    expect(b.history.average('loss', 500)).toBeUndefined();
    b.history.average('loss', 990);
    await b.settle();
    for (let s = 0; s < 40; s++) b.history.entries([b.add([s % 9 === 0 ? Number.NaN : rng(), rng()])], []);
    const all = averages(
      b.rows().map((r) => r[1]!),
      0.98,
    );
    for (const step of [500, 511, 990, 1000, 1001, 1009, 1023])
      expect(b.history.average('loss', step), `step ${step}`).toBe(all[step]);
  });

  it('before its first row a series has no value, and NaN is one: a branch begins at its fork', async () => {
    const b = bench();
    b.log(
      'steps',
      Array.from({ length: 300 }, (_, i): Row => [300 + i, i === 20 ? Number.NaN : 300 + i, 0]),
    );
    b.history.reset(b.view());
    b.history.want(['loss']);
    b.history.show([400, 500]);
    await b.settle();
    expect([290, 310, 320].map((step) => b.history.exact('loss', step))).toEqual([
      null,
      { step: 310, value: 310 },
      { step: 320, value: Number.NaN },
    ]);
  });

  it('where the axis begins, how far rows lie apart, and when steps were reached are told by the rows', async () => {
    const b = bench({ s: ['x'] });
    b.history.want(['x']);
    await b.settle();
    expect([b.history.startStep(), b.history.stride(), b.history.times()]).toEqual([0, 1, []]);
    b.history.reset(b.view());
    b.history.entries(
      [
        {
          seq: 1,
          attempt: 1,
          at: 0,
          event: {
            type: 'rows',
            stream: 's',
            steps: Float64Array.of(1_000_000, 1_000_050, 1_000_100),
            times: Float64Array.of(1000, 2000, 5000),
            values: Float64Array.of(1, 2, 3),
          },
        },
      ],
      [],
    );
    await b.settle();
    expect([b.history.startStep(), b.history.stride()]).toEqual([1_000_000, 50]);
    expect(b.history.times()).toEqual([
      { step: 1_000_000, at: 1000 },
      { step: 1_000_050, at: 2000 },
      { step: 1_000_100, at: 5000 },
    ]);
    expect(b.history.valuesOf('x').map((a) => a.at)).toEqual([1, 2, 3]);
  });

  it('many series are asked for in small questions, so that the first ones are drawn while the others are read', async () => {
    const names = Array.from({ length: 50 }, (_, i) => `s${i}`);
    const b = bench({ s: names });
    b.history.want(names);
    await b.settle();
    expect(b.questions.map((q) => q.series.length)).toEqual([16, 16, 16, 2]);
  });

  it('a logarithmic axis reads the first steps finer, down to single ones', async () => {
    expect(earlyRanges(0, 1_000_000)).toEqual([
      [0, 1024],
      [0, 8192],
      [0, 65_536],
    ]);
    expect(earlyRanges(1000, 3000)).toEqual([]);
    const b = bench();
    for (let s = 0; s < 5000; s++) b.add([s, s]);
    b.history.reset(b.view());
    b.history.want(['loss']);
    await b.settle();
    expect(b.history.earlyCurves('loss')).toEqual([]);
    b.history.show(null, true);
    await b.settle();
    expect(b.history.earlyCurves('loss').map((c) => [c.bucketSteps, c.toStep])).toEqual([[4, 1024]]);
    expect(b.history.curve('loss')!.bucketSteps).toBe(32);
  });
});
