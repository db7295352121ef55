import { describe, expect, it } from 'vitest';
import { branchEvents } from '~/server/runs/branch';
import type { Command } from '~/shared/commands';
import type { ControlSpec } from '~/shared/controls';
import type { Entry, RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import type { BranchRun } from '~/shared/protocol';
import { seqCount } from '~/shared/rows';
import { publishedSetup } from '../../support/setups';
import { foldedLog } from '../../support/views';

const ada: Actor = { id: 'a', name: 'Ada', role: 'operator' };
const bob: Actor = { id: 'b', name: 'Bob', role: 'operator' };
const learningRate: ControlSpec = {
  name: 'learningRate',
  label: 'Learning rate',
  help: '',
  unit: '',
  type: 'number',
  min: 0,
  max: null,
  exclusiveMin: true,
  exclusiveMax: false,
  options: null,
  nullLabel: null,
  scale: 'log',
  default: 1,
  takesEffect: 'next step',
  group: 'optimizer',
};
const hash = 'c'.repeat(64);
const set = (id: string, value: number): Command => ({
  kind: 'set',
  id,
  runId: 'parent1',
  control: 'learningRate',
  value,
  expected: 1,
});
const applied = (commandId: string, seq: number, step: number): RunEvent => ({
  type: 'command.applied',
  commandId,
  seq,
  step,
  before: 1,
  after: 2,
  message: '',
});

/** Ada's change at step 5, a checkpoint at step 10, then Bob's at 12, Ada's pause and Ada's at 15. */
function parent() {
  const events: RunEvent[] = [
    { type: 'run.created', setup: publishedSetup('reverse'), actor: ada, parent: null },
    {
      type: 'started',
      step: 0,
      device: { backend: 'cpu', device: 'CPU' },
      streams: [{ stream: 'steps', columns: [{ name: 'loss' }] }],
      controls: { values: [learningRate], actions: [] },
      values: { learningRate: 1 },
      lengths: { stepsPerEpoch: 10, totalSteps: 100 },
    },
    { type: 'command.requested', actor: ada, command: set('command1', 2) }, // 3
    applied('command1', 3, 5), // 4
    {
      type: 'checkpoint',
      step: 10,
      blob: { hash, bytes: 5 },
      trigger: 'cadence',
      commandId: null,
      lastCommandSeq: 3,
    },
    { type: 'command.requested', actor: bob, command: set('command2', 3) }, // 6
    applied('command2', 6, 12),
    {
      type: 'command.requested',
      actor: ada,
      command: { kind: 'act', id: 'command3', runId: 'parent1', action: 'pause', args: {} },
    },
    applied('command3', 8, 13),
    { type: 'command.requested', actor: ada, command: set('command4', 4) }, // 10
    applied('command4', 10, 15),
    { type: 'command.requested', actor: bob, command: { ...set('command5', 5), when: { kind: 'step', step: 90 } } as Command }, // 12
    { type: 'command.scheduled', commandId: 'command5', seq: 12, step: 15, message: 'waits' },
  ];
  let seq = 1;
  const entries: Entry[] = events.map((event) => {
    const entry = { seq, attempt: 1, at: seq, event };
    seq += seqCount(event);
    return entry;
  });
  return foldedLog('parent1', entries);
}

const branch = (over: Partial<BranchRun>) => {
  let n = 0;
  const request: BranchRun = { runId: 'parent1', checkpoint: hash, name: 'What if', changes: [], repeat: null, ...over };
  const { view, lists } = parent();
  return branchEvents(view, lists, 'child01', ada, request, hash, () => `new-${String(++n).padStart(4, '0')}`);
};
const asked = (actor: Actor, id: string, value: number, when?: number) => ({
  type: 'command.requested',
  actor,
  command: {
    kind: 'set',
    id,
    runId: 'child01',
    control: 'learningRate',
    value,
    ...(when === undefined ? {} : { when: { kind: 'step', step: when } }),
  },
});

describe('a branch', () => {
  it('begins with its fork, then its changes', async () => {
    const answer = await branch({ changes: [{ control: 'learningRate', value: 9 }] });
    expect(answer).toEqual({
      ok: true,
      created: {
        type: 'run.created',
        setup: publishedSetup('reverse', {}, { name: 'What if' }),
        actor: ada,
        parent: { runId: 'parent1', step: 10, checkpoint: { hash, bytes: 5 } },
        change: 'learningRate = 9',
      },
      commands: [asked(ada, 'new-0001', 9)],
    });
  });

  it('repeats the parent’s later value changes at their steps under their authors, and no pause', async () => {
    const answer = await branch({ repeat: { without: null } });
    expect(answer.ok && answer.commands).toEqual([
      asked(bob, 'new-0001', 3, 12),
      asked(ada, 'new-0002', 4, 15),
      // It waits in the parent still.
      asked(bob, 'new-0003', 5, 90),
    ]);
  });

  it('“what if we had not” repeats all but that one', async () => {
    const answer = await branch({ repeat: { without: 'command2' } });
    expect(answer.ok && answer.commands).toEqual([asked(ada, 'new-0001', 4, 15), asked(bob, 'new-0002', 5, 90)]);
    expect(answer.ok && answer.created.change).toBe('without learningRate = 3 of Bob at step 12');
  });

  it('an unknown command, control or value is refused with its field', async () => {
    expect(await branch({ repeat: { without: 'command1' } })).toMatchObject({ ok: false, field: 'repeat.without' });
    expect(await branch({ changes: [{ control: 'lr', value: 1 }] })).toMatchObject({
      reason: 'unknown-control',
      field: 'changes.0.control',
    });
    expect(await branch({ changes: [{ control: 'learningRate', value: -1 }] })).toMatchObject({
      reason: 'invalid',
      field: 'changes.0.value',
    });
  });
});
