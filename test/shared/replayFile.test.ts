import { describe, expect, it } from 'vitest';
import { debiased, emaNext, emaStart } from '~/shared/ema';
import { addValue, bucketing, emptyReduced, type Reduced } from '~/shared/pyramid';
import { exactColumn, type ReplayRows, replayRange, replaySeries } from '~/shared/replayFile';

/** Steps of a made-up run; every 7th row is a hole, some values are not finite. */
const steps = 1000;
const there = (step: number) => step % 7 !== 3;
const value = (step: number) => (step % 31 === 5 ? Number.NaN : step % 97 === 8 ? Number.POSITIVE_INFINITY : Math.sin(step) / 3);

/** What the store would answer, from the definition: `bucketing`, then value after value. */
function answer(fromStep: number, toStep: number, buckets: number, weight?: number): Reduced & { headStep: number } {
  const end = Math.min(toStep, steps);
  const shape = bucketing(fromStep, end, buckets);
  const out = emptyReduced(['loss'], shape.firstStep, shape.bucketSteps, shape.count);
  for (let s = fromStep; s < end; s++) {
    if (!there(s)) continue;
    const i = Math.floor((s - shape.firstStep) / shape.bucketSteps);
    out.rows[i]! += 1;
    addValue(out.series.loss!, i, value(s));
  }
  if (weight !== undefined) {
    const ema = new Float64Array(shape.count).fill(Number.NaN);
    let state = emaStart;
    for (let s = 0; s < end; s++) {
      if (!there(s) || !Number.isFinite(value(s))) continue;
      state = emaNext(state, weight, value(s));
      if (s >= fromStep) ema[Math.floor((s - shape.firstStep) / shape.bucketSteps)] = debiased(state.value, state.seen, weight);
    }
    Object.assign(out.series.loss!, { ema, emaEnd: state });
  }
  return { ...out, headStep: steps };
}

function replayOf(buckets: number): ReplayRows {
  const { rows, bucketSteps, series } = answer(0, steps, buckets);
  return { headStep: steps, bucketSteps, rows, series: { loss: replaySeries(series.loss!, bucketSteps) } };
}

describe('the rows of a replay', () => {
  it('of single steps answer any range as the server does', () => {
    const replay = replayOf(4000);
    expect(replay.bucketSteps).toBe(1);
    for (const [from, to, buckets] of [
      [0, 1000, 4000],
      [0, 5000, 100],
      [3, 998, 10],
      [500, 501, 1],
      [17, 400, 64],
    ] as const)
      expect(replayRange(replay, { series: ['loss', 'nosuch'], fromStep: from, toStep: to, buckets })).toEqual(
        answer(from, to, buckets),
      );
  });

  it('in groups answer as the server does when asked for no finer ones, and never finer than they are', () => {
    const replay = replayOf(70);
    expect(replay.bucketSteps).toBe(16);
    // Sums are added up in another order.
    const close = (r: Reduced) => ({
      ...r,
      series: { loss: { ...r.series.loss!, sum: r.series.loss!.sum.map((v) => Math.round(v * 1e9)) } },
    });
    for (const [from, to, buckets] of [
      [0, 1000, 20],
      [0, 1000, 70],
      [64, 512, 7],
    ] as const)
      expect(close(replayRange(replay, { series: null, fromStep: from, toStep: to, buckets }))).toEqual(
        close(answer(from, to, buckets)),
      );
    const fine = replayRange(replay, { series: null, fromStep: 100, toStep: 120, buckets: 1000 });
    expect([fine.firstStep, fine.bucketSteps, fine.count]).toEqual([96, 16, 2]);
  });

  it('have the moving average of every step, wherever the range begins', () => {
    const replay = replayOf(4000);
    for (const [from, to, buckets] of [
      [0, 1000, 50],
      [333, 700, 4000],
    ] as const)
      expect(replayRange(replay, { series: null, fromStep: from, toStep: to, buckets, smoothing: 0.9 })).toEqual(
        answer(from, to, buckets, 0.9),
      );
  });

  it('of a run without steps are empty', () => {
    const none = { headStep: 0, bucketSteps: 1, rows: new Int32Array(0), series: {} };
    expect(replayRange(none, { series: null, fromStep: 0, toStep: null, buckets: 10 })).toMatchObject({ count: 0, headStep: 0 });
  });

  it('are kept in 32 bits only where that loses nothing', () => {
    expect(exactColumn(Float64Array.of(0.5, Number.NaN, -0, Number.POSITIVE_INFINITY))).toBeInstanceOf(Float32Array);
    expect(exactColumn(Float64Array.of(0.1))).toBeInstanceOf(Float64Array);
  });
});
