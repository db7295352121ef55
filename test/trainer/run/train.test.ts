import { describe, expect, it } from 'vitest';
import { metricWithRole } from '~/shared/evaluations';
import { rowCount } from '~/shared/rows';
import { recipeNamed } from '~/test/support/setups';
import { column, type FakeLearner, ofType, type Recording, record, Script, smallConfig, story } from '~/test/support/trainRun';
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
      ['finished', '3 epochs done: validation 15 %, test 15 % (parameters of step 15)'],
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
    expect(ofType(run, 'status').at(-1)!.message).toBe('3 epochs done: validation 75 %, test 75 % (parameters of step 10)');
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
        'early stop: 2 validations without a better accuracy since step 10: validation 90 %, test 90 % (parameters of step 10)',
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
