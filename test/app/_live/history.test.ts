import { describe, expect, it } from 'vitest';
import { Curve } from '~/app/_charts/curve';
import { History } from '~/app/_live/history';
import type { RangeAnswer, RangeQuestion } from '~/app/_live/levelReader';
import { earlyRanges } from '~/app/_live/levels';
import { emaNext, emaStart } from '~/shared/ema';
import type { Entry, RunEvent } from '~/shared/events';
import { addValue, emptyReduced } from '~/shared/pyramid';
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

/** The oracle: reduces all rows in force in one go, as the server's range query answers. */
function reduce(rows: number[][], names: string[], q: RangeQuestion, bucketSteps?: number): RangeAnswer {
  const to = Math.min(rows.length, q.toStep ?? rows.length);
  let width = bucketSteps ?? 1;
  if (!bucketSteps) while (Math.ceil((to - q.fromStep) / width) > q.buckets) width *= 2;
  const count = Math.max(0, Math.ceil((to - q.fromStep) / width));
  const known = q.series.filter((n) => names.includes(n));
  const out = emptyReduced(known, q.fromStep, width, count);
  for (let s = q.fromStep; s < to; s++) {
    const i = Math.floor((s - q.fromStep) / width);
    out.rows[i]! += 1;
    for (const n of known) addValue(out.series[n]!, i, rows[s]![names.indexOf(n)]!);
  }
  for (const n of q.smoothing === null ? [] : known) {
    const values = rows.slice(0, to).map((row) => row[names.indexOf(n)]!);
    const all = averages(values, q.smoothing!);
    const ema = new Float64Array(count).fill(Number.NaN);
    for (let s = q.fromStep; s < to; s++) if (!Number.isNaN(all[s])) ema[Math.floor((s - q.fromStep) / width)] = all[s]!;
    Object.assign(out.series[n]!, { ema, emaEnd: values.reduce((state, v) => emaNext(state, q.smoothing!, v), emaStart) });
  }
  return { ...out, headStep: rows.length };
}

/** A run whose rows are kept here and read with a gate that the test opens. */
function bench(names = ['loss', 'gradNorm'], buckets = 16) {
  const rows: number[][] = [];
  const questions: RangeQuestion[] = [];
  const gates: (() => void)[] = [];
  let held = false;
  const timers: (() => void)[] = [];
  const history = new History(
    {
      read: async (q) => {
        questions.push(q);
        const answer = reduce(rows, names, q);
        if (held) await new Promise<void>((open) => gates.push(open));
        return answer;
      },
      later: (then) => {
        timers.push(then);
        return () => timers.splice(timers.indexOf(then), 1);
      },
    },
    Math.max(300, buckets),
  );
  const view = () => ({ series: names.map((name) => ({ name, unit: '', group: '' })), step: rows.length }) as RunView;
  let seq = 1;
  const entry = (event: RunEvent): Entry => ({ seq: seq++, attempt: 1, at: 0, event });
  const block = (firstStep: number, block: number[][]): Entry =>
    entry({ type: 'steps', firstStep, count: block.length, values: Float64Array.from(block.flat()) });
  const add = (...fresh: number[][]): Entry => {
    const e = block(rows.length, fresh);
    rows.push(...fresh);
    return e;
  };
  const settle = async () => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  const tick = async () => {
    for (const t of timers.splice(0)) t();
    await settle();
  };
  const rewind = (fromStep: number): Entry => {
    rows.length = fromStep;
    return entry({
      type: 'run.assigned',
      attempt: 2,
      trainer: { id: 't', name: 't', host: 'h' },
      fromStep,
      checkpoint: null,
    });
  };
  return {
    history,
    rows,
    questions,
    view,
    add,
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

function expectSame(curve: Curve, rows: number[][], column: number, fromStep = 0, toStep = rows.length) {
  const names = rows[0]!.map((_, i) => `${i}`);
  const q = { series: [`${column}`], fromStep: curve.firstStep, toStep, buckets: 1e9, smoothing: null };
  const want = reduce(rows.slice(0, toStep), names, q, curve.bucketSteps);
  const got = want.series[column]!;
  expect(curve.firstStep).toBe(fromStep);
  expect(curve.count).toBe(want.count);
  expect(curve.headStep).toBe(toStep);
  expect([...curve.rows.subarray(0, curve.count)]).toEqual([...want.rows]);
  for (const key of ['min', 'max', 'last', 'nonFinite'] as const)
    expect([key, ...curve.values[key].subarray(0, curve.count)]).toEqual([key, ...got[key]]);
  for (let i = 0; i < want.count; i++) expect(curve.values.sum[i]).toBeCloseTo(got.sum[i]!, 6);
}

describe('Curve', () => {
  it('rows appended one by one, through several doublings, equal one range query of the same rows', () => {
    const rng = random(7);
    const rows = Array.from({ length: 5000 }, () => [
      rng() < 0.01 ? Number.NaN : rng() < 0.01 ? Number.POSITIVE_INFINITY : rng(),
    ]);
    const curve = new Curve('loss', 64, null);
    for (let s = 0; s < rows.length; s++) {
      curve.append(s, rows[s]![0]!);
      if (s % 617 === 0) expectSame(curve, rows.slice(0, s + 1), 0);
    }
    expectSame(curve, rows, 0);
    expect(curve.bucketSteps).toBe(128); // 64 buckets hold 5000 rows at 2^7
    expect(curve.nonFiniteCount()).toBe(rows.filter((r) => !Number.isFinite(r[0]!)).length);
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
        const centre = curve.firstStep + (i + 0.5) * curve.bucketSteps - 0.5;
        expect(Math.abs(pixel(centre) - pixel(e)), `seed 3, step ${e} of ${s}`).toBeLessThanOrEqual(1);
      }
    }
  });

  it('a cut takes out later steps and says when a bucket has lost rows that only a new read gives back', () => {
    const curve = new Curve('loss', 4, null);
    for (let s = 0; s < 8; s++) curve.append(s, s); // buckets of 2
    curve.cut(6);
    expect([curve.count, curve.headStep, curve.holes]).toEqual([3, 6, false]);
    curve.cut(3);
    expect([curve.count, curve.headStep, curve.holes]).toEqual([1, 3, true]);
  });

  it('rows at or beyond the end of a zoomed range are not its rows', () => {
    const curve = new Curve('loss', 4, 3, 1);
    for (let s = 0; s < 9; s++) curve.append(s, s);
    expect([curve.headStep, ...curve.values.last.subarray(0, curve.count)]).toEqual([3, 1, 2]);
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
    b.history.entries([late], null);
    await b.open();
    b.history.entries([b.add([4, 40])], null);
    expect(b.questions).toEqual([{ series: ['loss'], fromStep: 0, toStep: null, buckets: 300, smoothing: null }]);
    expectSame(b.history.curve('loss')!, b.rows, 0);
  });

  it('a long live run equals the range query of its rows', async () => {
    const b = bench();
    const rng = random(5);
    b.history.reset(b.view());
    b.history.want(['loss', 'gradNorm']);
    await b.settle();
    while (b.rows.length < 3000) {
      const fresh = Array.from({ length: 1 + Math.floor(rng() * 9) }, () => [rng(), rng() < 0.02 ? Number.NaN : rng()]);
      b.history.entries([b.add(...fresh)], null);
    }
    expectSame(b.history.curve('loss')!, b.rows, 0);
    expectSame(b.history.curve('gradNorm')!, b.rows, 1);
    expect(b.questions.length).toBe(1);
  });

  it('skipped steps leave a hole that a new read fills', async () => {
    const b = bench();
    b.history.reset(b.view());
    b.history.want(['loss']);
    await b.settle();
    b.history.entries([b.add([1, 1])], null);
    b.add([2, 2], [3, 3]);
    b.history.entries([b.add([4, 4])], [1, 2]);
    expect([b.history.curve('loss')!.holes, ...b.history.curve('loss')!.rows.subarray(0, 4)]).toEqual([true, 1, 0, 0, 1]);
    await b.tick();
    expectSame(b.history.curve('loss')!, b.rows, 0);
  });

  it('a rewind drops superseded rows, also through the middle of a bucket and from answers under way', async () => {
    const b = bench();
    for (let s = 0; s < 1000; s++) b.add([s, s]); // 1000 rows in at most 300 buckets: 4 a bucket
    b.history.reset(b.view());
    b.history.want(['loss']);
    await b.settle();
    expect(b.history.curve('loss')!.bucketSteps).toBe(4);
    b.hold();
    b.history.want(['gradNorm']);
    await b.settle(); // its answer, with the old rows, is now under way
    b.history.entries([b.rewind(501), b.add([-1, -1])], null);
    await b.open();
    await b.tick();
    expect(b.rows.length).toBe(502);
    expectSame(b.history.curve('loss')!, b.rows, 0);
    expectSame(b.history.curve('gradNorm')!, b.rows, 1);
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
    expectSame(b.history.curve('loss')!, b.rows, 0, 100, 200);
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
    expectSame(b.history.curve('loss')!, b.rows, 0);
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
    expectSame(b.history.curve('loss')!, b.rows, 0);
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
    expect([b.history.exact('loss', 900), b.history.exact('gradNorm', 901), b.history.exact('loss', 5000)]).toEqual([
      900,
      1802,
      undefined,
    ]);
    b.history.entries([b.add([-5, -6])], null);
    expect(b.history.exact('loss', 1000)).toBe(-5);
    await b.settle();
    expect(b.history.exact('loss', 5000)).toBeNull();
    expect(b.questions.length - before).toBe(2);
  });

  it('a failed read is reported, tried again after a while, and then forgotten', async () => {
    let fail = true;
    const timers: (() => void)[] = [];
    const history = new History({
      read: async (q) => {
        if (fail) throw new Error('no connection');
        return reduce([[1], [2]], ['loss'], q);
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
  function expectAverage(curve: Curve, rows: number[][], column: number, weight: number) {
    const all = averages(
      rows.map((r) => r[column]!),
      weight,
    );
    expect(curve.smoothing).toBe(weight);
    for (let i = 0; i < curve.count; i++) {
      const first = curve.firstStep + i * curve.bucketSteps;
      const inside = all.slice(first, first + curve.bucketSteps).filter((v) => !Number.isNaN(v));
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
    while (b.rows.length < 3000) b.history.entries([b.add(...Array.from({ length: 7 }, fresh))], null);
    expectAverage(b.history.curve('loss')!, b.rows, 0, 0.9);
    b.history.show([2500, 2600]);
    await b.settle();
    expectAverage(b.history.curve('loss')!, b.rows, 0, 0.9);
    const drawn = b.history.curve('loss')!;
    b.history.smooth(0.995);
    expect(b.history.curve('loss')).toBe(drawn);
    await b.settle();
    expectAverage(b.history.curve('loss')!, b.rows, 0, 0.995);
    b.history.show(null);
    await b.settle();
    expectAverage(b.history.curve('loss')!, b.rows, 0, 0.995);
    b.history.entries([b.rewind(1500), b.add(...Array.from({ length: 40 }, fresh))], null);
    await b.settle();
    await b.tick();
    expectAverage(b.history.curve('loss')!, b.rows, 0, 0.995);
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
    for (let s = 0; s < 40; s++) b.history.entries([b.add([s % 9 === 0 ? Number.NaN : rng(), rng()])], null);
    const all = averages(
      b.rows.map((r) => r[0]!),
      0.98,
    );
    for (const step of [500, 511, 990, 1000, 1001, 1009, 1023])
      expect(b.history.average('loss', step), `step ${step}`).toBe(all[step]);
  });

  it('a step without a row has no value, and NaN is one: a branch begins at its fork', async () => {
    const questions: RangeQuestion[] = [];
    const history = new History({
      read: async (q) => {
        questions.push(q);
        const answer = reduce(
          Array.from({ length: 600 }, (_, s) => [s === 320 ? Number.NaN : s]),
          ['loss'],
          q,
        );
        for (let i = 0; i < answer.count; i++) if (answer.firstStep + i < 300) answer.rows[i] = 0;
        return answer;
      },
      later: () => () => {},
    });
    history.want(['loss']);
    history.show([400, 500]);
    const asked = [290, 310, 320];
    for (const step of asked) history.exact('loss', step);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect(asked.map((step) => history.exact('loss', step))).toEqual([null, 310, Number.NaN]);
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
