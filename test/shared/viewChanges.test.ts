import { expect, it } from 'vitest';
import type { Entry, RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import type { RunView } from '~/shared/view';
import { mostSplits } from '~/shared/view';
import { foldAll } from '~/test/support/views';
import { publishedSetup } from '../support/setups';

const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
const bob: Actor = { id: 'u2', name: 'Bob', role: 'operator' };
const setup = publishedSetup('reverse', {}, { name: 'first', tags: ['a'] });
const created: RunEvent = { type: 'run.created', setup, actor: ada, parent: null };
const blob = (letter: string) => ({ hash: letter.repeat(64), bytes: 10 });
const trainer = { id: 't1', name: 'gpu', host: 'h' };
const assigned = (attempt: number, fromStep = 0, more: object = {}): RunEvent => ({
  ...{ type: 'run.assigned', attempt, trainer, fromStep, checkpoint: null },
  ...more,
});
const action = (name: string, role: 'revert' | 'cancel') => ({ name, label: name, help: '', args: [], risky: false, role });
const started = (more: object = {}): RunEvent => ({
  ...{ type: 'started', step: 0, device: { device: 'CPU' }, values: { rate: 5 } },
  ...{ controls: { values: [], actions: [action('go back', 'revert'), action('call off', 'cancel')] } },
  streams: [
    { stream: 'train', columns: [{ name: 'loss', role: 'loss', main: true }] },
    { stream: 'dev', columns: [{ name: 'dev/loss' }] },
  ],
  ...more,
});
const rows = (first: number, ...values: number[]): RunEvent => ({
  ...{ type: 'rows', stream: 'train', steps: { first, count: values.length } },
  values: Float64Array.from(values),
});
const status = (to: 'running' | 'paused' | 'finished' | 'stopped' | 'failed' | 'crashed', more: object = {}): RunEvent => ({
  ...{ type: 'status', status: to, step: 0, message: `now ${to}` },
  ...more,
});
const evaluated = (step: number, split: string, value: number, main = true): RunEvent => ({
  ...{ type: 'evaluation', step, split, trigger: 'cadence', commandId: null },
  metrics: [{ name: 'score', value, main }],
});
const saved = (step: number, letter: string): RunEvent => ({
  ...{ type: 'checkpoint', step, blob: blob(letter), trigger: 'cadence', commandId: null, lastCommandSeq: 2 },
});
const set = (id: string, actor: Actor, value: number, more: object = {}): RunEvent => ({
  type: 'command.requested',
  actor,
  command: { ...{ kind: 'set', id, runId: 'run001', control: 'rate', value }, ...more },
});
const applied = (commandId: string, step: number, after: number, more: object = {}): RunEvent => ({
  ...{ type: 'command.applied', commandId, seq: 1, step, before: null, after, message: '' },
  ...more,
});
const lost = (more: object = {}): RunEvent => ({ type: 'trainer.lost', message: 'gone', ...more });
const note = (kind: object, was?: object): RunEvent =>
  ({ type: 'note', actor: ada, note: kind, ...(was && { was }) }) as RunEvent;
const add = (id: string, replyTo: string | null = null) =>
  note({ kind: 'add', id, anchor: { step: 0, chart: null, head: null }, text: 'x', replyTo });

/** Places: 1 is the creation; every later event takes the next one, rows one each. */
function viewAfter(...events: RunEvent[]): RunView {
  let view = emptyView('run001', { seq: 1, attempt: 0, at: 1000, event: created });
  for (const event of events) view = fold(view, { seq: view.seq + 1, attempt: 1, at: 1000 + view.seq, event } satisfies Entry);
  return view;
}
/** Fields in which a view differs from the one before, apart from those that every entry changes, and from lists. */
function changes(before: RunEvent[], event: RunEvent): Partial<RunView> {
  const was = viewAfter(...before);
  const kept = structuredClone(was);
  const is = fold(was, { seq: was.seq + 1, attempt: 1, at: 1000 + was.seq, event });
  expect(was, 'the view before').toEqual(kept);
  const same = (key: string, value: unknown) => {
    try {
      expect(value).toEqual(was[key as keyof RunView]);
      return true;
    } catch {
      return false;
    }
  };
  const apart = ['seq', 'updatedAt', 'recent', 'counts', 'streams'];
  return Object.fromEntries(Object.entries(is).filter(([key, value]) => !apart.includes(key) && !same(key, value)));
}

const running = [assigned(1), started(), status('running')];
const at = (step: number, letter: string, seq: number) => ({ seq, step, blob: blob(letter), lastCommandSeq: 2 });
const way = { type: 'command.requested', actor: bob } as const;
const goBack = (args: object): RunEvent[] => [
  { ...way, command: { kind: 'act', id: 'way-back', runId: 'run001', action: 'go back', args: args as never } },
  applied('way-back', 2, 1),
];

const takenOver = (fromStep: number, count: number) => ({
  ...{ status: 'starting', statusMessage: `gpu takes over from step ${fromStep}`, takeovers: { fromStep, count } },
});
const best = { ...evaluated(0, 'dev', 1), seq: 3, at: 1 };

it.each([
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
      step: 3,
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
    { ...{ attempt: 2, step: 3, lastCheckpoint: null }, ...takenOver(3, 1) },
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
    'a resolved thread is changed',
    [...running, add('note-1'), note({ kind: 'resolve', id: 'note-1', resolved: true })],
    note({ kind: 'edit', id: 'note-1', text: 'y' }),
    {},
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
  ['rows come', running, rows(0, 3, 1, 2), { step: 3, bestRow: { name: 'loss', step: 1, value: 1 } }],
  ['rows of earlier steps come', [...running, rows(5, 1)], rows(2, 4), {}],
  [
    'a stream is declared',
    running,
    { type: 'series', stream: 'more', columns: [{ name: 'a' }, { name: 'b' }] },
    { streamCount: 3, columnCount: 4 },
  ],
  ['a stream is declared again', running, { type: 'series', stream: 'train', columns: [{ name: 'loss', unit: 'nats' }] }, {}],
  [
    'it goes back by itself',
    [...running, rows(0, 3, 1, 2), saved(1, 'c'), saved(3, 'd')],
    { type: 'rewind', step: 3 },
    { lastCheckpoint: at(1, 'c', 8) },
  ],
  [
    'it goes back by itself before its best row',
    [...running, rows(0, 3, 1, 2), saved(1, 'c')],
    { type: 'rewind', step: 1 },
    { step: 1, bestRow: null, lastCheckpoint: null },
  ],
  ['it goes back to where it is', [...running, rows(0, 3, 1, 2)], { type: 'rewind', step: 9 }, {}],
  [
    'a set is evaluated',
    running,
    evaluated(0, 'dev', 1),
    {
      latestEvaluations: [{ ...evaluated(0, 'dev', 1), seq: 5, at: 1004 }],
      best: { ...evaluated(0, 'dev', 1), seq: 5, at: 1004 },
    },
  ],
  [
    'a set is evaluated again, worse',
    [...running, evaluated(0, 'dev', 1), evaluated(0, 'test', 1, false)],
    evaluated(2, 'dev', 2),
    {
      latestEvaluations: [
        { ...evaluated(0, 'test', 1, false), seq: 6, at: 1005 },
        { ...evaluated(2, 'dev', 2), seq: 7, at: 1006 },
      ],
    },
  ],
  ['a checkpoint is saved', running, saved(3, 'c'), { lastCheckpoint: at(3, 'c', 5) }],
  [
    'checkpoints are deleted',
    [...running, saved(3, 'c'), { type: 'checkpoints.thinned', quotaBytes: 1, seqs: [5], message: '' }],
    { type: 'checkpoints.thinned', quotaBytes: 1, seqs: [7, 8], message: '' },
    { checkpointsThinned: 3 },
  ],
  [
    'events are set aside',
    running,
    { type: 'alert', step: 0, level: 'info', kind: 'set-aside', message: '', count: 4 },
    { setAside: 4 },
  ],
  ['events are set aside, uncounted', running, { type: 'alert', step: 0, level: 'info', kind: 'set-aside', message: '' }, {}],
  ['another alert is counted', running, { type: 'alert', step: 0, level: 'info', kind: 'disk', message: '', count: 4 }, {}],
  ['its process prints', running, { type: 'console', stream: 'out', text: 'hello\n' }, { console: { lastSeq: 5 } }],
  [
    'a command is asked for',
    running,
    set('command1', bob, 7),
    {
      openCommands: [
        {
          seq: 5,
          at: 1004,
          actor: bob,
          command: (set('command1', bob, 7) as { command: object }).command,
          askedAtStep: 0,
          outcome: { status: 'requested' },
        },
      ],
    },
  ],
  ['a command that nobody knows takes effect', running, applied('command9', 2, 7), {}],
  [
    'a command that was answered takes effect again',
    running,
    applied('command9', 2, 7, {
      asked: { seq: 3, actor: bob, command: (set('command9', bob, 7) as { command: object }).command },
    }),
    { values: { rate: { value: 7, changedBy: bob, changedAtStep: 2 } } },
  ],
  [
    'the run goes back by a command',
    [...running, saved(1, 'c'), saved(2, 'd'), ...goBack({ step: 1 }).slice(0, 1)],
    goBack({ step: 1 })[1]!,
    { openCommands: [], pendingRevert: { commandId: 'way-back', checkpoint: at(1, 'c', 5) } },
  ],
  [
    'the run goes back to a checkpoint that the view no longer holds',
    [...running, ...goBack({ step: 1 }).slice(0, 1)],
    applied('way-back', 2, 1, { reverted: at(1, 'x', 3) }),
    { openCommands: [], pendingRevert: { commandId: 'way-back', checkpoint: at(1, 'x', 3) } },
  ],
  [
    'the run goes back to what is nowhere',
    [...running, ...goBack({ step: 1 }).slice(0, 1)],
    goBack({ step: 1 })[1]!,
    { openCommands: [] },
  ],
  [
    'another action takes effect',
    [
      ...running,
      saved(1, 'c'),
      { ...way, command: { kind: 'act', id: 'away', runId: 'run001', action: 'call off', args: { step: 1 } } },
    ],
    applied('away', 2, 1),
    { openCommands: [] },
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
  ['a thread is opened', running, add('note-1'), { openThreads: 1 }],
  ['a thread is answered', [...running, add('note-1')], add('note-2', 'note-1'), {}],
  [
    'a thread is resolved',
    [...running, add('note-1')],
    note({ kind: 'resolve', id: 'note-1', resolved: true }),
    { openThreads: 0 },
  ],
  [
    'a thread is resolved twice',
    [...running, add('note-1'), add('note-3'), note({ kind: 'resolve', id: 'note-1', resolved: true })],
    note({ kind: 'resolve', id: 'note-1', resolved: true }),
    {},
  ],
  [
    'a thread is opened again',
    [...running, add('note-1'), note({ kind: 'resolve', id: 'note-1', resolved: true })],
    note({ kind: 'resolve', id: 'note-1', resolved: false }),
    { openThreads: 1 },
  ],
  ['an open thread is deleted', [...running, add('note-1')], note({ kind: 'delete', id: 'note-1' }), { openThreads: 0 }],
  [
    'a resolved thread is deleted',
    [...running, add('note-1'), add('note-3'), note({ kind: 'resolve', id: 'note-1', resolved: true })],
    note({ kind: 'delete', id: 'note-1' }),
    {},
  ],
  ['an answer is deleted', [...running, add('note-1'), add('note-2', 'note-1')], note({ kind: 'delete', id: 'note-2' }), {}],
  ['a thread is changed', [...running, add('note-1')], note({ kind: 'edit', id: 'note-1', text: 'y' }), {}],
  [
    'a thread that the view does not hold is deleted',
    [...running, add('note-1')],
    note({ kind: 'delete', id: 'note-9' }, { thread: true, resolved: false, replies: 2 }),
    { openThreads: 0 },
  ],
  ['a note that nobody knows is deleted', [...running, add('note-1')], note({ kind: 'delete', id: 'note-9' }), {}],
  [
    'somebody takes the lock',
    running,
    { type: 'control.locked', actor: ada, holder: ada, until: 9 },
    { controlLock: { holder: ada, until: 9, askedBy: [] } },
  ],
  [
    'another asks for it',
    [...running, { type: 'control.locked', actor: ada, holder: ada, until: 9 }],
    { type: 'control.requested', actor: bob },
    { controlLock: { holder: ada, until: 9, askedBy: [bob] } },
  ],
  ['another asks for a lock that nobody holds', running, { type: 'control.requested', actor: bob }, {}],
  [
    'of two who ask for it, one is refused it',
    [
      ...running,
      { type: 'control.locked', actor: ada, holder: ada, until: 9 },
      { type: 'control.requested', actor: bob },
      { type: 'control.requested', actor: { ...bob, id: 'u3' } },
    ],
    { type: 'control.refused', actor: ada, asker: bob },
    { controlLock: { holder: ada, until: 9, askedBy: [{ ...bob, id: 'u3' }] } },
  ],
  ['a lock that nobody holds any more is refused', running, { type: 'control.refused', actor: ada, asker: bob }, {}],
  [
    'the lock is given back',
    [...running, { type: 'control.locked', actor: ada, holder: ada, until: 9 }],
    { type: 'control.locked', actor: ada, holder: null, until: null },
    { controlLock: null },
  ],
  ['it is moved in the queue', [], { type: 'run.queued', actor: ada, position: 7 }, { queuePosition: 7 }],
  ['it is renamed', [], { type: 'run.labelled', actor: ada, name: 'second' }, { setup: { ...setup, name: 'second' } }],
  [
    'it is tagged, archived and deleted',
    [],
    { type: 'run.labelled', actor: ada, tags: ['b'], archived: true, trashed: true },
    { tags: ['b'], archived: true, trashed: true },
  ],
  [
    'it is only renamed when archived',
    [{ type: 'run.labelled', actor: ada, tags: ['b'], archived: true, trashed: true }],
    { type: 'run.labelled', actor: ada, name: 'second' },
    { setup: { ...setup, name: 'second' } },
  ],
  [
    'its script says more of it',
    [],
    { type: 'setup', name: 'second', notes: 'n', tags: ['b'], config: { more: 1 } },
    { setup: { ...setup, name: 'second', notes: 'n', config: { ...setup.config, more: 1 } }, tags: ['b'] },
  ],
  [
    'its script takes settings back and adds one',
    [{ type: 'setup', config: { one: 1, two: 2 } }],
    { type: 'setup', removed: ['one', 'nosuch'], config: { three: 3 } },
    { setup: { ...setup, config: { ...setup.config, two: 2, three: 3 } } },
  ],
  ['its script says nothing new', [], { type: 'setup' }, {}],
] as [string, RunEvent[], RunEvent, Partial<RunView>][])('%s', (_, before, event, expected) => {
  expect(changes(before, event)).toStrictEqual(expected);
});

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

it('the newest evaluations are those of the newest sets', () => {
  const all = Array.from({ length: mostSplits + 2 }, (_, i) => evaluated(0, `set ${i}`, i));
  expect(viewAfter(...running, ...all).latestEvaluations.map((e) => e.split)).toEqual(
    all.slice(2).map((e) => (e as { split: string }).split),
  );
});

it('a conditional command that the checkpoint held waits again after the way back, in the order of the log', () => {
  const later = { when: { kind: 'step', step: 50 } };
  // Places: 2-4 the beginning, 5 and 6 the commands, 7 the checkpoint that holds both, 8 the effect of the first, 9 another command.
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
