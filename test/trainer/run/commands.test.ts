import { describe, expect, it } from 'vitest';
import { column, type FakeLearner, logged, ofType, record, Script, smallConfig, story } from '~/test/support/trainRun';

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
        [5, { action: 'pause', when: { kind: 'evaluation', split: 'test', metric: 'accuracy', comparison: '>', value: 2 } }],
        [5, { action: 'pause', when: { kind: 'evaluation', split: 'test', metric: 'loss', comparison: '<', value: -1 } }],
        [5, { action: 'pause', when: { kind: 'series', name: 'loss', comparison: '<', value: 0 } }],
        [5, { action: 'pause', when: { kind: 'series', name: 'gradNorm', comparison: '<', value: -1 } }],
        [13, { action: 'pause', when: { kind: 'series', name: 'learningRate', comparison: '>', value: 10 } }],
      ]),
    });
    expect(ofType(run, 'command.refused').map((e) => [e.seq, e.step, e.reason, e.message])).toEqual([
      [1, 3, 'invalid', 'dropout: 2 does not fit; give a number >= 0 and < 1'],
      [2, 3, 'invalid', 'at step 2: that step has passed, the run is at step 3'],
      [3, 3, 'invalid', 'when lss < 1: this run has no series "lss"'],
      [4, 4, 'state', 'canceled by Ada'],
      [7, 5, 'invalid', 'when dev loss < 1: this run has no set "dev"; it has train, validation, test'],
      [8, 5, 'invalid', 'when test bleu > 30: its evaluations have no "bleu"; they have loss, accuracy'],
      [9, 5, 'invalid', 'when test accuracy > 2: an accuracy is never above 1; give a number below 1'],
      [10, 5, 'invalid', 'when test loss < -1: this loss is never below 0; give a number above 0'],
      [11, 5, 'invalid', 'when loss < 0: this loss is never below 0; give a number above 0'],
      [12, 5, 'invalid', 'when gradNorm < -1: a gradient norm is never below 0; give a number above 0'],
      [5, 15, 'run-ended', 'the run ended before it came to that'],
      [13, 15, 'run-ended', 'the run ended before it came to that'],
    ]);
    expect(ofType(run, 'command.applied').map((e) => e.seq)).toEqual([6]);
    expect(ofType(run, 'command.scheduled').map((e) => e.message)).toEqual([
      ...Array(2).fill('waits: at step 999; the run ends at step 15 as things stand'),
      expect.stringMatching(/^waits: when learningRate > 10; Learning rate: × [\d,]+ of now$/),
    ]);
  });
});
