import { describe, expect, it } from 'vitest';
import type { Entry, RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { seqCount } from '~/shared/rows';
import { latestOf } from '~/shared/streams';
import type { RunView } from '~/shared/view';
import { publishedSetup } from '~/test/support/setups';
import { foldAll } from '~/test/support/views';

const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
const created: RunEvent = { type: 'run.created', setup: publishedSetup('reverse'), actor: ada, parent: null };
const assigned = (attempt: number, fromStep: number, hash?: string): RunEvent => ({
  type: 'run.assigned',
  attempt,
  trainer: { id: 'trainer1', name: 'gpu', host: 'h' },
  fromStep,
  checkpoint: hash ? { hash, bytes: 10 } : null,
});
const started: RunEvent = {
  type: 'started',
  step: 0,
  device: { backend: 'cpu', device: 'CPU' },
  streams: [{ stream: 'steps', columns: [{ name: 'loss' }, { name: 'gradNorm' }] }],
  controls: { values: [], actions: [] },
  values: { clipNorm: 5 },
  lengths: { stepsPerEpoch: 10, totalSteps: 100 },
};
const rows = (firstStep: number, ...values: number[]): RunEvent => ({
  type: 'rows',
  stream: 'steps',
  steps: { first: firstStep, count: values.length / 2 },
  values: Float64Array.from(values),
});
const snap = (step: number): RunEvent => ({
  type: 'snapshot',
  step,
  blob: { hash: 'a'.repeat(64), bytes: 1 },
  trigger: 'cadence',
  commandId: null,
  layers: [{ name: 'layer 1', heads: 1, queries: 2, keys: 2 }],
  examples: 1,
  signals: [{ name: 'entropy', values: [1] }],
});
const check = (step: number, hash: string): RunEvent => ({
  type: 'checkpoint',
  step,
  blob: { hash, bytes: 10 },
  trigger: 'cadence',
  commandId: null,
  lastCommandSeq: 0,
});

function log(...events: RunEvent[]): Entry[] {
  let seq = 1;
  return events.map((event) => {
    const entry = { seq, attempt: 1, at: 1000 + seq, event };
    seq += seqCount(event);
    return entry;
  });
}
const view = (...events: RunEvent[]) => foldAll('run001', log(created, ...events));

describe('fold', () => {
  it('a log begins with run.created at seq 1, else it throws', () => {
    expect(() => emptyView('run001', { seq: 1, attempt: 0, at: 0, event: started })).toThrow(
      'run run001: its log must begin with run.created at 1, got started at 1',
    );
  });

  it('a gap or a repeat throws with both numbers', () => {
    const v = view();
    const at = (seq: number): Entry => ({ seq, attempt: 1, at: 0, event: assigned(1, 0) });
    expect(() => fold(v, at(3))).toThrow('run run001: expected seq 2, got 3');
    expect(() => fold(v, at(1))).toThrow('run run001: expected seq 2, got 1');
  });

  it('a block of n rows takes n places and leaves its last row as the newest', () => {
    const v = view(assigned(1, 0), started, rows(0, 2.3, 1, Number.NaN, 7));
    expect([v.seq, v.step, v.streams[0]!.latest]).toEqual([5, 2, { step: 1, at: 1004, values: Float64Array.of(Number.NaN, 7) }]);
    expect([latestOf(v, 'gradNorm'), latestOf(v, 'nope')]).toEqual([7, null]);
  });

  it('folding never changes the view it was given', () => {
    const before = view(assigned(1, 0), started);
    const copy = structuredClone(before);
    fold(before, { seq: before.seq + 1, attempt: 1, at: 5, event: snap(0) });
    expect(before).toEqual(copy);
  });

  it('a command shows requested, then applied with old and new, and sets the control with its author', () => {
    const command = { kind: 'set' as const, id: 'command1', runId: 'run001', control: 'clipNorm', value: 1, expected: 5 };
    const asked = view(assigned(1, 0), started, { type: 'command.requested', actor: ada, command });
    expect(asked.recent.commands.items).toEqual([
      { seq: 4, at: 1004, actor: ada, command, askedAtStep: 0, outcome: { status: 'requested' } },
    ]);
    const done = fold(asked, {
      seq: 5,
      attempt: 1,
      at: 9,
      event: { type: 'command.applied', commandId: 'command1', seq: 4, step: 3, before: 5, after: 1, message: '' },
    });
    expect(done.recent.commands.items[0]!.outcome).toEqual({
      status: 'applied',
      seq: 5,
      at: 9,
      step: 3,
      before: 5,
      after: 1,
      message: '',
    });
    expect(done.values).toEqual({ clipNorm: { value: 1, changedBy: ada, changedAtStep: 3 } });
  });

  it("a value is as old as its last change that stands: what a way back undid is nobody's change", () => {
    const hash = 'c'.repeat(64);
    const set = (id: string, seq: number, step: number, before: number, after: number, actor: Actor): RunEvent[] => [
      {
        type: 'command.requested',
        actor,
        command: { kind: 'set', id, runId: 'run001', control: 'clipNorm', value: after },
      },
      { type: 'command.applied', commandId: id, seq, step, before, after, message: '' },
    ];
    const bo: Actor = { ...ada, id: 'u2', name: 'Bo' };
    // Places: 1 created, 2 assigned, 3 started, 4 row, 5 the checkpoint, 6-7 Ada's change, 8 row, 9-10 Bo's, which gives the value of before again.
    const changed = [
      assigned(1, 0),
      started,
      rows(0, 1, 1),
      check(1, hash),
      ...set('command1', 6, 1, 5, 1, ada),
      rows(1, 1, 1),
      ...set('command2', 9, 2, 1, 5, bo),
    ];
    expect(view(...changed).values.clipNorm).toEqual({ value: 5, changedBy: bo, changedAtStep: 2 });
    const back: RunEvent[] = [
      {
        type: 'command.requested',
        actor: bo,
        command: { kind: 'act', id: 'command3', runId: 'run001', action: 'revert', args: { step: 1 } },
      },
      { type: 'command.applied', commandId: 'command3', seq: 11, step: 2, before: 2, after: 1, message: '' },
      { type: 'trainer.lost', message: 'Bo took the run back' },
      assigned(2, 1, hash),
      { ...started, step: 1 } as RunEvent,
    ];
    expect(view(...changed, ...back).values.clipNorm).toEqual({ value: 5, changedBy: null, changedAtStep: 1 });
  });

  it('a refused command keeps the value and says why', () => {
    const command = { kind: 'set' as const, id: 'command1', runId: 'run001', control: 'clipNorm', value: 1, expected: 4 };
    const v = view(
      assigned(1, 0),
      started,
      { type: 'command.requested', actor: ada, command },
      { type: 'command.refused', commandId: 'command1', seq: 4, step: 2, reason: 'conflict', message: 'changed by Bo at step 1' },
    );
    expect(v.recent.commands.items[0]!.outcome).toEqual({
      status: 'refused',
      seq: 5,
      at: 1005,
      step: 2,
      reason: 'conflict',
      message: 'changed by Bo at step 1',
    });
    expect(v.values.clipNorm!.value).toBe(5);
  });

  it('a new attempt from a checkpoint keeps what stands before the checkpoint and takes out what came after', () => {
    const hash = 'c'.repeat(64);
    const v = view(
      assigned(1, 0),
      started,
      snap(0),
      rows(0, 1, 1, 2, 2),
      snap(2),
      check(2, hash),
      rows(2, 3, 3),
      snap(3),
      assigned(2, 2, hash),
    );
    expect([
      v.step,
      v.attempt,
      v.recent.snapshots.items.map((s) => s.step),
      v.recent.checkpoints.items.map((c) => c.step),
    ]).toEqual([2, 2, [0, 2], [2]]);
  });

  it('a new attempt without a checkpoint starts the run over', () => {
    const v = view(assigned(1, 0), started, snap(0), rows(0, 1, 1), assigned(2, 0));
    expect([v.step, v.recent.snapshots.items, v.streams[0]!.latest]).toEqual([0, [], null]);
  });

  it('a trainer that goes away and comes back leaves the status it had', () => {
    const running: RunEvent = { type: 'status', status: 'paused', step: 0, message: '' };
    const away = view(assigned(1, 0), started, running, { type: 'trainer.lost', message: 'connection lost' });
    expect([away.status, away.statusBeforeLoss]).toEqual(['waiting', 'paused']);
    const back: RunView = fold(away, { seq: away.seq + 1, attempt: 1, at: 0, event: { type: 'trainer.back' } });
    expect([back.status, back.statusBeforeLoss]).toEqual(['paused', null]);
  });
});
