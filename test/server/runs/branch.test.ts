import { describe, expect, it } from 'vitest';
import { branchEvents } from '~/server/runs/branch';
import type { Command } from '~/shared/commands';
import type { ControlSpec } from '~/shared/controls';
import type { Entry, RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { seqCount } from '~/shared/rows';
import type { BranchRun } from '~/shared/runRequests';
import { publishedSetup } from '~/test/support/setups';
import { foldedLog } from '~/test/support/views';

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

/** Ada's change at step 5, a checkpoint at step 10, then Bob's at 12, Ada's pause and Ada's at 15; `more` follows. */
function parent(more: readonly RunEvent[] = []) {
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
    { type: 'command.scheduled', commandId: 'command5', seq: 12, step: 15, message: 'waits' }, // 13
    ...more,
  ];
  let seq = 1;
  const entries: Entry[] = events.map((event) => {
    const entry = { seq, attempt: 1, at: seq, event };
    seq += seqCount(event);
    return entry;
  });
  return foldedLog('parent1', entries);
}

const branch = (
  over: Partial<BranchRun>,
  more: readonly RunEvent[] = [],
  checkpoint = hash,
  needsApproval: readonly string[] = [],
) => {
  let n = 0;
  const request: BranchRun = { runId: 'parent1', checkpoint, name: 'What if', changes: [], repeat: null, ...over };
  const { view, lists } = parent(more);
  return branchEvents(view, lists, 'child01', ada, request, checkpoint, {
    now: 0,
    needsApproval,
    newId: () => `new-${String(++n).padStart(4, '0')}`,
  });
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

  it('proposes a change that needs approval; changes that it repeats were approved in the parent', async () => {
    const answer = await branch({ changes: [{ control: 'learningRate', value: 9 }], repeat: { without: 'command4' } }, [], hash, [
      'learningRate',
    ]);
    expect(answer.ok && answer.commands).toEqual([
      { ...asked(ada, 'new-0001', 9), type: 'command.proposed' },
      asked(bob, 'new-0002', 3, 12),
      asked(bob, 'new-0003', 5, 90),
    ]);
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

  it('repeats nothing that a way back undoes, though no trainer has gone it yet', async () => {
    const back = { kind: 'act', id: 'command6', runId: 'parent1', action: 'revert', args: { step: 10 } } as const;
    const reverted = { seq: 5, step: 10, blob: { hash, bytes: 5 }, lastCommandSeq: 3 };
    const answer = await branch({ repeat: { without: null } }, [
      { type: 'command.requested', actor: ada, command: back },
      { ...(applied('command6', 14, 15) as object), reverted } as RunEvent,
    ]);
    expect(answer).toMatchObject({ ok: true, commands: [asked(bob, 'new-0001', 5, 90)] });
  });

  it('does not repeat what waits in the parent when that is left out, and nothing that people did besides', async () => {
    const answer = await branch({ repeat: { without: 'command5' } });
    expect(answer).toMatchObject({ ok: true, commands: [asked(bob, 'new-0001', 3, 12), asked(ada, 'new-0002', 4, 15)] });
    // It took no effect in the parent: there is nothing to say about it.
    expect(answer.ok && 'change' in answer.created).toBe(false);
  });

  it('leaves out changes that were refused, that have no answer yet, and actions that wait', async () => {
    const more: RunEvent[] = [
      { type: 'command.requested', actor: bob, command: set('command6', 6) }, // 14
      { type: 'command.refused', commandId: 'command6', seq: 14, step: 16, reason: 'state', message: 'no' },
      { type: 'command.requested', actor: bob, command: set('command7', 7) }, // 16
      {
        type: 'command.requested',
        actor: ada,
        command: { kind: 'act', id: 'command8', runId: 'parent1', action: 'pause', args: {}, when: { kind: 'step', step: 80 } },
      }, // 17
      { type: 'command.scheduled', commandId: 'command8', seq: 17, step: 16, message: 'waits' },
    ];
    const answer = await branch({ repeat: { without: null } }, more);
    expect(answer.ok && answer.commands).toEqual([
      asked(bob, 'new-0001', 3, 12),
      asked(ada, 'new-0002', 4, 15),
      asked(bob, 'new-0003', 5, 90),
    ]);
  });

  it('repeats changes in the order in which they took effect, whatever the order in which they were asked for', async () => {
    const more: RunEvent[] = [
      { type: 'command.requested', actor: ada, command: { ...set('command6', 6), when: { kind: 'step', step: 20 } } as Command }, // 14
      { type: 'command.requested', actor: bob, command: set('command7', 7) }, // 15
      applied('command7', 15, 18),
      { type: 'command.requested', actor: bob, command: set('command8', 8) }, // 17
      applied('command8', 17, 20),
      applied('command6', 14, 20),
    ];
    const answer = await branch({ repeat: { without: null } }, more);
    expect(answer.ok && answer.commands).toEqual([
      asked(bob, 'new-0001', 3, 12),
      asked(ada, 'new-0002', 4, 15),
      asked(bob, 'new-0003', 7, 18),
      asked(bob, 'new-0004', 8, 20),
      asked(ada, 'new-0005', 6, 20),
      asked(bob, 'new-0006', 5, 90),
    ]);
  });

  it('repeats at most as many changes as can wait in a run', async () => {
    const changes = (count: number) =>
      Array.from({ length: count }, (_, i): RunEvent[] => [
        { type: 'command.requested', actor: ada, command: set(`more${String(i).padStart(4, '0')}`, i + 1) },
        applied(`more${String(i).padStart(4, '0')}`, 14 + 2 * i, 16 + i),
      ]).flat();
    // With the two that took effect and the one that waits.
    const most = await branch({ repeat: { without: null } }, changes(97));
    expect(most.ok && most.commands.length).toBe(100);
    expect(await branch({ repeat: { without: null } }, changes(98))).toEqual({
      ok: false,
      reason: 'busy',
      message:
        'repeat: 101 changes took effect after step 10, or wait; at most 100 can wait in a branch. Branch from a later checkpoint',
      field: 'repeat',
    });
  });

  it('says in at most 300 characters how it differs', async () => {
    const change = { control: 'learningRate', value: 1 };
    const made = async (count: number) => {
      const answer = await branch({ changes: Array.from({ length: count }, () => change) });
      return answer.ok ? answer.created.change : null;
    };
    expect(await made(2)).toBe('learningRate = 1, learningRate = 1');
    expect((await made(16))!.length).toBe(286);
    expect(await made(17)).toBe(`${`${'learningRate = 1, '.repeat(17)}`.slice(0, 299)}…`);
  });

  it('a checkpoint, command, control or value that is not there is refused with its field and what there is', async () => {
    const other = 'd'.repeat(64);
    expect(await branch({}, [], other)).toEqual({
      ok: false,
      reason: 'invalid',
      message: 'checkpoint: run parent1 has no checkpoint dddddddddddd... in force; there are checkpoints at step 10',
      field: 'checkpoint',
    });
    expect(await branch({ repeat: { without: 'command1' } })).toEqual({
      ok: false,
      reason: 'invalid',
      message: 'repeat.without: no change command1 took effect after step 10',
      field: 'repeat.without',
    });
    expect(await branch({ changes: [{ control: 'lr', value: 1 }] })).toEqual({
      ok: false,
      reason: 'unknown-control',
      message: 'changes.0.control: there is no lr; there are learningRate',
      field: 'changes.0.control',
    });
    expect(await branch({ changes: [{ control: 'learningRate', value: -1 }] })).toEqual({
      ok: false,
      reason: 'invalid',
      message: 'changes.0.value: learningRate: -1 does not fit; give a number > 0',
      field: 'changes.0.value',
    });
  });
});
