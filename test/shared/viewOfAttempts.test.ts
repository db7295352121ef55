/** What a view says of the attempts of a run: who trains it, from where, and how it ended. */
import { expect, it } from 'vitest';
import type { RunEvent } from '~/shared/events';
import { emptyView } from '~/shared/fold';
import {
  ada,
  applied,
  assigned,
  at,
  best,
  blob,
  bob,
  created,
  evaluated,
  goBack,
  itChanges,
  lost,
  rows,
  running,
  saved,
  set,
  setup,
  started,
  status,
  takenOver,
  trainer,
  viewAfter,
} from '~/test/support/viewEntries';
import { foldAll } from '~/test/support/views';

itChanges([
  [
    'a trainer takes it',
    [],
    assigned(1),
    {
      attempt: 1,
      trainer,
      status: 'starting',
      statusMessage: 'gpu takes over from step 0',
      takeovers: { fromStep: 0, count: 1 },
    },
  ],
  [
    'another one takes it from the same step',
    running,
    assigned(2),
    { attempt: 2, status: 'starting', statusMessage: 'gpu takes over from step 0', takeovers: { fromStep: 0, count: 2 } },
  ],
  [
    'a script opens it with other settings',
    running,
    assigned(2, 0, { config: { a: 1 } }),
    {
      attempt: 2,
      setup: { ...setup, config: { a: 1 } },
      status: 'starting',
      statusMessage: 'gpu takes over from step 0',
      takeovers: { fromStep: 0, count: 2 },
    },
  ],
  [
    'one takes it from a checkpoint',
    [...running, saved(3, 'c')],
    assigned(2, 3, { checkpoint: blob('c'), keepSeq: 5 }),
    {
      attempt: 2,
      status: 'starting',
      statusMessage: 'gpu takes over from step 3',
      takeovers: { fromStep: 3, count: 1 },
    },
  ],
  [
    'one takes it from a checkpoint that the view no longer holds',
    running,
    assigned(2, 3, { checkpoint: blob('x'), keepSeq: 4 }),
    {
      attempt: 2,
      step: 3,
      lastCheckpoint: { ...at(3, 'x', 4), lastCommandSeq: 0 },
      status: 'starting',
      statusMessage: 'gpu takes over from step 3',
      takeovers: { fromStep: 3, count: 1 },
    },
  ],
  [
    'one takes it from the start',
    [
      ...running,
      saved(3, 'c'),
      { type: 'alert', step: 0, level: 'info', kind: 'set-aside', message: '', count: 4 },
      status('failed', { traceback: 'line 1' }),
      lost({ released: true }),
    ],
    assigned(2),
    {
      attempt: 2,
      step: 0,
      setAside: 0,
      traceback: null,
      released: false,
      lastCheckpoint: null,
      status: 'starting',
      statusMessage: 'gpu takes over from step 0',
      takeovers: { fromStep: 0, count: 2 },
    },
  ],
  [
    'one takes it from a checkpoint that nobody knows',
    [...running, saved(3, 'c')],
    assigned(2, 3, { checkpoint: blob('x') }),
    { ...{ attempt: 2, lastCheckpoint: null }, ...takenOver(3, 1) },
  ],
  [
    'one takes it from where it went back to, which is where it began',
    [...running, saved(0, 'c'), ...goBack({ step: 0 })],
    assigned(2, 0, { checkpoint: blob('c'), keepSeq: 5 }),
    { attempt: 2, pendingRevert: null, status: 'starting', statusMessage: 'gpu takes over from step 0' },
  ],
  [
    'one takes it, and the server says what is in force',
    [...running, rows(0, 3, 1, 2), set('command1', bob, 7), applied('command1', 2, 7)],
    assigned(2, 2, {
      resumed: {
        counts: {},
        evaluations: [best],
        best,
        bestRow: { name: 'loss', step: 0, value: 3 },
        waiting: [],
        values: [{ control: 'rate', state: { value: 6, changedBy: ada, changedAtStep: 1 } }],
      },
    }),
    {
      ...{ attempt: 2, step: 2, latestEvaluations: [best], best, bestRow: { name: 'loss', step: 0, value: 3 } },
      ...{ values: { rate: { value: 6, changedBy: ada, changedAtStep: 1 } }, ...takenOver(2, 1) },
    },
  ],
  [
    'one takes it, and the server says that nothing is in force',
    [...running, rows(0, 3, 1, 2), set('command1', bob, 7), applied('command1', 2, 7)],
    assigned(2, 2, {
      resumed: {
        counts: {},
        evaluations: [],
        best: null,
        bestRow: null,
        waiting: [],
        values: [{ control: 'rate', state: null }],
      },
    }),
    { attempt: 2, step: 2, bestRow: null, values: {}, ...takenOver(2, 1) },
  ],
  [
    'it goes back by itself before its newest evaluation',
    [...running, evaluated(0, 'dev', 2), evaluated(2, 'dev', 1)],
    { type: 'rewind', step: 2 },
    {
      latestEvaluations: [{ ...evaluated(0, 'dev', 2), seq: 5, at: 1004 }],
      best: { ...evaluated(0, 'dev', 2), seq: 5, at: 1004 },
    },
  ],
  [
    'it goes back by itself, after a checkpoint that the view no longer holds',
    [...running, assigned(2, 3, { checkpoint: blob('x'), keepSeq: 4 })],
    { type: 'rewind', step: 5 },
    {},
  ],
  [
    'it ends where people took it back to, as no trainer will take it over',
    [...running, set('one', bob, 7), applied('one', 3, 7), saved(1, 'x'), rows(0, 1, 2, 3), ...goBack({ step: 1 }), lost()],
    { type: 'rewind', step: 1, keepSeq: 7 },
    { step: 1, values: {}, pendingRevert: null },
  ],
  [
    'it begins',
    [assigned(1)],
    started({
      data: 'digits',
      params: [{ name: 'w', shape: [2] }],
      lengths: { stepsPerEpoch: 5, totalSteps: 50 },
      schedule: { kind: 'cosine', warmupSteps: 1 },
    }),
    {
      ...{
        data: 'digits',
        params: [{ name: 'w', shape: [2] }],
        stepsPerEpoch: 5,
        totalSteps: 50,
        schedule: { kind: 'cosine', warmupSteps: 1 },
      },
      ...{
        device: { device: 'CPU' },
        controls: (started() as { controls: object }).controls,
        values: { rate: { value: 5, changedBy: null, changedAtStep: 0 } },
        streamCount: 2,
        columnCount: 2,
      },
    },
  ],
  [
    'it says nothing of what it said before',
    [
      assigned(1),
      started({
        data: 'digits',
        lengths: { stepsPerEpoch: 5, totalSteps: 50 },
        params: [{ name: 'w', shape: [2] }],
        schedule: { kind: 'cosine', warmupSteps: 1 },
      }),
    ],
    started(),
    { data: null, params: [], stepsPerEpoch: 0, totalSteps: 0, schedule: null },
  ],
  [
    'it begins with the values that people gave',
    [...running, set('command1', bob, 7), applied('command1', 2, 7)],
    started({ step: 2, values: { rate: 7 } }),
    {},
  ],
  [
    'it begins with another value than they gave',
    [...running, set('command1', bob, 7), applied('command1', 2, 7)],
    started({ step: 2, values: { rate: 6 } }),
    { values: { rate: { value: 6, changedBy: null, changedAtStep: 2 } } },
  ],
  [
    'it runs for the first time',
    [assigned(1), started()],
    status('running'),
    { status: 'running', statusMessage: 'now running', startedAt: 1003 },
  ],
  ['it runs again', [...running, status('paused')], status('running'), { status: 'running', statusMessage: 'now running' }],
  [
    'it ends while somebody holds the lock',
    [...running, { type: 'control.locked', actor: ada, holder: ada, until: null }],
    status('failed', { traceback: 'line 1' }),
    { status: 'failed', statusMessage: 'now failed', controlLock: null, traceback: 'line 1' },
  ],
  [
    'it is paused while somebody holds the lock',
    [...running, { type: 'control.locked', actor: ada, holder: ada, until: null }],
    status('paused'),
    { status: 'paused', statusMessage: 'now paused' },
  ],
  ['its trainer goes away', running, lost(), { status: 'waiting', statusMessage: 'gone', statusBeforeLoss: 'running' }],
  ['its process gives it up', [...running, status('finished')], lost({ released: true }), { released: true }],
  [
    'its process is silent',
    running,
    status('crashed'),
    { status: 'crashed', statusMessage: 'now crashed', statusBeforeLoss: 'running' },
  ],
  ['its silent process goes away', [...running, status('paused'), status('crashed')], lost(), {}],
  [
    'its silent process is back',
    [...running, status('paused'), status('crashed')],
    { type: 'trainer.back' },
    { status: 'paused', statusMessage: 'trainer is back', statusBeforeLoss: null },
  ],
  ['a trainer is back that was not away', running, { type: 'trainer.back' }, {}],
  ['its trainer goes away again', [...running, lost()], lost(), {}],
  [
    'an ended run goes back',
    [...running, saved(1, 'c'), status('finished'), ...goBack({ step: 1 })],
    lost(),
    { status: 'waiting', statusMessage: 'gone' },
  ],
  [
    'an ended run that waits gets its trainer back',
    [...running, saved(1, 'c'), status('finished'), ...goBack({ step: 1 }), lost()],
    { type: 'trainer.back' },
    { status: 'running', statusMessage: 'trainer is back' },
  ],
  [
    'it is taken from where it went back to',
    [...running, rows(0, 3, 1, 2), saved(3, 'c'), ...goBack({ step: 3 })],
    assigned(2, 3, { checkpoint: blob('c'), keepSeq: 8 }),
    {
      attempt: 2,
      pendingRevert: null,
      status: 'starting',
      statusMessage: 'gpu takes over from step 3',
      takeovers: { fromStep: 3, count: 1 },
    },
  ],
]);

it('a run that was made by hand, copied or branched says so; an entry twice, or no entry, breaks the log', () => {
  const parent = { runId: 'run000', step: 9, checkpoint: null };
  const first = { ...created, parent, copyOf: 'run777', change: 'rate 5', openKey: 'k' } as RunEvent;
  const view = foldAll('run001', [{ seq: 1, attempt: 0, at: 1000, event: first }]);
  expect(view).toMatchObject({
    parent,
    copyOf: 'run777',
    branchChange: 'rate 5',
    openKey: 'k',
    step: 9,
    tags: ['a'],
    createdBy: ada,
  });
  expect(viewAfter()).toMatchObject({
    ...{ status: 'queued', statusMessage: '', stepsPerEpoch: 0, step: 0, openKey: null, params: [] },
    ...{ controls: { values: [], actions: [] }, takeovers: { fromStep: 0, count: 0 } },
  });
  expect(['copyOf', 'branchChange'].filter((key) => key in viewAfter())).toEqual([]);
  expect(() => viewAfter(created)).toThrow('run run001: created twice, at 1 and 2');
  expect(() => foldAll('run001', [])).toThrow('run run001: an empty log has no view');
  expect(() => emptyView('run001', { seq: 2, attempt: 0, at: 0, event: created })).toThrow(
    'run run001: its log must begin with run.created at 1, got run.created at 2',
  );
});

it('a conditional command that the checkpoint held waits again after the way back, in the order of the log', () => {
  const later = { when: { kind: 'step', step: 50 } };
  // Seqs: 2 to 4 the beginning, 5 and 6 the commands, 7 the checkpoint that holds both, 8 the effect of the first, 9 another command.
  const events = [
    ...running,
    set('command1', ada, 7, later),
    set('command2', bob, 8, later),
    { ...(saved(1, 'c') as object), lastCommandSeq: 6 } as RunEvent,
    applied('command1', 2, 7),
    set('command3', bob, 9),
    ...goBack({ step: 1 }),
    assigned(2, 1, { checkpoint: blob('c'), keepSeq: 7 }),
  ];
  const view = viewAfter(...events);
  expect(view.openCommands.map((c) => [c.seq, c.command.id, c.outcome])).toEqual([
    [5, 'command1', { status: 'scheduled', message: 'waits again from step 1 on' }],
    [6, 'command2', { status: 'requested' }],
    [9, 'command3', { status: 'requested' }],
  ]);
  expect(view.values).toEqual({});
});
