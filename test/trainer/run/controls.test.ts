import { describe, expect, it } from 'vitest';
import { controls as controlsSchema } from '~/shared/controls';
import { controlValueError } from '~/shared/controlValues';
import { ada, bob, type Draft, type FakeLearner, ofType, record, resumeFrom, Script, smallConfig } from '~/test/support/trainRun';
import type { RunConfig } from '~/trainer/base/config';
import { reverseTask } from '~/trainer/recipes/reverse';
import { controlsOf, type Settings } from '~/trainer/run/controls';
import type { Hyper } from '~/trainer/types';

const declared = (config: RunConfig) =>
  controlsOf(config, reverseTask(config.seed, config.task as Parameters<typeof reverseTask>[1]));

/** A value other than the default for every control, and where it is seen in the settings or the update. */
const others: Record<string, { value: number | string | null; seen: (h: Hyper) => unknown } | { value: number | string | null }> =
  {
    learningRate: { value: 0.25, seen: (h) => h.learningRate },
    weightDecay: { value: 0.125, seen: (h) => h.weightDecay },
    beta1: { value: 0.5, seen: (h) => h.beta1 },
    beta2: { value: 0.75, seen: (h) => h.beta2 },
    momentum: { value: 0.5, seen: (h) => h.momentum },
    clipMode: { value: 'value', seen: (h) => h.clip.mode },
    clipThreshold: { value: 0.5, seen: (h) => h.clip.threshold },
    dropout: { value: 0.25, seen: (h) => h.dropout },
    inputDropout: { value: 0.75, seen: (h) => h.inputDropout },
    batchSize: { value: 4 },
    epochs: { value: 7 },
    scheduleEnd: { value: 99 },
    evaluateEverySteps: { value: 3 },
    earlyStopPatience: { value: 2 },
    snapshotEverySteps: { value: 3 },
    snapshotDrift: { value: 0.05 },
    checkpointEverySteps: { value: 3 },
    probeExamples: { value: '0 1 2 3' },
  };

describe('the table of controls', () => {
  const constant = (c: RunConfig) => {
    c.schedule = { kind: 'constant', warmupSteps: 0, maxSteps: null };
  };

  it.each(['adam', 'sgd'] as const)(
    'with %s: a value that was given for the way on from a checkpoint holds, also the one that the run began with',
    async (kind) => {
      const config = smallConfig((c) => Object.assign(c.optimizer, { kind }));
      const settings: Settings = { config, probeExamples: null, snapshotDrift: null };
      const steered = declared(config).filter(({ path }) => path !== undefined);
      const sets = steered.map(({ spec }): [number, Draft] => [2, { control: spec.name, value: others[spec.name]!.value }]);
      const script = new Script([...sets, [3, { action: 'checkpoint' }]]);
      const whole = await record({ config, script, until: (e) => e.type === 'checkpoint' && e.step === 3 });
      const from = resumeFrom(whole, 3);
      const goneOn = async (given: string[]) => {
        const again = await record({ config, resume: { ...from, given: new Set(given) }, until: (e) => e.type === 'started' });
        const { values } = ofType(again, 'started')[0]!;
        return Object.fromEntries(steered.map(({ spec }) => [spec.name, values[spec.name]]));
      };
      const set = Object.fromEntries(steered.map(({ spec }) => [spec.name, others[spec.name]!.value]));
      expect(await goneOn([])).toEqual(set);
      for (const { spec, path, read } of steered) expect(await goneOn([path!])).toEqual({ ...set, [spec.name]: read(settings) });
    },
  );

  it('declares what is steerable, each with the value of the config as default', async () => {
    const run = await record();
    const [started] = ofType(run, 'started');
    expect(controlsSchema.safeParse(started!.controls).success).toBe(true);
    expect(started!.controls.values.map((c) => c.name)).toEqual(Object.keys(others).filter((name) => name !== 'momentum'));
    expect(started!.controls.actions.map((a) => a.name)).toEqual([
      'pause',
      'resume',
      'step',
      'stop',
      'evaluate',
      'checkpoint',
      'snapshot',
      'ablateHeads',
      'permutationCheck',
      'findMistakes',
      'cancel',
    ]);
    for (const spec of started!.controls.values) {
      expect(controlValueError(spec, spec.default)).toBeNull();
      expect(started!.values[spec.name]).toBe(spec.default);
    }
    expect(started!.values).toMatchObject({ learningRate: 5e-4, clipThreshold: 5, epochs: 3, batchSize: 8, scheduleEnd: null });
  });

  it('offers momentum in place of the betas where the optimizer is SGD', () => {
    const names = declared(smallConfig((c) => Object.assign(c.optimizer, { kind: 'sgd' }))).map((c) => c.spec.name);
    expect(names).toContain('momentum');
    expect(names).not.toContain('beta1');
  });

  it.each(Object.keys(others))('reads and writes %s in its own place only', (name) => {
    const config = smallConfig((c) => Object.assign(c.optimizer, { kind: name === 'momentum' ? 'sgd' : 'adam' }));
    const table = declared(config);
    const settings: Settings = { config: structuredClone(config), probeExamples: null, snapshotDrift: null };
    const before = Object.fromEntries(table.map((c) => [c.spec.name, c.read(settings)]));
    const { value } = others[name]!;
    table.find((c) => c.spec.name === name)!.write(settings, value);
    expect(Object.fromEntries(table.map((c) => [c.spec.name, c.read(settings)]))).toEqual({ ...before, [name]: value });
  });

  it.each(Object.entries(others).flatMap(([name, o]) => ('seen' in o ? [[name, o] as const] : [])))(
    'a new %s is used by the update of the step at which it was applied, not before',
    async (name, { value, seen }) => {
      const config = smallConfig((c) => {
        constant(c);
        c.optimizer.kind = name === 'momentum' ? 'sgd' : 'adam';
      });
      const run = await record({ config, script: new Script([[4, { control: name, value }]]) });
      const used = (run.learner as FakeLearner).calls.map((c) => seen(c.hyper));
      expect(new Set(used.slice(0, 4)).size).toBe(1);
      expect(used[3]).not.toBe(value);
      expect(used.slice(4)).toEqual(Array(11).fill(value));
      expect(ofType(run, 'command.applied')).toMatchObject([{ step: 4, before: used[0], after: value }]);
    },
  );

  it('cadences take effect from the step at which they were applied', async () => {
    const run = await record({
      script: new Script([
        [5, { control: 'snapshotEverySteps', value: 3 }],
        [5, { control: 'checkpointEverySteps', value: 6 }],
        [5, { control: 'evaluateEverySteps', value: 7 }],
      ]),
    });
    expect(ofType(run, 'snapshot').map((s) => s.step)).toEqual([0, 4, 6, 9, 12, 15]);
    expect(ofType(run, 'checkpoint').map((s) => [s.step, s.trigger])).toEqual([
      [0, 'start'],
      [5, 'best'],
      [6, 'cadence'],
      [12, 'cadence'],
      [15, 'end'],
    ]);
    expect(ofType(run, 'evaluation').map((e) => [e.step, e.trigger])).toEqual([
      [5, 'epoch'],
      [7, 'cadence'],
      [14, 'cadence'],
      [15, 'end'],
      [15, 'end'],
      [15, 'end'],
    ]);
  });
});

describe('a command that does not fit', () => {
  const answers = async (...drafts: Draft[]) => {
    const run = await record({ script: new Script(drafts.map((draft) => [3, draft] as const)) });
    return run.events.flatMap((e): (string | string[])[] =>
      e.type === 'command.refused' ? [[e.reason, e.message]] : e.type === 'command.applied' ? ['applied'] : [],
    );
  };

  it.each<[Draft, string, string]>([
    [{ control: 'learningRate', value: 0 }, 'invalid', 'learningRate: 0 does not fit; give a number > 0'],
    [{ control: 'learningRate', value: 'fast' }, 'invalid', 'learningRate: "fast" does not fit; give a number > 0'],
    [{ control: 'learningRate', value: Number.NaN }, 'invalid', 'learningRate: null does not fit; give a number > 0'],
    [{ control: 'clipMode', value: 'none' }, 'invalid', 'clipMode: "none" does not fit; give one of norm, value, off'],
    [{ control: 'dropout', value: 1 }, 'invalid', 'dropout: 1 does not fit; give a number >= 0 and < 1'],
    [{ control: 'batchSize', value: 41 }, 'invalid', 'batchSize: 41 does not fit; give an integer >= 1 and <= 40'],
    [{ control: 'batchSize', value: 2.5 }, 'invalid', 'batchSize: 2.5 does not fit; give an integer >= 1 and <= 40'],
    [
      { control: 'scheduleEnd', value: 3 },
      'invalid',
      "scheduleEnd: 3 does not fit, step 3 is reached; give a later step or null (the run's last step)",
    ],
    [{ action: 'evaluate', args: { split: 'all' } }, 'invalid', 'split: "all" does not fit; give one of train, validation, test'],
    [{ action: 'step', args: { count: 0 } }, 'invalid', 'count: 0 does not fit; give an integer >= 1 and <= 1000000'],
    [{ action: 'pause', args: { now: true } }, 'invalid', 'pause takes no arguments, not "now"'],
    [{ action: 'evaluate', args: { set: 'test' } }, 'invalid', 'evaluate takes split, not "set"'],
    [
      { action: 'dance' },
      'unknown-control',
      'there is no action "dance"; this run has pause, resume, step, stop, evaluate, checkpoint, snapshot, ablateHeads, permutationCheck, findMistakes, cancel',
    ],
    [
      { control: 'momentum', value: 0.5 },
      'unknown-control',
      'there is no control "momentum"; this run has learningRate, weightDecay, beta1, beta2, clipMode, clipThreshold, dropout, inputDropout, ' +
        'batchSize, epochs, scheduleEnd, evaluateEverySteps, earlyStopPatience, snapshotEverySteps, snapshotDrift, checkpointEverySteps, probeExamples',
    ],
  ])('%j is refused with the field and the fix', async (draft, reason, message) => {
    expect(await answers(draft)).toEqual([[reason, message]]);
  });

  it('is a conflict when somebody changed the value since the sender saw it, and says who and when', async () => {
    expect(
      await answers(
        { control: 'learningRate', value: 0.01, expected: 5e-4, by: ada },
        { control: 'learningRate', value: 0.02, expected: 5e-4, by: bob },
        { control: 'learningRate', value: 0.02, expected: 0.01, by: bob },
        { control: 'dropout', value: 0.5, expected: 0.1, by: bob },
      ),
    ).toEqual([
      'applied',
      ['conflict', 'learningRate: changed by Ada at step 3: it is 0.01, not 0.0005 as you saw; look again and resend'],
      'applied',
      ['conflict', 'dropout: it is 0, not 0.1 as you saw; look again and resend'],
    ]);
  });
});
