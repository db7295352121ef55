/** What a view says of what people do: commands, notes, the control lock, labels. */
import { ada, add, applied, at, bob, goBack, itChanges, note, running, saved, set, setup, way } from '~/test/support/viewEntries';

itChanges([
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
    'a resolved thread is changed',
    [...running, add('note-1'), note({ kind: 'resolve', id: 'note-1', resolved: true })],
    note({ kind: 'edit', id: 'note-1', text: 'y' }),
    {},
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
]);
