/** Commands of a run, and a trainer that takes it over. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '~/shared/commands';
import type { Actor } from '~/shared/ids';
import { mostOpenCommands } from '~/shared/view';
import {
  act,
  ada,
  applied,
  around,
  batch,
  begin,
  blobs,
  bob,
  checkpoint,
  eve,
  freshRoom,
  gpu,
  inLog,
  room,
  runId,
  set,
  setup,
  store,
  values,
} from '~/test/support/ownRoom';
import { runStarted, steps } from '~/test/support/synthetic';

beforeEach(freshRoom);

const saved = (step: number, hash: string, lastCommandSeq: number) => {
  blobs.add(hash);
  return checkpoint(step, hash, lastCommandSeq);
};

describe('a command', () => {
  it('enters the log with its author; sent again it gets the same answer and is there once', async () => {
    await begin();
    const command = set('command-1', 'clipThreshold', 2, 5);
    expect(await room.command(ada, command)).toEqual({ ok: true, seq: 5 });
    expect(await room.command(ada, command)).toEqual({ ok: true, seq: 5 });
    expect((await inLog()).at(-1)).toMatchObject({ seq: 5, event: { type: 'command.requested', actor: ada, command } });
    expect(room.open(0)).toEqual([{ seq: 5, actor: ada, command }]);
  });

  it('an id used twice for different things is refused', async () => {
    await begin();
    await room.command(ada, set('command-1', 'clipThreshold', 2));
    const refusal = { ok: false, reason: 'invalid', message: 'id: command-1 was used for another command', field: 'id' };
    expect(await room.command(ada, set('command-1', 'clipThreshold', 3))).toEqual(refusal);
    expect(await room.command(bob, set('command-1', 'clipThreshold', 2))).toEqual(refusal);
  });

  it.each<[string, Actor, Command, object]>([
    [
      'of a viewer',
      eve,
      set('command-1', 'clipThreshold', 2),
      { reason: 'forbidden', message: 'Eve (viewer) may not steer runs' },
    ],
    [
      'for no control',
      ada,
      set('command-1', 'clip', 2),
      {
        reason: 'unknown-control',
        field: 'control',
        message: 'there is no control "clip"; this run has learningRate, clipThreshold, snapshotEverySteps',
      },
    ],
    [
      'with a value out of range',
      ada,
      set('command-1', 'clipThreshold', 0),
      { reason: 'invalid', field: 'value', message: 'clipThreshold: 0 does not fit; give a number > 0' },
    ],
    [
      'whose condition can never come about',
      ada,
      { ...set('command-1', 'clipThreshold', 2), when: { kind: 'series', name: 'accuracy', comparison: '>', value: 1 } },
      { reason: 'invalid', field: 'when.value', message: 'when.value: an accuracy is never above 1; give a number below 1' },
    ],
    ['for no action', ada, act('command-1', 'explode'), { reason: 'unknown-control', field: 'action' }],
    [
      'with an unknown argument',
      ada,
      act('command-1', 'pause', { now: 'x' }),
      { reason: 'invalid', field: 'args.now', message: 'pause takes no arguments, not "now"' },
    ],
    [
      'with a wrong argument',
      ada,
      act('command-1', 'evaluate', { split: 'x' }),
      { reason: 'invalid', field: 'args.split', message: 'split: "x" does not fit; give one of train, validation, test' },
    ],
  ])('%s is refused in words and leaves no trace', async (_name, actor, command, refusal) => {
    await begin();
    const before = await inLog();
    expect(await room.command(actor, command)).toMatchObject({ ok: false, ...refusal });
    expect(await inLog()).toEqual(before);
  });

  it('of two writers who saw the same value the second is told who changed it and when', async () => {
    await begin();
    await batch(1, 2, steps(0, 7, values));
    await room.command(ada, set('command-1', 'clipThreshold', 2, 5));
    await batch(1, 9, applied('command-1', 12, 7, 5, 2));
    expect(await room.command(bob, set('command-2', 'clipThreshold', 9, 5))).toEqual({
      ok: false,
      reason: 'conflict',
      field: 'expected',
      message: 'Clip at was changed by Ada at step 7: it is 2 now, you saw 5',
    });
  });

  it('waits beside no more than a stated number of others; one that makes room for them still comes', async () => {
    await begin();
    for (let i = 0; i < mostOpenCommands; i++)
      expect(await room.command(ada, set(`command-${i}`, 'clipThreshold', 2 + i))).toMatchObject({ ok: true });
    expect(await room.command(ada, set('one-too-many', 'clipThreshold', 1))).toEqual({
      ok: false,
      reason: 'busy',
      message: `${mostOpenCommands} commands of this run wait already`,
      field: null,
    });
    expect(await room.command(ada, act('make-room', 'stop'))).toMatchObject({ ok: true });
  });

  it('for a run that has ended is refused', async () => {
    await begin();
    await batch(1, 2, { type: 'status', status: 'failed', step: 0, message: '' });
    expect(await room.command(ada, act('command-1', 'pause'))).toMatchObject({ ok: false, reason: 'run-ended' });
  });

  it('open when the run ends is refused once no trainer is left to answer', async () => {
    await begin();
    await room.command(ada, act('command-1', 'pause'));
    await batch(1, 2, { type: 'status', status: 'finished', step: 0, message: '' });
    await room.settle();
    await room.settle();
    expect(room.view.recent.commands.items.map((c) => c.outcome)).toMatchObject([{ status: 'refused', reason: 'run-ended' }]);
    expect((await inLog()).filter((e) => e.event.type === 'command.refused').length).toBe(1);
  });

  it('stop ends a queued run without a trainer', async () => {
    around.hasTrainer = false;
    await room.command(ada, set('command-1', 'clipThreshold', 2));
    await room.command(bob, act('command-2', 'stop'));
    expect(room.view).toMatchObject({ status: 'stopped', statusMessage: 'stopped by Bob' });
    expect(room.view.recent.commands.items.map((c) => c.outcome.status)).toEqual(['refused', 'applied']);
    expect(await room.assign(gpu)).toBeNull();
  });
});

describe('a takeover', () => {
  it('of a queued run starts at the beginning with the commands that wait', async () => {
    around.hasTrainer = false;
    await room.command(ada, set('command-1', 'clipThreshold', 2));
    expect(await room.assign(gpu)).toEqual({
      runId,
      attempt: 1,
      setup,
      resume: null,
      commands: [{ seq: 2, actor: ada, command: set('command-1', 'clipThreshold', 2) }],
    });
  });

  it('goes on from the last checkpoint, replays what took effect after it at its step, and hands over what is open', async () => {
    await begin();
    await room.command(ada, set('command-1', 'clipThreshold', 4)); // 5
    await batch(1, 2, applied('command-1', 5, 0, 5, 4), steps(0, 10, values), saved(10, 'a'.repeat(64), 5)); // 6, 7..16, 17
    await room.command(ada, set('command-2', 'clipThreshold', 3)); // 18
    await batch(1, 14, steps(10, 5, values), applied('command-2', 18, 15, 4, 3), steps(15, 5, values)); // ..29
    await room.command(bob, set('command-3', 'clipThreshold', 2)); // 30
    await room.lost('gone');
    const assignment = await room.assign({ id: 'trainer-2', name: 'other', host: 'h' });
    expect(assignment).toEqual({
      runId,
      attempt: 2,
      setup,
      resume: {
        step: 10,
        blob: { hash: 'a'.repeat(64), bytes: 3 },
        replay: [{ logged: { seq: 18, actor: ada, command: set('command-2', 'clipThreshold', 3) }, step: 15 }],
      },
      commands: [{ seq: 30, actor: bob, command: set('command-3', 'clipThreshold', 2) }],
    });
    expect(room.view).toMatchObject({ status: 'starting', step: 10, attempt: 2 });
    expect((await store.range({ runId, series: ['loss'], fromStep: 0, toStep: null, buckets: 100 })).headStep).toBe(10);
    // The new attempt numbers its events from 0.
    expect(await batch(2, 0, runStarted(10, values))).toEqual({ ok: true, nextEvent: 1 });
  });

  it('replays a command that was put off before the checkpoint and took effect after it', async () => {
    await begin();
    const command = { ...set('command-1', 'clipThreshold', 4), when: { kind: 'step' as const, step: 15 } };
    await room.command(ada, command); // 5
    const scheduled = { type: 'command.scheduled', commandId: 'command-1', seq: 5, step: 0, message: 'at step 15' } as const;
    await batch(1, 2, scheduled, steps(0, 10, values), saved(10, 'a'.repeat(64), 5));
    await batch(1, 14, steps(10, 5, values), applied('command-1', 5, 15, 5, 4), steps(15, 5, values));
    const assignment = await room.assign(gpu);
    expect(assignment?.resume).toMatchObject({ step: 10, replay: [{ logged: { seq: 5, actor: ada, command }, step: 15 }] });
    expect(assignment?.commands).toEqual([]);
  });

  it('passes over a checkpoint whose bytes are gone', async () => {
    await begin();
    await batch(1, 2, steps(0, 4, values), saved(4, 'a'.repeat(64), 0), steps(4, 4, values), saved(8, 'b'.repeat(64), 0));
    blobs.delete('b'.repeat(64));
    expect((await room.assign(gpu))?.resume).toMatchObject({ step: 4 });
  });

  it('however often its trainers die is never the end of the run', async () => {
    await begin();
    for (let i = 0; i < 30; i++) expect(await room.assign(gpu)).not.toBeNull();
    expect(room.view).toMatchObject({ status: 'starting', takeovers: { fromStep: 0, count: 31 } });
  });
});
