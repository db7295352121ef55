import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CollapseWatch, collapseRule, type WatchPoint } from '~/shared/collapse';

interface Alarm {
  sinceStep: number;
  step: number;
  head: number;
  entropy: number;
  loss: number;
}

/** The first alarm of each stretch, as the server tells it. */
function collapses(points: readonly WatchPoint[], choices: number): Alarm[] {
  const watch = new CollapseWatch(collapseRule);
  const alarms: Alarm[] = [];
  for (const point of points) {
    const seen = watch.see(point, Math.log(choices));
    if (seen && alarms.at(-1)?.sinceStep !== seen.sinceStep) alarms.push({ step: point.step, ...seen });
  }
  return alarms;
}

interface Recorded {
  learningRate: number;
  seed: number;
  layers: number;
  heads: number;
  steps: number[];
  entropy: number[][];
  loss: number[];
  finalLoss: number;
}
const { runs } = JSON.parse(readFileSync(new URL('../fixtures/collapse.json', import.meta.url), 'utf8')) as { runs: Recorded[] };
const chance = Math.log(10);

const pointsOf = (run: Recorded, everySteps: number): WatchPoint[] =>
  run.steps.map((step, n) => ({ step, entropy: run.entropy[n]!, loss: run.loss[n]! })).filter((p) => p.step % everySteps === 0);
const nameOf = (r: Recorded) => `learning rate ${r.learningRate}, seed ${r.seed}, ${r.layers} x ${r.heads}`;

describe('on recorded runs', () => {
  const collapsed = runs.filter((r) => r.learningRate >= 0.05);
  const good = runs.filter((r) => r.finalLoss < 0.5 * chance);

  it('the fixture holds what it says: seven collapsed runs and thirteen that learnt, sharp ones among them', () => {
    expect([collapsed.length, good.length]).toEqual([7, 13]);
    expect(collapsed.every((r) => r.finalLoss > 0.9 * chance)).toBe(true);
    expect(good.filter((r) => Math.min(...r.entropy.at(-1)!) < 0.1).length).toBeGreaterThanOrEqual(3);
  });

  it.each([10, 20])('every collapsed run is told by step 110 with a snapshot every %i steps', (everySteps) => {
    for (const run of collapsed) {
      const [first] = collapses(pointsOf(run, everySteps), 10);
      expect(first, nameOf(run)).toBeDefined();
      expect(first!.step, nameOf(run)).toBeLessThanOrEqual(110);
    }
  });

  it.each([10, 20])('every run that learns stays silent, however sharp it gets, with a snapshot every %i steps', (everySteps) => {
    for (const run of good) expect(collapses(pointsOf(run, everySteps), 10), nameOf(run)).toEqual([]);
  });
});

/** Seeds, sizes and rates that the thresholds were not chosen on. */
describe('on held-out runs of both tasks', () => {
  interface HeldOut {
    task: 'reverse' | 'anomaly';
    learningRate: number;
    plain: boolean;
    seed: number;
    layers: number;
    heads: number;
    everySteps: number;
    entropy: number[];
    loss: (number | null)[];
    finalLoss: number;
  }
  const { runs: heldOut } = JSON.parse(readFileSync(new URL('../fixtures/collapseHeldOut.json', import.meta.url), 'utf8')) as {
    runs: HeldOut[];
  };
  const points = (r: HeldOut, everySteps: number): WatchPoint[] =>
    r.entropy
      .map((entropy, n) => ({ step: n * r.everySteps, entropy: [entropy], loss: r.loss[n] ?? Number.NaN }))
      .filter((p) => p.step % everySteps === 0);
  const named = (r: HeldOut) => `${r.task}, learning rate ${r.learningRate}, seed ${r.seed}, ${r.layers} x ${r.heads}`;
  const wild = heldOut.filter((r) => r.learningRate === 0.05);
  const learning = heldOut.filter((r) => !r.plain || r.finalLoss < 0.5 * chance);

  it('the fixture holds what it says: twelve collapsed runs, and 42 at rates from 5e-4 to 2e-2 that learn, most of them done', () => {
    expect([wild.length, learning.length, learning.filter((r) => r.finalLoss < 0.5 * chance).length]).toEqual([12, 42, 32]);
    expect(wild.every((r) => r.finalLoss > 0.9 * chance)).toBe(true);
    for (const task of ['reverse', 'anomaly'])
      for (const rate of [5e-4, 1e-3, 5e-3, 5e-2])
        expect(heldOut.filter((r) => r.task === task && r.learningRate === rate).length).toBeGreaterThanOrEqual(6);
    // Sharp and good: entropy alone would tell these.
    expect(learning.filter((r) => Math.min(...r.entropy) < 0.3).length).toBeGreaterThanOrEqual(8);
  });

  it.each([10, 20])('every collapsed run is told by step 110 with a snapshot every %i steps', (everySteps) => {
    for (const run of wild) {
      const [first] = collapses(points(run, everySteps), 10);
      expect(first, named(run)).toBeDefined();
      expect(first!.step, named(run)).toBeLessThanOrEqual(110);
    }
  });

  it.each([10, 20])('every run that learns stays silent with a snapshot every %i steps', (everySteps) => {
    for (const run of learning) expect(collapses(points(run, everySteps), 10), named(run)).toEqual([]);
  });

  it('of those stuck at chance the one whose heads got sharp is told, the two with dull heads are not', () => {
    const stuck = heldOut.filter((r) => r.learningRate === 0.02 && r.finalLoss > 0.9 * chance);
    expect(stuck.map((r) => [Math.min(...r.entropy) < 0.3, collapses(points(r, 10), 10).length > 0])).toEqual(
      stuck.map((r) => [r.seed === 303, r.seed === 303]),
    );
    expect(stuck.length).toBe(3);
  });
});

describe('the rule', () => {
  const at = (step: number, entropy: number[], loss: number): WatchPoint => ({ step, entropy, loss });
  const stuck = (from: number, to: number) =>
    Array.from({ length: (to - from) / 10 + 1 }, (_, i) => at(from + 10 * i, [0.9, 0.1], chance));

  it('names since when, the step at which it had held long enough, and the sharpest head', () => {
    expect(collapses([at(0, [1, 1], chance), ...stuck(10, 200)], 10)).toEqual([
      { sinceStep: 10, step: 70, head: 1, entropy: 0.1, loss: chance },
    ]);
  });

  it('a run that frees itself and collapses again is told twice', () => {
    const points = [...stuck(0, 100), at(110, [0.9, 0.5], chance), ...stuck(120, 200)];
    expect(collapses(points, 10).map((a) => [a.sinceStep, a.step])).toEqual([
      [0, 60],
      [120, 180],
    ]);
  });

  it('a point whose loss is not known neither begins nor ends a stretch', () => {
    const points = [...stuck(0, 50), at(55, [0.9, 0.9], Number.NaN), ...stuck(60, 80)];
    expect(collapses(points, 10).map((a) => a.step)).toEqual([60]);
  });

  it('begins beyond its bounds, not at them', () => {
    const seen = (entropy: number, loss: number) => collapses([at(0, [entropy], loss), at(60, [entropy], loss)], 10).length;
    const { entropyBelow, lossAbove } = collapseRule;
    expect([seen(entropyBelow, chance), seen(0.29, lossAbove * chance), seen(0.29, 0.91 * chance)]).toEqual([0, 0, 1]);
  });

  it('names the first of equally sharp heads, and begins anew with a new attempt', () => {
    const watch = new CollapseWatch(collapseRule);
    watch.see(at(0, [0.9, 0.1, 0.1], chance), chance);
    expect(watch.see(at(60, [0.9, 0.1, 0.1], chance), chance)).toEqual({ sinceStep: 0, head: 1, entropy: 0.1, loss: chance });
    watch.reset();
    expect(watch.see(at(70, [0.1], chance), chance)).toBeNull();
  });

  it('heads whose entropy is no number say nothing, an infinite loss counts as above chance', () => {
    expect(collapses([at(0, [1, Number.NaN], chance), at(100, [1, Number.NaN], chance)], 10)).toEqual([]);
    const points = stuck(0, 80).map((p) => ({ ...p, entropy: [Number.NaN, 0.1], loss: Number.POSITIVE_INFINITY }));
    expect(collapses(points, 10).map((a) => a.step)).toEqual([60]);
  });
});
