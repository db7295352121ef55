import { expect, test } from 'vitest';
import { foldAll } from '~/shared/fold';
import { changeWords, type Plan, planNotes, previewSchedule, rateAt, type ScheduleKind } from '~/shared/schedule';
import { publishedSetup } from '~/test/support/setups';
import { controlsOf } from '~/trainer/run/controls';
import { configOf, recipeNamed } from '../support/setups';

const at = (kind: ScheduleKind, warmupSteps: number, step: number, endStep = 100) =>
  rateAt({ base: 2, kind, warmupSteps, endStep }, step);

test('cosine: lr * (1 + cos(pi s/max))/2, times s/warmup up to and including the last warm-up step', () => {
  expect(at('cosine', 10, 0)).toBe(0);
  // 2 * 0.5 * (1 + cos(0.05 pi)) * 5/10
  expect(at('cosine', 10, 5)).toBeCloseTo(0.5 * (1 + Math.cos(0.05 * Math.PI)), 12);
  expect(at('cosine', 10, 10)).toBeCloseTo(1 + Math.cos(0.1 * Math.PI), 12);
  expect(at('cosine', 10, 50)).toBeCloseTo(1, 12); // 2 * 0.5 * (1 + 0)
  expect(at('cosine', 10, 100)).toBeCloseTo(0, 12);
});

test('without warm-up step 0 has the full rate', () => {
  for (const kind of ['cosine', 'constant', 'linear', 'cosine-periodic'] as const) expect(at(kind, 0, 0)).toBe(2);
});

test('after its end a cosine stays at 0; only the periodic one comes back up, as PyTorch’s does', () => {
  expect([101, 150, 200].map((step) => at('cosine', 0, step))).toEqual([0, 0, 0]);
  expect(at('cosine-periodic', 0, 150)).toBeCloseTo(1, 12);
  expect(at('cosine-periodic', 0, 200)).toBeCloseTo(2, 12);
  for (let step = 0; step <= 100; step++) expect(at('cosine-periodic', 7, step)).toBe(at('cosine', 7, step));
});

test('linear falls to 0 at its end and stays there; constant stays', () => {
  expect(at('linear', 0, 25)).toBe(1.5);
  expect(at('linear', 4, 2)).toBeCloseTo(2 * 0.98 * 0.5, 12);
  expect(at('linear', 0, 100)).toBe(0);
  expect(at('linear', 0, 150)).toBe(0);
  expect(at('constant', 4, 150)).toBe(2);
  expect(at('constant', 4, 1)).toBe(0.5);
});

const plan: Plan = { kind: 'cosine', base: 1, warmupSteps: 0, endStep: 1000, totalSteps: 1000 };

test('what people might not expect of a plan is said', () => {
  expect(planNotes(plan)).toEqual([]);
  expect(planNotes({ ...plan, endStep: 400 })).toEqual([
    'the learning rate is 0 from step 400 on, and the run goes on to step 1000',
  ]);
  expect(planNotes({ ...plan, kind: 'cosine-periodic', endStep: 400 })).toEqual([
    "the learning rate is 0 at step 400 and rises again after it, up to the run's end at step 1000",
  ]);
  // 10 of 20 steps of the warm-up: 10/20.
  expect(planNotes({ ...plan, kind: 'constant', warmupSteps: 20, totalSteps: 10 })).toEqual([
    'the warm-up of 20 steps is not over when the run ends at step 10: the learning rate gets no higher than 0.5, not 1',
  ]);
});

test('a change says how the rate jumps', () => {
  // (1 + cos(0.9 pi))/2 = 0.0245; (1 + cos(0.09 pi))/2 = 0.980; 0.980/0.0245 = 40.1
  expect(changeWords(plan, { ...plan, endStep: 10_000, totalSteps: 10_000 }, 900)).toBe(
    'the learning rate goes from 0.0245 to 0.98 at step 900 (x 40.1)',
  );
  expect(changeWords(plan, { ...plan, endStep: 950 }, 0)).toBe(
    'the learning rate is 0 from step 950 on, and the run goes on to step 1000',
  );
  expect(changeWords(plan, plan, 5)).toBe('');
});

test('the coming rate can be drawn before a control is changed', async () => {
  const setup = publishedSetup('reverse');
  const config = configOf(setup);
  const controls = controlsOf(config, await recipeNamed('reverse').open(config, 'unused'));
  const actor = { id: 'a', name: 'Ada', role: 'operator' as const };
  const view = foldAll('run001', [
    { seq: 1, attempt: 0, at: 0, event: { type: 'run.created', setup, actor, parent: null } },
    {
      seq: 2,
      attempt: 1,
      at: 0,
      event: {
        type: 'started',
        step: 0,
        device: { device: 'CPU' },
        controls: { values: controls.map((c) => c.spec), actions: [] },
        values: Object.fromEntries(controls.map((c) => [c.spec.name, c.spec.default])),
        lengths: { stepsPerEpoch: 100, totalSteps: 1000 },
        schedule: { kind: 'cosine', warmupSteps: 0 },
      },
    },
    { seq: 3, attempt: 1, at: 0, event: { type: 'series', stream: 's', columns: [{ name: 'x' }] } },
    {
      seq: 4,
      attempt: 1,
      at: 0,
      event: { type: 'rows', stream: 's', steps: { first: 899, count: 1 }, values: Float64Array.of(1) },
    },
  ]);
  const more = previewSchedule(view, { control: 'epochs', value: 100 })!;
  expect([more.steps[0], more.steps.at(-1), more.now.at(-1)]).toEqual([900, 10_000, 0]);
  const lr = config.optimizer.learningRate;
  expect([more.now[0]! / lr, more.changed[0]! / lr]).toEqual([expect.closeTo(0.0245, 4), expect.closeTo(0.9801, 4)]);
  expect(more.words).toContain('(x 40.1)');
  const higher = previewSchedule(view, { control: 'learningRate', value: 10 * lr })!;
  expect(higher.changed[0]! / higher.now[0]!).toBeCloseTo(10, 9);
  // Half the batch: twice the steps that are left.
  expect(previewSchedule(view, { control: 'batchSize', value: config.batchSize / 2 })!.steps.at(-1)).toBe(1100);
  expect(previewSchedule(view, { control: 'scheduleEnd', value: 950 })!.words).toBe(
    'the learning rate goes from 0.0000122 to 0.00000341 at step 900 (x 0.279); the learning rate is 0 from step 950 on, and the run goes on to step 1000',
  );
  expect(previewSchedule({ ...view, schedule: null }, null)).toBeNull();
});
