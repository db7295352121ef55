import { describe, expect, it, test } from 'vitest';
import type { ControlRole, ControlSpec, ControlValue } from '~/shared/controls';
import type { ScheduleKind } from '~/shared/events';
import { changeWords, type Plan, planNotes, previewSchedule, rateAt } from '~/shared/schedule';
import { configOf, publishedSetup, recipeNamed } from '~/test/support/setups';
import { foldAll } from '~/test/support/views';
import { controlsOf } from '~/trainer/run/controls';

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
  // The last of 10 updates is that of step 9: 9/20.
  const warming = (warmupSteps: number) => planNotes({ ...plan, kind: 'constant', warmupSteps, endStep: 4, totalSteps: 10 });
  expect(warming(20)).toEqual([
    'the warm-up of 20 steps is not over when the run ends at step 10: the learning rate gets no higher than 0.45, not 1',
  ]);
  expect(warming(10)).toEqual([
    'the warm-up of 10 steps is not over when the run ends at step 10: the learning rate gets no higher than 0.9, not 1',
  ]);
  expect(warming(9)).toEqual([]);
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
  // From 0 there is no factor; what was said of the plan before is not said again.
  const late = { ...plan, endStep: 400 };
  expect(changeWords(late, { ...late, base: 2 }, 400)).toBe('');
  expect(changeWords(late, { ...late, base: 2 }, 0)).toBe('the learning rate goes from 1 to 2 at step 0 (x 2)');
  expect(changeWords(late, plan, 500)).toBe('the learning rate goes from 0 to 0.5 at step 500');
  expect(changeWords(plan, { ...late, kind: 'linear' }, 500)).toBe(
    'the learning rate goes from 0.5 to 0 at step 500; the learning rate is 0 from step 400 on, and the run goes on to step 1000',
  );
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

const control = (name: string, role: ControlRole): ControlSpec => ({
  ...{ name, label: name, help: '', unit: '', type: 'number', min: 0, max: null, exclusiveMin: false, exclusiveMax: false },
  ...{ options: null, nullLabel: null, scale: 'linear', default: 1, takesEffect: 'next step', group: 'g', role },
});
const roles: ControlRole[] = ['learningRate', 'epochs', 'batchSize', 'scheduleEnd'];
/** A run at step 10 of 20 whose rate stays 2, with these values of its controls. */
const running = (values: Record<string, ControlValue> = {}) => ({
  schedule: { kind: 'constant' as const, warmupSteps: 0 },
  controls: { values: roles.map((role) => control(`my ${role}`, role)), actions: [] },
  values: Object.fromEntries(Object.entries({ learningRate: 2, ...values }).map(([role, value]) => [`my ${role}`, { value }])),
  step: 10,
  stepsPerEpoch: 5,
  totalSteps: 20,
});
const stepsOf = (view: ReturnType<typeof running>, role: ControlRole, value: ControlValue) =>
  previewSchedule(view, { control: `my ${role}`, value })!.steps;

describe('the coming rate', () => {
  it('is drawn from the step where the run is to its last, each step once when they are few, 200 of many', () => {
    const { steps, now, changed, words } = previewSchedule(running(), null)!;
    expect([[...steps], [...now], [...changed], words]).toEqual([
      Array.from({ length: 11 }, (_, i) => 10 + i),
      Array(11).fill(2),
      Array(11).fill(2),
      '',
    ]);
    const many = previewSchedule({ ...running(), totalSteps: 100_010 }, null)!.steps;
    expect([many.length, many[0], many[1], many.at(-1)]).toEqual([200, 10, 513, 100_010]);
    // At its very end, and beyond it, a run still has a curve of two steps.
    expect([...previewSchedule({ ...running(), step: 20 }, null)!.steps]).toEqual([20, 21]);
  });

  it('ends where the run ends, with the change and without it', () => {
    const view = running({ epochs: 4 });
    const longer = previewSchedule(view, { control: 'my epochs', value: 6 })!;
    // Two epochs of 5 steps more: 30 instead of 20.
    expect([longer.steps.at(-1), longer.now[10], longer.now[11], longer.changed.at(-1)]).toEqual([30, 2, 0, 2]);
    const shorter = previewSchedule(view, { control: 'my epochs', value: 3 })!;
    expect([shorter.steps.at(-1), shorter.now.at(-1), shorter.changed[5], shorter.changed[6]]).toEqual([20, 2, 2, 0]);
    expect(stepsOf(view, 'epochs', 1).at(-1)).toBe(20);
  });

  it('takes steps in proportion to the batches, and keeps its length where that cannot be computed', () => {
    const view = running({ batchSize: 8, epochs: 4 });
    expect([stepsOf(view, 'batchSize', 4).at(-1), stepsOf(view, 'batchSize', 16).at(-1)]).toEqual([30, 20]);
    const kept = (of: ReturnType<typeof running>, role: ControlRole, value: ControlValue) => {
      const { steps, changed } = previewSchedule(of, { control: `my ${role}`, value })!;
      expect([steps.at(-1), changed.at(-1)], `${role} ${value}`).toEqual([20, 2]);
    };
    for (const value of [0, -4, 'many', null]) {
      kept(view, 'batchSize', value);
      kept(view, 'epochs', value);
      kept(running({ batchSize: value }), 'batchSize', 4);
    }
    // No value of the control is known, or none that counts.
    kept(running(), 'epochs', 9);
    kept(running(), 'batchSize', 9);
    kept({ ...running({ epochs: 'four' }), schedule: { kind: 'constant', warmupSteps: 0 } }, 'learningRate', 2);
  });

  it('is not drawn without a declared rate, a number for it, or a known length', () => {
    expect(previewSchedule({ ...running(), controls: { values: [], actions: [] } }, null)).toBeNull();
    expect(previewSchedule({ ...running(), values: {} }, null)).toBeNull();
    expect(previewSchedule(running(), { control: 'my learningRate', value: 'fast' })).toBeNull();
    expect(previewSchedule(running({ learningRate: 'slow' }), { control: 'my learningRate', value: 1 })).toBeNull();
    expect(previewSchedule({ ...running(), totalSteps: 0 }, null)).toBeNull();
  });
});
