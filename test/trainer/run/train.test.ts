import { describe, expect, it } from 'vitest';
import { metricWithRole } from '~/shared/evaluations';
import { rowCount } from '~/shared/rows';
import { recipeNamed } from '~/test/support/setups';
import {
  column,
  type FakeLearner,
  logged,
  ofType,
  type Recording,
  record,
  Script,
  smallConfig,
  story,
} from '~/test/support/trainRun';
import type { Derived, StepMetrics } from '~/trainer/types';

/** Types in order, step rows left out. */
const types = (recording: Recording) =>
  recording.events.filter((e) => e.type !== 'rows').map((e) => `${e.type} ${(e as { step: number }).step}`);

describe('the loop', () => {
  it('tells a whole run in order: start, rows, epochs, snapshots at their cadence, the end, the last checkpoint, finished', async () => {
    const run = await record({ hooks: { accuracy: (step) => step / 100 } });
    expect(types(run)).toEqual([
      'started 0',
      'status 0',
      'snapshot 0',
      'checkpoint 0',
      'snapshot 4',
      'evaluation 5',
      'checkpoint 5', // best so far
      'snapshot 8',
      'evaluation 10',
      'checkpoint 10',
      'snapshot 12',
      'evaluation 15',
      'snapshot 15', // last
      'evaluation 15', // validation and test with the best parameters
      'evaluation 15',
      'checkpoint 15',
      'status 15',
    ]);
    expect(run.rows).toHaveLength(15);
    expect(ofType(run, 'status').map((s) => [s.status, s.message])).toEqual([
      ['running', 'training on cpu'],
      ['finished', '3 epochs done: validation 15.00 %, test 15.00 % (parameters of step 15)'],
    ]);
    expect((run.learner as FakeLearner).disposed).toBe(true);
  });

  it('hands rows on before anything that came after them', async () => {
    const run = await record();
    let rows = 0;
    for (const event of run.events) {
      if (event.type === 'rows') rows += rowCount(event);
      else if ('step' in event && event.step !== null) expect(event.step).toBe(rows);
    }
    expect(rows).toBe(15);
  });

  it('draws every epoch in its own order, each example once, and leaves out the rest smaller than a batch', async () => {
    const config = smallConfig((c) => {
      c.batchSize = 12;
      c.epochs = 2;
    });
    const run = await record({ config });
    // 40 / 12 = 3 batches an epoch
    expect(run.rows).toHaveLength(6);
    expect(column(run, 'epoch')).toEqual([0, 0.3, 0.6, 1, 1.3, 1.6]);
    const inputs = (run.learner as FakeLearner).calls.map((c) => [...c.batch.inputs].join(''));
    expect(new Set(inputs).size).toBe(6);
  });

  it('keeps the parameters of the best validation and tests those', async () => {
    // Validations after steps 5, 10 and 15; the first of equals stays the best.
    const accuracy = (step: number) => ({ 5: 0.5, 10: 0.75, 15: 0.75 })[step] ?? 0;
    const run = await record({ hooks: { accuracy } });
    expect(
      ofType(run, 'evaluation').map((e) => [e.step, e.split, e.trigger, metricWithRole(e, 'accuracy')?.value, e.parametersStep]),
    ).toEqual([
      [5, 'validation', 'epoch', 0.5, 5],
      [10, 'validation', 'epoch', 0.75, 10],
      [15, 'validation', 'epoch', 0.75, 15],
      [15, 'validation', 'end', 0.75, 10],
      [15, 'test', 'end', 0.75, 10],
    ]);
    expect(ofType(run, 'checkpoint').map((c) => [c.step, c.trigger, c.main?.metric.value])).toEqual([
      [0, 'start', undefined],
      [5, 'best', 0.5],
      [10, 'best', 0.75],
      [15, 'end', 0.75],
    ]);
    // The last state, not the best, is what the run ended with.
    expect((await run.learner.state()).params[9]).toBe(15);
    expect(ofType(run, 'status').at(-1)!.message).toBe('3 epochs done: validation 75.00 %, test 75.00 % (parameters of step 10)');
  });

  it('stops early after as many validations without a new best as the patience says', async () => {
    const config = smallConfig((c) => {
      c.epochs = 50;
      c.earlyStopPatience = 2;
    });
    const run = await record({ config, hooks: { accuracy: (step) => (step === 10 ? 0.9 : 0.4) } });
    // Best at 10, none at 15 and 20.
    expect(run.rows).toHaveLength(20);
    expect(ofType(run, 'status').at(-1)).toEqual({
      type: 'status',
      status: 'finished',
      step: 20,
      message:
        'early stop: 2 validations without a better accuracy since step 10: validation 90.00 %, test 90.00 % (parameters of step 10)',
    });
  });

  it('goes by the metric that the recipe declares as its main one, in its direction', async () => {
    const reverse = recipeNamed('reverse');
    const perplexity = { name: 'perplexity', unit: '', group: '', better: 'lower', of: ({ loss }) => Math.exp(loss) } as Derived;
    const open = async (...given: Parameters<typeof reverse.open>) => ({
      ...(await reverse.open(...given)),
      derived: [perplexity],
      mainMetric: 'perplexity',
    });
    const config = smallConfig((c) => {
      c.epochs = 50;
      c.earlyStopPatience = 2;
    });
    // The best perplexity is at 10, the best accuracy at 15. e^0 = 1.
    const hooks = { loss: (step: number) => (step === 10 ? 0 : 1), accuracy: (step: number) => step / 100 };
    const run = await record({ config, hooks, recipe: { ...reverse, open } });
    expect(ofType(run, 'status').at(-1)!.message).toBe(
      'early stop: 2 validations without a better perplexity since step 10: validation perplexity 1.000, test perplexity 1.000 (parameters of step 10)',
    );
    expect(ofType(run, 'checkpoint').map((c) => [c.step, c.trigger, c.main?.metric])).toEqual([
      [0, 'start', undefined],
      [5, 'best', { name: 'perplexity', value: Math.E, better: 'lower', main: true }],
      [10, 'best', { name: 'perplexity', value: 1, better: 'lower', main: true }],
      [20, 'end', { name: 'perplexity', value: Math.E, better: 'lower', main: true }],
    ]);
    const other = async (...given: Parameters<typeof reverse.open>) => ({
      ...(await reverse.open(...given)),
      mainMetric: 'bleu',
    });
    expect((await record({ recipe: { ...reverse, open: other } })).events).toMatchObject([
      { type: 'status', status: 'failed', message: 'mainMetric: there is no metric "bleu"; there are loss, accuracy' },
    ]);
  });

  it('a patience that is lowered below what has passed already ends the run at the next validation', async () => {
    const config = smallConfig((c) => {
      c.epochs = 50;
    });
    const script = new Script([[12, { control: 'earlyStopPatience', value: 1 }]]);
    const run = await record({ config, script, hooks: { accuracy: (step) => (step === 5 ? 0.9 : 0.4) } });
    // Validations at 5 (best), 10 and 15.
    expect(ofType(run, 'status').at(-1)).toMatchObject({ status: 'finished', step: 15 });
  });

  it('validates every so many steps where the config says so, and the last parameters in any case', async () => {
    const config = smallConfig((c) => {
      c.evaluateEverySteps = 6;
    });
    const run = await record({ config, hooks: { accuracy: (step) => step / 100 } });
    expect(ofType(run, 'evaluation').map((e) => [e.step, e.split, e.trigger, e.parametersStep])).toEqual([
      [6, 'validation', 'cadence', 6],
      [12, 'validation', 'cadence', 12],
      [15, 'validation', 'end', 15],
      [15, 'validation', 'end', 15],
      [15, 'test', 'end', 15],
    ]);
  });

  it('follows the schedule to the last step of the run, or to the end that was set', async () => {
    const config = smallConfig((c) => {
      c.schedule = { kind: 'linear', warmupSteps: 0, maxSteps: null };
      c.optimizer.learningRate = 0.15;
    });
    const linear = (end: number) => Array.from({ length: 15 }, (_, step) => 0.15 * (1 - step / end));
    expect(column(await record({ config }), 'learningRate')).toEqual(linear(15));
    config.schedule.maxSteps = 30;
    expect(column(await record({ config }), 'learningRate')).toEqual(linear(30));
  });

  it('raises an alert when a loss or gradient is no number, and pauses before the update after the next', async () => {
    const hooks = {
      metrics: (step: number, m: StepMetrics) =>
        step >= 6
          ? { ...m, loss: Number.NaN, gradNorm: Number.POSITIVE_INFINITY, paramGradNorms: Float32Array.of(1, Number.NaN) }
          : m,
    };
    const run = await record({ hooks });
    // Nobody goes on: the source closes while the run is paused.
    expect(run.rows).toHaveLength(7);
    const message = 'loss is NaN, gradient norm is Infinity, first in b.bias at step 6';
    expect(ofType(run, 'alert')).toEqual([{ type: 'alert', step: 6, level: 'error', kind: 'not-finite', message }]);
    expect(ofType(run, 'status').at(-1)).toEqual({
      type: 'status',
      status: 'paused',
      step: 7,
      message: `${message}; take the run back to a checkpoint, branch from one, or stop`,
    });
    // Whoever resumes has seen it: no second alert for the same trouble.
    const resumed = await record({ hooks, script: new Script([[7, { action: 'resume' }]]) });
    expect(resumed.rows).toHaveLength(15);
    expect(ofType(resumed, 'alert')).toHaveLength(1);
    expect(resumed.rows[6]![resumed.columns.indexOf('loss')]).toBeNaN();
  });

  it('tells a crash in a step to everyone, with the step, and ends', async () => {
    const hooks = {
      metrics: (step: number) => {
        if (step === 3) throw new Error('out of memory');
        return { loss: 1, accuracy: 0, gradNorm: 1, clipped: false, paramGradNorms: Float32Array.of(1, 1) };
      },
    };
    const run = await record({ hooks });
    expect(run.rows).toHaveLength(3);
    expect(run.events.at(-1)).toEqual({ type: 'status', status: 'failed', step: 3, message: 'step 3: out of memory' });
    expect((run.learner as FakeLearner).disposed).toBe(true);
  });

  it('lets go of the learner when the consumer leaves in mid-run', async () => {
    const run = await record({ until: (event) => event.type === 'evaluation' });
    expect((run.learner as FakeLearner).disposed).toBe(true);
    expect(run.rows).toHaveLength(5);
  });

  it('tells an impossible start as a failed run', async () => {
    const startFrom = 'a'.repeat(64);
    const run = await record({ config: smallConfig((c) => Object.assign(c, { startFrom })) });
    expect(run.events).toEqual([
      { type: 'status', status: 'failed', step: 0, message: `startFrom: the file ${startFrom} was not found` },
    ]);
  });

  it('lets messages of the process arrive between any two steps, though no step waits', async () => {
    let turns = 0;
    let watching = true;
    const tick = () => {
      turns++;
      if (watching) setImmediate(tick);
    };
    tick();
    const run = await record();
    watching = false;
    expect(turns).toBeGreaterThan(run.rows.length);
  });

  it('says the same when it is told again', async () => {
    expect(story(await record())).toEqual(story(await record()));
  });
});

describe('the schedule', () => {
  it('says before the first step what of it people might not expect', async () => {
    const config = smallConfig((c) => {
      c.schedule = { kind: 'cosine', warmupSteps: 20, maxSteps: 8 };
    });
    const run = await record({ config });
    const step = 0;
    expect(ofType(run, 'alert')).toMatchObject([
      {
        step,
        kind: 'schedule',
        message: expect.stringContaining('the warm-up of 20 steps is not over when the run ends at step 15'),
      },
      { step, kind: 'schedule', message: 'the learning rate is 0 from step 8 on, and the run goes on to step 15' },
    ]);
    expect(column(run, 'learningRate').slice(8)).toEqual(Array(7).fill(0));
    expect(ofType(run, 'started')[0]!.schedule).toEqual({ kind: 'cosine', warmupSteps: 20 });
  });

  it('that a longer run lifts is told with the change', async () => {
    const config = smallConfig((c) => {
      c.schedule = { kind: 'linear', warmupSteps: 0, maxSteps: null };
    });
    const run = await record({ config, script: new Script([[12, { control: 'epochs', value: 12 }]]) });
    // 5e-4 (1 - 12/15) = 1e-4, then 5e-4 (1 - 12/60) = 4e-4.
    expect(ofType(run, 'command.applied').map((e) => e.message)).toEqual([
      'Epochs: 3 -> 12 from step 12; the learning rate goes from 0.0001 to 0.0004 at step 12 (x 4)',
    ]);
    expect(column(run, 'learningRate')[12]).toBeCloseTo(4e-4, 12);
  });
});

describe('commands', () => {
  it('handles each once, however often it is sent', async () => {
    const rate = logged(3, { control: 'learningRate', value: 0.01 });
    const again = { ...rate, command: { ...rate.command, value: 0.02 } } as typeof rate;
    const run = await record({ script: Script.of([rate, rate, again].map((l, i) => ({ at: 2 + i, logged: l }))) });
    expect(ofType(run, 'command.applied').map((e) => [e.seq, e.step, e.before, e.after])).toEqual([[3, 2, 5e-4, 0.01]]);
  });

  it('answers while paused, and what was set then holds from the first step after resume', async () => {
    const run = await record({
      script: new Script([
        [4, { action: 'pause' }],
        [4, { control: 'learningRate', value: 0.02, expected: 5e-4 }],
        [4, { control: 'clipThreshold', value: 1.5 }],
        [4, { action: 'evaluate', args: { split: 'train' } }],
        [4, { action: 'snapshot' }],
        [4, { action: 'checkpoint' }],
        [4, { action: 'resume' }],
      ]),
    });
    const reported = story(run).filter((e) => 'step' in e && e.step === 4 && e.type !== 'started');
    expect(reported.map((e) => (e.type === 'command.applied' ? `${e.commandId} ${e.before} ${e.after}` : e.type))).toEqual([
      'snapshot', // cadence
      'command-1 running paused',
      'status',
      'command-2 0.0005 0.02',
      'command-3 5 1.5',
      'command-4 null null',
      'command-5 null null',
      'snapshot',
      'command-6 null null',
      'checkpoint',
      'command-7 paused running',
      'status',
      'evaluation', // finished before the next update
    ]);
    expect(ofType(run, 'evaluation')[0]).toMatchObject({
      step: 4,
      split: 'train',
      examples: 40,
      trigger: 'command',
      commandId: 'command-4',
    });
    expect(column(run, 'baseLearningRate')).toEqual([...Array(4).fill(5e-4), ...Array(11).fill(0.02)]);
    expect(column(run, 'clipThreshold')).toEqual([...Array(4).fill(5), ...Array(11).fill(1.5)]);
    expect(run.rows).toHaveLength(15);
  });

  it('does so many steps and pauses again; steps asked for at once add up', async () => {
    const run = await record({
      script: new Script([
        [2, { action: 'pause' }],
        [2, { action: 'step', args: { count: 2 } }],
        [2, { action: 'step' }],
        [5, { action: 'step' }],
        [6, { action: 'stop' }],
      ]),
    });
    expect(ofType(run, 'status').map((s) => `${s.status} ${s.step}: ${s.message}`)).toEqual([
      'running 0: training on cpu',
      'paused 2: paused by Ada',
      'running 2: 2 steps for Ada, then paused again',
      'running 2: 3 steps for Ada, then paused again',
      'paused 5: paused at step 5',
      'running 5: 1 step for Ada, then paused again',
      'paused 6: paused at step 6',
      'stopped 6: stopped by Ada at step 6',
    ]);
    expect(run.events.slice(-2).map((e) => e.type)).toEqual(['checkpoint', 'status']);
  });

  it('refuses what is not possible now with a sentence that names the way out', async () => {
    const run = await record({
      script: new Script([
        [1, { action: 'resume' }],
        [1, { action: 'step' }],
        [1, { action: 'pause' }],
        [1, { action: 'pause' }],
        [1, { action: 'cancel', args: { commandId: 'nothing-of-that-id' } }],
        [1, { action: 'stop' }],
        [1, { action: 'pause' }],
      ]),
    });
    expect(ofType(run, 'command.refused').map((e) => [e.commandId, e.reason, e.message])).toEqual([
      ['command-1', 'state', 'resume: the run is not paused'],
      ['command-2', 'state', 'step: the run is not paused; pause it first'],
      ['command-4', 'state', 'pause: the run is already paused at step 1; resume it or let it step'],
      ['command-5', 'state', 'cancel: no waiting command has the id "nothing-of-that-id"'],
      ['command-7', 'run-ended', 'the run has ended'],
    ]);
  });

  it('one that fails is told as an alert, and the run goes on', async () => {
    let attended = 0;
    const onAttend = () => {
      if (++attended === 2) throw new Error('out of memory');
    };
    const run = await record({ hooks: { onAttend }, script: new Script([[2, { action: 'snapshot' }]]) });
    const message = 'command-1: snapshot of step 2: out of memory';
    expect(ofType(run, 'alert')).toEqual([{ type: 'alert', step: 2, level: 'error', kind: 'command-failed', message }]);
    expect(run.rows).toHaveLength(15);
  });

  it('hears commands between the batches of an evaluation', async () => {
    // 300 test examples are three batches.
    const config = smallConfig((c) => Object.assign(c.task, { testSize: 300 }));
    let batches = 0;
    const script = new Script([
      [1, { action: 'pause' }],
      [1, { action: 'evaluate' }],
      [1, { control: 'dropout', value: 0.5 }],
      [1, { action: 'stop' }],
    ]);
    const take = script.take.bind(script);
    const heardAfter: number[] = [];
    script.take = () => {
      const commands = take(1);
      if (commands.length > 0) heardAfter.push(batches);
      return commands;
    };
    const run = await record({ config, script, hooks: { onEvaluate: () => batches++ } });
    expect(heardAfter).toEqual([0, 0, 1, 2]); // batches done
    // What was asked for is finished before the run ends.
    expect(ofType(run, 'evaluation').map((e) => [e.split, e.examples, e.commandId])).toEqual([['test', 300, 'command-2']]);
    expect(run.events.at(-1)).toMatchObject({ status: 'stopped' });
  });

  it('changes the batch size in mid-epoch: the position goes on, the length of the run is told anew', async () => {
    const run = await record({ script: new Script([[2, { control: 'batchSize', value: 10 }]]) });
    // Epoch 0: 8 + 8 of 40 used, 2 more batches of 10 fit; epochs 1 and 2: 4 each.
    expect(run.rows).toHaveLength(12);
    expect(column(run, 'batchSize')).toEqual([8, 8, ...Array(10).fill(10)]);
    expect(column(run, 'epoch')).toEqual([0, 0.2, 0.4, 0.65, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75]);
    expect(
      ofType(run, 'started').map((e) => [e.step, e.lengths?.totalSteps, e.lengths?.stepsPerEpoch, e.values.batchSize]),
    ).toEqual([
      [0, 15, 5, 8],
      [2, 12, 4, 10],
    ]);
  });

  it('ends an epoch at once when no batch of the new size is left of it', async () => {
    const run = await record({ script: new Script([[3, { control: 'batchSize', value: 40 }]]) });
    expect(column(run, 'epoch')).toEqual([0, 0.2, 0.4, 1, 2]);
    expect(ofType(run, 'evaluation').map((e) => [e.step, e.trigger])).toEqual([
      [3, 'epoch'],
      [4, 'epoch'],
      [5, 'epoch'],
      [5, 'end'],
      [5, 'end'],
    ]);
  });

  it('makes a run longer or shorter, and its schedule with it', async () => {
    const longer = await record({ script: new Script([[15, { control: 'epochs', value: 4 }]]) });
    expect(longer.rows).toHaveLength(20);
    const shorter = await record({ script: new Script([[7, { control: 'epochs', value: 2 }]]) });
    expect(shorter.rows).toHaveLength(10);
    const refused = await record({ script: new Script([[7, { control: 'epochs', value: 1 }]]) });
    expect(ofType(refused, 'command.refused').map((e) => e.message)).toEqual([
      'epochs: 1 does not fit; 2 have begun, give at least 2 or stop the run',
    ]);
  });

  it('records chosen probe examples from the next snapshot on', async () => {
    const run = await record({
      script: new Script([
        [1, { control: 'probeExamples', value: '0 1 2 3' }],
        [1, { control: 'probeExamples', value: '0 1 2' }],
        [9, { control: 'probeExamples', value: null }],
      ]),
    });
    const own = ['antiDiagonal', 'diagonal', 'previous', 'next', 'first', 'distance'];
    expect(ofType(run, 'snapshot').map((s) => [s.step, s.examples, s.signals.map((v) => v.name)])).toEqual([
      [0, 2, ['entropy', 'confidence', ...own]],
      // Other examples than before: there is nothing to have drifted from.
      [4, 1, ['entropy', 'confidence', ...own]],
      [8, 1, ['entropy', 'confidence', 'drift', ...own]],
      [12, 2, ['entropy', 'confidence', ...own]],
      [15, 2, ['entropy', 'confidence', 'drift', ...own]],
    ]);
    expect(ofType(run, 'command.refused').map((e) => e.message)).toEqual([
      'probeExamples: example 1 has 3 numbers; give 4 numbers from 0 to 4 per example, examples apart by ";"',
    ]);
  });
});

describe('commands with a condition', () => {
  it('wait for a step, a result or a column, and are applied once', async () => {
    const run = await record({
      hooks: { accuracy: (step) => step / 100 },
      script: new Script([
        [1, { control: 'dropout', value: 0.25, when: { kind: 'step', step: 6 } }],
        [
          1,
          {
            control: 'weightDecay',
            value: 0.1,
            when: { kind: 'evaluation', split: 'validation', metric: 'accuracy', comparison: '>', value: 0.09 },
          },
        ],
        [1, { control: 'beta1', value: 0.5, when: { kind: 'series', name: 'epoch', comparison: '>', value: 2 } }],
        [1, { action: 'checkpoint', when: { kind: 'step', step: 1 } }],
      ]),
    });
    expect(ofType(run, 'command.scheduled').map((e) => [e.seq, e.step, e.message])).toEqual([
      [1, 1, 'waits: at step 6'],
      [2, 1, 'waits: when validation accuracy > 0.09'],
      [3, 1, 'waits: when epoch > 2'],
    ]);
    expect(ofType(run, 'command.applied').map((e) => [e.seq, e.step])).toEqual([
      [4, 1], // met when it came
      [1, 6],
      [2, 10], // validation after step 10: 0.10
      [3, 12], // the row of step 11 has epoch 2.2
    ]);
    expect((run.learner as FakeLearner).calls.map((c) => c.hyper.dropout)).toEqual([...Array(6).fill(0), ...Array(9).fill(0.25)]);
  });

  it('are checked when they come, canceled by whoever asks, and answered when the run ends before', async () => {
    const never = { kind: 'step', step: 999 } as const;
    const run = await record({
      script: new Script([
        [3, { control: 'dropout', value: 2, when: never }],
        [3, { control: 'dropout', value: 0.1, when: { kind: 'step', step: 2 } }],
        [3, { control: 'dropout', value: 0.1, when: { kind: 'series', name: 'lss', comparison: '<', value: 1 } }],
        [3, { action: 'pause', when: never }],
        [3, { action: 'checkpoint', when: never }],
        [4, { action: 'cancel', args: { commandId: 'command-4' } }],
        [5, { action: 'pause', when: { kind: 'evaluation', split: 'dev', metric: 'loss', comparison: '<', value: 1 } }],
        [5, { action: 'pause', when: { kind: 'evaluation', split: 'test', metric: 'bleu', comparison: '>', value: 30 } }],
      ]),
    });
    expect(ofType(run, 'command.refused').map((e) => [e.seq, e.step, e.reason, e.message])).toEqual([
      [1, 3, 'invalid', 'dropout: 2 does not fit; give a number >= 0 and < 1'],
      [2, 3, 'invalid', 'at step 2: that step has passed, the run is at step 3'],
      [3, 3, 'invalid', 'when lss < 1: this run has no series "lss"'],
      [4, 4, 'state', 'canceled by Ada'],
      [7, 5, 'invalid', 'when dev loss < 1: this run has no set "dev"; it has train, validation, test'],
      [8, 5, 'invalid', 'when test bleu > 30: its evaluations have no "bleu"; they have loss, accuracy'],
      [5, 15, 'run-ended', 'the run ended before it came to that'],
    ]);
    expect(ofType(run, 'command.applied').map((e) => e.seq)).toEqual([6]);
    expect(ofType(run, 'command.scheduled').map((e) => e.message)).toEqual(
      Array(2).fill('waits: at step 999; the run ends at step 15 as things stand'),
    );
  });
});
