import { describe, expect, it } from 'vitest';
import { debiased, emaNext, emaStart } from '~/shared/ema';
import { addValue, BucketList, bucketWidth, emptyStats, type RangeAnswer, statsOf } from '~/shared/pyramid';
import { exactColumn, type ReplayRows, replayRange, replaySeries } from '~/shared/replayFile';

/** Steps of a made-up run; every 7th row is a hole, some values are not finite. */
const steps = 1000;
const there = (step: number) => step % 7 !== 3;
const value = (step: number) => (step % 31 === 5 ? Number.NaN : step % 97 === 8 ? Number.POSITIVE_INFINITY : Math.sin(step) / 3);

type Answered = RangeAnswer['series'][number];

/** What the store would answer, from the definition: the width, then value after value. */
function answer(fromStep: number, toStep: number, buckets: number, weight?: number): RangeAnswer {
  const all = Array.from({ length: steps }, (_, s) => s).filter(there);
  const wanted = all.filter((s) => s >= fromStep && s < toStep);
  const width = wanted.length === 0 ? 1 : bucketWidth(wanted[0]!, wanted.at(-1)!, wanted.length, buckets);
  const list = new BucketList(width, wanted.length);
  const stats = emptyStats(wanted.length);
  const ema = new Float64Array(wanted.length).fill(Number.NaN);
  let state = emaStart;
  for (const s of all) {
    if (s >= toStep) break;
    if (weight !== undefined) state = emaNext(state, weight, value(s));
    if (s < fromStep) continue;
    const i = list.add(s, s, 1000 + s, 1);
    addValue(stats, i, value(s));
    if (weight !== undefined && Number.isFinite(value(s))) ema[i] = debiased(state.value, state.seen, weight);
  }
  const averaged = weight === undefined ? {} : { ema: ema.slice(0, list.count), emaEnd: state };
  const loss: Answered = { name: 'loss', stream: 'train', ...list.buckets(), ...statsOf(stats, list.count), ...averaged };
  return { headStep: steps, series: [loss] };
}

const replayOf = (buckets: number): ReplayRows => ({
  headStep: steps,
  series: answer(0, steps, buckets).series.map(replaySeries),
});

describe('the rows of a replay', () => {
  it('that are all in the file answer any range as the server does', () => {
    const replay = replayOf(4000);
    expect([replay.series[0]!.bucketSteps, replay.series[0]!.rows]).toEqual([1, undefined]);
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
    expect(replay.series[0]!.bucketSteps).toBe(16);
    // Sums are added up in another order.
    const close = ({ series: [s] }: RangeAnswer) => ({ ...s, sum: s!.sum.map((v) => Math.round(v * 1e9)) });
    for (const [from, to, buckets] of [
      [0, 1000, 20],
      [0, 1000, 70],
      [64, 512, 7],
    ] as const)
      expect(close(replayRange(replay, { series: null, fromStep: from, toStep: to, buckets }))).toEqual(
        close(answer(from, to, buckets)),
      );
    const fine = replayRange(replay, { series: null, fromStep: 100, toStep: 120, buckets: 1000 }).series[0]!;
    expect([fine.bucketSteps, [...fine.steps], [...fine.lastSteps]]).toEqual([16, [96, 112], [111, 127]]);
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

  it('bring the rows on either side of a range when asked to, each by itself', () => {
    const replay = replayOf(4000);
    const question = { series: null, fromStep: 100, toStep: 200, buckets: 4, smoothing: 0.9 };
    const plain = replayRange(replay, question).series[0]!;
    const wide = replayRange(replay, { ...question, around: true }).series[0]!;
    // Step 99 has a row; 200 = 7 * 28 + 4 has one too.
    expect([...wide.steps]).toEqual([99, ...plain.steps, 200]);
    expect([...wide.last]).toEqual([value(99), ...plain.last, value(200)]);
    expect([...wide.rows]).toEqual([1, ...plain.rows, 1]);
    expect([...wide.ema!].slice(1, -1)).toEqual([...plain.ema!]);
    const whole = replayRange(replay, { ...question, fromStep: -10, toStep: 2000, around: true }).series[0]!;
    expect([whole.steps[0], whole.lastSteps.at(-1)]).toEqual([0, 999]);
  });

  it('of a run without steps are empty', () => {
    expect(replayRange({ headStep: 0, series: [] }, { series: null, fromStep: 0, toStep: null, buckets: 10 })).toEqual({
      headStep: 0,
      series: [],
    });
  });

  it('are kept in 32 bits only where that loses nothing', () => {
    expect(exactColumn(Float64Array.of(0.5, Number.NaN, -0, Number.POSITIVE_INFINITY))).toBeInstanceOf(Float32Array);
    expect(exactColumn(Float64Array.of(0.1))).toBeInstanceOf(Float64Array);
  });
});
