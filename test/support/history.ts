/** The step rows of a run as a browser holds them, driven by hand, and the oracle for what it shows. */
import { expect } from 'vitest';
import type { Curve } from '~/app/_charts/curve';
import { History } from '~/app/_live/history';
import type { RangeQuestion } from '~/app/_live/levelReader';
import { emaNext, emaStart } from '~/shared/ema';
import type { Entry, RunEvent } from '~/shared/events';
import { addValue, bucketWidth, emptyStats, type RangeAnswer, type ReducedSeries } from '~/shared/pyramid';
import type { RunView } from '~/shared/view';

/** The moving average after each row, by one plain loop: NaN where the row is not finite. */
export function averages(values: readonly number[], weight: number): number[] {
  let [s, n] = [0, 0];
  return values.map((v) => {
    if (!Number.isFinite(v)) return Number.NaN;
    s = weight * s + (1 - weight) * v;
    n++;
    return s / (1 - weight ** n);
  });
}

/** A row of the run's rows here: its step, and a value per series. */
export type Row = readonly [step: number, ...values: number[]];

/** The oracle: reduces the rows in force of one stream in one go, as the server's range query answers. `width` of its buckets; left out: as the question asks. */
export function reduced(
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
export function bench(streams: Record<string, string[]> = { steps: ['loss', 'gradNorm'] }) {
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

/** The curve has what one range query of these rows answers, with buckets as wide as it has them. */
export function expectSame(
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

/** Every bucket's average is the plain loop's at the bucket's last finite row. */
export function expectAverage(curve: Curve, rows: readonly Row[], column: number, weight: number) {
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
