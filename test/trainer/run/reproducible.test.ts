/** Same config, seed and command log = the same numbers, bit for bit: resumed, re-run, branched, evaluated in between. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LoggedCommand } from '~/shared/commands';
import { lastStepOf } from '~/shared/rows';
import { openForTest, testedBackends } from '~/test/support/backends';
import {
  type Draft,
  logged,
  numbers,
  ofType,
  type Recording,
  record,
  replayOf,
  resumeFrom,
  Script,
  smallConfig,
  story,
} from '~/test/support/trainRun';
import type { RunConfig } from '~/trainer/base/config';
import { createLearner } from '~/trainer/nn/learner';

type Entry = { at: number; logged: LoggedCommand };
const entriesOf = (drafts: (readonly [number, Draft])[]): Entry[] =>
  drafts.map(([at, d], i) => ({ at, logged: logged(i + 1, d) }));

/** What the trainer that takes over would be sent, had the run's trainer died after `events` of its events were committed. */
function takeover(whole: Recording, entries: Entry[], events: number) {
  const committed: Recording = { ...whole, events: whole.events.slice(0, events) };
  const checkpoint = ofType(committed, 'checkpoint').at(-1)!;
  const answered = new Set([...ofType(committed, 'command.applied'), ...ofType(committed, 'command.refused')].map((e) => e.seq));
  // As server/runs/room.ts picks them.
  const replay = ofType(committed, 'command.applied')
    .filter(
      (e) =>
        e.seq > checkpoint.lastCommandSeq ||
        e.step > checkpoint.step ||
        (e.step === checkpoint.step && committed.events.indexOf(e) > committed.events.indexOf(checkpoint)),
    )
    .map((e) => ({ logged: entries[e.seq - 1]!.logged, step: e.step }));
  return {
    checkpoint,
    resume: resumeFrom(committed, checkpoint.step, replay),
    script: Script.of(entries.filter((e) => !answered.has(e.logged.seq))),
  };
}

/** All that a run comes to after a checkpoint's place in its log: rows, results, snapshots, checkpoints, end. */
function rest(recording: Recording, fromStep: number, afterEvent: number) {
  const kinds = ['evaluation', 'snapshot', 'checkpoint', 'alert'];
  const reported = { ...recording, events: recording.events.slice(afterEvent + 1) };
  return {
    rows: numbers(recording, fromStep),
    reported: story(reported).filter((e) => kinds.includes(e.type)),
    end: recording.events.at(-1),
  };
}

const draft = fc.oneof(
  fc.constantFrom<Draft>(
    { action: 'evaluate', args: { split: 'validation' } },
    { action: 'evaluate', args: { split: 'train' } },
    { action: 'snapshot' },
    { action: 'checkpoint' },
    { control: 'probeExamples', value: '0 1 2 3' },
    { control: 'probeExamples', value: null },
    { control: 'batchSize', value: 10 },
    { control: 'batchSize', value: 5 },
    { control: 'epochs', value: 4 },
    { control: 'epochs', value: 2 },
    { control: 'earlyStopPatience', value: 1 },
    { control: 'evaluateEverySteps', value: 3 },
    { control: 'learningRate', value: 0.02, expected: 0.01 },
    { control: 'dropout', value: 7 },
    { control: 'beta1', value: 0.5, when: { kind: 'series', name: 'epoch', comparison: '>', value: 1 } },
    { action: 'snapshot', when: { kind: 'step', step: 9 } },
    { action: 'evaluate', when: { kind: 'evaluation', split: 'validation', metric: 'loss', comparison: '<', value: 2 } },
    { control: 'weightDecay', value: 0.01, when: { kind: 'step', step: 11 } },
    { action: 'cancel', args: { commandId: 'command-2' } },
  ),
  fc.constantFrom(0.01, 0.05).map((value): Draft => ({ control: 'learningRate', value })),
);
/** A pause is always followed by a way out at the same step, or the run would wait for ever. */
const group = fc.oneof(
  { weight: 4, arbitrary: draft.map((d): Draft[] => [d]) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(draft, fc.integer({ min: 1, max: 3 }))
      .map(([d, n]): Draft[] => [{ action: 'pause' }, d, { action: 'step', args: { count: n } }, { action: 'resume' }]),
  },
);
const scripts = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 14 }), group), { maxLength: 10 })
  .map((groups) => groups.sort((a, b) => a[0] - b[0]).flatMap(([at, drafts]) => drafts.map((d) => [at, d] as const)));

describe('with a learner of simple arithmetic', () => {
  const config = smallConfig((c) => {
    c.checkpointEverySteps = 4;
  });

  it('a run whose trainer dies anywhere ends as if it had not', async () => {
    await fc.assert(
      fc.asyncProperty(scripts, fc.double({ min: 0, max: 1, noNaN: true }), async (drafts, where) => {
        const entries = entriesOf(drafts);
        const options = { config, runId: 'run000', hooks: { accuracy: (step: number) => ((step * 7) % 11) / 11 } };
        const whole = await record({ ...options, script: Script.of(entries) });
        expect(whole.events.at(-1)).toMatchObject({ type: 'status', status: 'finished' });
        const first = whole.events.findIndex((e) => e.type === 'checkpoint');
        const died = first + 1 + Math.floor(where * (whole.events.length - first - 1));
        const { checkpoint, resume, script } = takeover(whole, entries, died);
        const second = await record({ ...options, resume, script });
        const started = second.events.findIndex((e) => e.type === 'status');
        expect(rest(second, checkpoint.step, started)).toEqual(rest(whole, checkpoint.step, whole.events.indexOf(checkpoint)));
      }),
      { seed: 20_240_502, numRuns: 150 },
    );
  });

  it('a log that is run again gives the same log', async () => {
    await fc.assert(
      fc.asyncProperty(scripts, async (drafts) => {
        const entries = entriesOf(drafts);
        const whole = await record({ config, script: Script.of(entries) });
        const replay = replayOf(
          whole,
          entries.map((e) => e.logged),
          0,
        );
        const again = await record({ config, resume: { checkpoint: null, step: 0, replay } });
        expect(numbers(again)).toEqual(numbers(whole));
        const results = (r: Recording) => story(r).filter((e) => ['evaluation', 'snapshot', 'command.applied'].includes(e.type));
        expect(results(again)).toEqual(results(whole));
      }),
      { seed: 20_240_503, numRuns: 60 },
    );
  });

  it('a pause that was never ended in the record is still a pause; one that was is not waited in', async () => {
    const script = new Script([[6, { action: 'pause' }]]);
    const whole = await record({ config, runId: 'run000', script });
    const pause = [logged(1, { action: 'pause' })];
    const resume = resumeFrom(whole, 4, replayOf(whole, pause, 0));
    const second = await record({ config, runId: 'run000', resume });
    expect(ofType(second, 'status').map((s) => `${s.status} ${s.step}`)).toEqual(['running 4', 'paused 6']);
    const third = await record({
      config,
      runId: 'run000',
      resume: { ...resume, replay: [...resume.replay, { logged: logged(2, { action: 'resume' }), step: 6 }] },
    });
    expect(ofType(third, 'status').map((s) => `${s.status} ${s.step}`)).toEqual([
      'running 4',
      'paused 6',
      'running 6',
      'finished 15',
    ]);
  });

  it('a run that had ended says so again and trains no more', async () => {
    const whole = await record({ config, runId: 'run000' });
    const again = await record({ config, runId: 'run000', resume: resumeFrom(whole, 15) });
    expect(again.events.map((e) => e.type)).toEqual(['started', 'status']);
    expect(again.events.at(-1)).toEqual(whole.events.at(-1));
  });

  it('a branch goes on by its own config where that differs, by what was steered elsewhere', async () => {
    const script = () =>
      new Script([
        [1, { control: 'learningRate', value: 0.05 }],
        [2, { control: 'clipThreshold', value: 2 }],
        [6, { action: 'pause' }],
        [6, { action: 'checkpoint' }],
        [6, { action: 'resume' }],
      ]);
    const parent = await record({ config, runId: 'run000', script: script() });
    const same = await record({ config, runId: 'run001', resume: resumeFrom(parent, 6) });
    expect(numbers(same, 6)).toEqual(numbers(parent, 6));
    const other = structuredClone(config);
    other.optimizer.learningRate = 0.125;
    const changed = await record({ config: other, runId: 'run002', resume: resumeFrom(parent, 6) });
    expect(ofType(changed, 'started')[0]!.values).toMatchObject({ learningRate: 0.125, clipThreshold: 2 });
    expect(ofType(changed, 'status')[0]).toMatchObject({ status: 'running', step: 6 });
    expect(numbers(changed, 6)).not.toEqual(numbers(parent, 6));
  });
});

/** Small enough for every backend, with everything random in it: dropout, shuffling, a learned embedding. */
const realConfig = (change: (c: RunConfig) => void = () => {}) =>
  smallConfig((c) => {
    Object.assign(c.task, { embedding: 'learned', trainSize: 600, validationSize: 100, testSize: 100 });
    Object.assign(c.model, { modelDim: 16, heads: 2, dropout: 0.1, inputDropout: 0.1 });
    Object.assign(c, { epochs: 1, snapshotEverySteps: 10, checkpointEverySteps: 20, evaluateEverySteps: 25 });
    c.optimizer.learningRate = 5e-3;
    change(c);
  });

describe.each(testedBackends.filter((name) => name !== 'cpu'))('on %s', async (name) => {
  const backend = await openForTest(name);
  const when = backend ? it : it.skip;
  const entries = entriesOf([
    [5, { control: 'clipMode', value: 'value' }],
    [12, { control: 'learningRate', value: 2e-3 }],
    [33, { control: 'clipThreshold', value: 0.05 }],
    [47, { control: 'dropout', value: 0.2 }],
    [52, { control: 'batchSize', value: 6 }],
  ]);
  const options = async () => ({ backend: (await openForTest(name))!, createLearner, runId: 'run000', config: realConfig() });
  /** The uninterrupted run, trained once. */
  let whole: Promise<Recording> | null = null;
  const uninterrupted = () => {
    whole ??= options().then((o) => record({ ...o, script: Script.of(entries) }));
    return whole;
  };

  when('a run resumed from its checkpoints ends as the uninterrupted one', async () => {
    const run = await uninterrupted();
    expect(run.rows.length).toBeGreaterThan(75);
    for (const step of [0, 40]) {
      // Died a while after the checkpoint, where some commands had been answered since.
      const died = run.events.findIndex((e) => e.type === 'rows' && lastStepOf(e) + 1 >= step + 18);
      const { checkpoint, resume, script } = takeover(run, entries, died);
      expect(resume.replay.length).toBeGreaterThan(0);
      const second = await record({ ...(await options()), resume, script });
      expect(rest(second, checkpoint.step, 1)).toEqual(rest(run, checkpoint.step, run.events.indexOf(checkpoint)));
    }
  });

  when('evaluations and a snapshot in mid-run leave no trace in the steps that follow', async () => {
    const asked: Entry[] = [
      [8, { action: 'evaluate', args: { split: 'train' } }] as const,
      [9, { action: 'evaluate', args: { split: 'validation' } }] as const,
      [9, { action: 'evaluate', args: { split: 'test' } }] as const,
      [14, { action: 'snapshot' }] as const,
    ].map(([at, d], i) => ({ at, logged: logged(100 + i, d) }));
    const script = Script.of([...entries, ...asked].sort((a, b) => a.at - b.at));
    const run = await record({ ...(await options()), script });
    expect(ofType(run, 'evaluation').filter((e) => e.trigger === 'command')).toHaveLength(3);
    expect(numbers(run)).toEqual(numbers(await uninterrupted()));
    expect(run.events.at(-1)).toEqual((await uninterrupted()).events.at(-1));
  });

  when('a log that is run again, and a branch without a change, give the same numbers', async () => {
    const run = await uninterrupted();
    const replay = replayOf(
      run,
      entries.map((e) => e.logged),
      0,
    );
    const again = await record({ ...(await options()), resume: { checkpoint: null, step: 0, replay } });
    expect(numbers(again)).toEqual(numbers(run));
    const sinceThen = replay.filter((r) => r.step >= 20);
    const branch = await record({ ...(await options()), runId: 'run001', resume: resumeFrom(run, 20, sinceThen) });
    expect(numbers(branch, 20).length).toBeGreaterThanOrEqual(50);
    expect(numbers(branch, 20)).toEqual(numbers(run, 20));
  });
});
