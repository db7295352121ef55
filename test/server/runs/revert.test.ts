/** Going back to a checkpoint, over real sockets: what the trainers are told, what the record keeps, and what is refused. */

import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import type { Command } from '~/shared/commands';
import type { TrainerEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import type { RunView } from '~/shared/view';
import { startApp, type TestApp } from '~/test/support/app';
import { openMemoryStore } from '~/test/support/memoryStore';
import { publishedSetup } from '~/test/support/setups';
import { blobOf, refOf, runStarted, startValues, steps } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';
import { TestViewer } from '~/test/support/viewer';
import { foldAll } from '~/test/support/views';

const setup = publishedSetup('reverse', { probeSize: 1 });
const values = startValues(setup);
const you: Actor = { id: 'local', name: 'You', role: 'admin' };
const bob: Actor = { id: 'bob', name: 'Bob', role: 'operator' };
const viewerRole: Actor = { id: 'vera', name: 'Vera', role: 'viewer' };

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const o of opened.splice(0).reverse()) await o.close();
});
const keep = <T extends { close(): unknown }>(o: T): T => {
  opened.push(o);
  return o;
};

const savedAt = (step: number) => blobOf(new TextEncoder().encode(`state at ${step}`));
const checkpoint = (step: number, lastCommandSeq: number): TrainerEvent => ({
  type: 'checkpoint',
  step,
  blob: refOf(savedAt(step)),
  trigger: 'cadence',
  commandId: null,
  lastCommandSeq,
});
const set = (runId: string, id: string, value: number): Command => ({ kind: 'set', id, runId, control: 'clipThreshold', value });

/** A run at step 12 with checkpoints at 5 and 10, and a change to 2 at step 3 and to 7 at step 8. */
async function steered(a: TestApp) {
  const { runId } = await a.hub.create(you, setup);
  const t = keep(await TrainerClient.connect(a.address, { name: 'first' }));
  t.ready();
  await t.assigned();
  for (const step of [5, 10]) await t.put(savedAt(step));
  const change = async (id: string, value: number, before: number, step: number) => {
    const answer = await a.hub.command(you, set(runId, id, value));
    if (!answer.ok) throw new Error(answer.message);
    await t.send({ type: 'command.applied', commandId: id, seq: answer.seq, step, before, after: value, message: '' });
    return answer.seq;
  };
  await t.send(runStarted(0, values), { type: 'status', status: 'running', step: 0, message: 'go' }, steps(0, 3, values));
  const early = await change('change-early', 2, 5, 3);
  await t.send(steps(3, 2, values), checkpoint(5, early), steps(5, 3, values));
  const late = await change('change-late', 7, 2, 8);
  await t.send(steps(8, 2, values), checkpoint(10, late), steps(10, 2, values));
  t.received.take('command');
  return { runId, t };
}
const view = async (a: TestApp, runId: string) => (await a.hub.view(runId))!;
const stored = async (a: TestApp, runId: string) =>
  foldAll(runId, await a.hub.store.entries({ runId, fromSeq: 1, limit: 10_000, types: null }));
const outcomeOf = (v: RunView, id: string) => v.recent.commands.items.find((c) => c.command.id === id);
const app = async (changes: Parameters<typeof startApp>[0] = {}) =>
  keep(await startApp({ store: openMemoryStore(), ...changes }));

describe('going back', () => {
  it('the trainer lets the run go and gets it again from the checkpoint; later commands are undone, earlier ones hold, rows are replaced', async () => {
    const a = await app();
    const { runId, t } = await steered(a);
    const v = keep(await TestViewer.connect(a.url));
    await v.watch(runId);
    // Asked for, but not yet taken up by the trainer.
    await a.hub.command(bob, set(runId, 'change-open', 9));

    const answer = await connect({ url: a.url }).runs.revert.mutate({
      runId,
      checkpoint: savedAt(5).hash,
      commandId: 'revert-to-5',
    });
    expect(answer).toMatchObject({ ok: true });
    const message = 'You took the run back from step 12 to the checkpoint at step 5';
    expect(await t.received.next('release')).toEqual({ runId, attempt: 1, message });
    expect((await view(a, runId)).status).toBe('waiting');
    expect(await t.batch(t.run!.next, [steps(12, 1, values)])).toMatchObject({ ok: false, reason: 'fenced' });

    t.ready();
    expect(await t.assigned()).toEqual({
      runId,
      attempt: 2,
      setup,
      resume: { step: 5, blob: refOf(savedAt(5)), replay: [] },
      commands: [],
    });
    await t.send(
      runStarted(5, { ...values, clipThreshold: 2 }),
      { type: 'status', status: 'running', step: 5, message: 'on' },
      steps(5, 4, values),
    );
    const now = await v.until((seen) => seen.step === 9 && seen.attempt === 2);
    expect(now).toEqual(await stored(a, runId));
    expect(now.recent.checkpoints.items.map((c) => c.step)).toEqual([5]);
    // Whose change the value is now: the one of step 3, not the undone one of step 8.
    expect(now.values.clipThreshold).toEqual({ value: 2, changedBy: you, changedAtStep: 3 });
    expect(outcomeOf(now, 'change-early')!.undone).toBeUndefined();
    expect(outcomeOf(now, 'change-late')).toMatchObject({ undone: true, outcome: { status: 'applied', step: 8 } });
    expect(outcomeOf(now, 'change-open')!.outcome).toMatchObject({
      status: 'refused',
      reason: 'state',
      message: `${message} before this could take effect`,
    });
    expect(outcomeOf(now, 'revert-to-5')).toMatchObject({
      actor: you,
      command: { kind: 'act', action: 'revert', args: { step: 5, checkpoint: savedAt(5).hash } },
      outcome: { status: 'applied', step: 12, before: 12, after: 5, message },
    });
    const range = await a.hub.store.range({ runId, series: ['loss'], fromStep: 0, toStep: null, buckets: 100 });
    expect([range.headStep, [...range.series[0]!.rows]]).toEqual([9, Array.from({ length: 9 }, () => 1)]);

    // The same request again is the same answer, and no second way back.
    expect(await a.hub.revert(you, { runId, checkpoint: savedAt(5).hash, commandId: 'revert-to-5' })).toEqual(answer);
    expect((await view(a, runId)).status).toBe('running');
  });

  it('a branch that is made before a trainer has the run again repeats nothing that was undone', async () => {
    const a = await app();
    const { runId } = await steered(a);
    const request = { runId, checkpoint: savedAt(5).hash, name: 'What if', changes: [], repeat: { without: null } };
    const repeated = async () => {
      const answer = await a.hub.branch(you, request);
      if (!answer.ok || answer.runId === null) throw new Error('no branch');
      return (await view(a, answer.runId)).openCommands.map((c) => c.command);
    };
    expect(await repeated()).toMatchObject([{ control: 'clipThreshold', value: 7, when: { kind: 'step', step: 8 } }]);
    await a.hub.revert(you, { runId, checkpoint: savedAt(5).hash });
    expect(await repeated()).toEqual([]);
  });

  it('a trainer that dies after it: the next one repeats neither what was undone nor the way back', async () => {
    const a = await app({ graceMs: 50 });
    const { runId, t } = await steered(a);
    await a.hub.revert(you, { runId, checkpoint: savedAt(5).hash });
    await t.received.next('release');
    t.ready();
    await t.assigned();
    await t.send(runStarted(5, { ...values, clipThreshold: 2 }), steps(5, 1, values));
    const later = await a.hub.command(you, set(runId, 'change-after', 3));
    if (!later.ok) throw new Error(later.message);
    await t.send({
      type: 'command.applied',
      commandId: 'change-after',
      seq: later.seq,
      step: 6,
      before: 2,
      after: 3,
      message: '',
    });
    const other = keep(await TrainerClient.connect(a.address, { name: 'second' }));
    other.ready();
    t.close();
    const { resume, commands } = await other.assigned();
    expect(resume!.step).toBe(5);
    expect(resume!.replay.map((r) => [r.logged.command.id, r.step])).toEqual([['change-after', 6]]);
    expect(commands).toEqual([]);
  });

  it('survives a restart of the server between the way back and the next trainer', async () => {
    const store = openMemoryStore();
    const lasting = { ...store, close: async () => {} };
    const before = await app({ store: lasting });
    const { runId } = await steered(before);
    await before.hub.revert(you, { runId, checkpoint: savedAt(5).hash });
    await before.close();
    const after = await app({ store: lasting, graceMs: 0 });
    const t = keep(await TrainerClient.connect(after.address));
    t.ready();
    expect(await t.assigned()).toMatchObject({ attempt: 2, resume: { step: 5, replay: [] }, commands: [] });
  });

  it('a paused run stays paused: the pause is the first command of the new attempt', async () => {
    const a = await app();
    const { runId, t } = await steered(a);
    await t.send({ type: 'status', status: 'paused', step: 12, message: 'paused' });
    await a.hub.revert(you, { runId, checkpoint: savedAt(10).hash });
    t.ready();
    const { resume, commands } = await t.assigned();
    expect(resume!.step).toBe(10);
    expect(commands.map((c) => c.command)).toMatchObject([{ kind: 'act', action: 'pause', args: {} }]);
  });

  it('commands that the checkpoint holds wait for their condition again', async () => {
    const a = await app();
    const { runId } = await a.hub.create(you, setup);
    const t = keep(await TrainerClient.connect(a.address));
    t.ready();
    await t.assigned();
    await t.put(savedAt(5));
    await t.send(runStarted(0, values), steps(0, 5, values));
    const held = await a.hub.command(you, { ...set(runId, 'held-to-8', 3), when: { kind: 'step', step: 8 } } as Command);
    if (!held.ok) throw new Error(held.message);
    const about = { commandId: 'held-to-8', seq: held.seq };
    await t.send({ type: 'command.scheduled', ...about, step: 5, message: 'at step 8' }, checkpoint(5, held.seq));
    await t.send(steps(5, 3, values), { type: 'command.applied', ...about, step: 8, before: 5, after: 3, message: '' });
    await a.hub.revert(you, { runId, checkpoint: savedAt(5).hash });
    t.ready();
    await t.assigned();
    expect(outcomeOf(await view(a, runId), 'held-to-8')).toMatchObject({
      outcome: { status: 'scheduled', message: 'waits again from step 5 on' },
    });
    await t.send(runStarted(5, values), steps(5, 3, values));
    await t.send({ type: 'command.applied', ...about, step: 8, before: 5, after: 3, message: '' });
    const record = outcomeOf(await view(a, runId), 'held-to-8')!;
    expect([record.outcome.status, record.undone]).toEqual(['applied', undefined]);
  });

  it('while the run is being given to a trainer, that trainer gets it from the checkpoint', async () => {
    const a = await app();
    const { runId, t } = await steered(a);
    const other = keep(await TrainerClient.connect(a.address, { name: 'second' }));
    other.ready();
    await a.hub.revert(you, { runId, checkpoint: savedAt(10).hash });
    expect(await other.assigned()).toMatchObject({ attempt: 2, resume: { step: 10 } });
    // And again, to further back, from the one that has it now.
    await a.hub.revert(you, { runId, checkpoint: savedAt(5).hash });
    expect(await other.received.next('release')).toMatchObject({ runId, attempt: 2 });
    t.ready();
    expect(await t.assigned()).toMatchObject({ attempt: 3, resume: { step: 5, replay: [] } });
  });
});

describe('a run that has ended', () => {
  it('goes on from a checkpoint: it waits in the queue again, the next trainer resumes it, and only the revert is taken from people', async () => {
    const a = await app();
    const { runId, t } = await steered(a);
    await a.hub.decide(runId, () => [{ type: 'control.locked', actor: bob, holder: bob, until: null }]);
    await t.send({ type: 'status', status: 'finished', step: 12, message: 'done' });
    t.ready();
    const v = keep(await TestViewer.connect(a.url));
    expect((await v.watch(runId)).ok).toBe(true);
    expect(await a.hub.command(you, set(runId, 'change-ended', 9))).toMatchObject({
      reason: 'run-ended',
      message: 'the run has ended (finished); to go on, revert it to one of its checkpoints or branch it',
    });
    // The control lock went with the end: Bob does not hold it any more.
    expect(await a.hub.revert(you, { runId, checkpoint: savedAt(10).hash, commandId: 'go-on-from-10' })).toMatchObject({
      ok: true,
    });
    expect(await t.assigned()).toMatchObject({ runId, attempt: 2, resume: { step: 10, blob: refOf(savedAt(10)), replay: [] } });
    await t.send(
      runStarted(10, { ...values, clipThreshold: 7 }),
      { type: 'status', status: 'running', step: 10, message: 'on' },
      steps(10, 5, values),
      { type: 'status', status: 'finished', step: 15, message: 'done again' },
    );
    const now = await v.until((seen) => seen.status === 'finished' && seen.step === 15);
    expect(now).toEqual(await stored(a, runId));
    expect(now.recent.statuses.items.map((s) => s.status)).toEqual([
      'starting',
      'running',
      'finished',
      'waiting',
      'starting',
      'running',
      'finished',
    ]);
    expect(now.values.clipThreshold).toEqual({ value: 7, changedBy: you, changedAtStep: 8 });
    expect(a.hub.summaries().find((r) => r.runId === runId)).toMatchObject({ status: 'finished', step: 15 });
  });

  it('and was put off to the queue survives a restart of the server, and can be stopped without a trainer', async () => {
    const store = openMemoryStore();
    const lasting = { ...store, close: async () => {} };
    const before = await app({ store: lasting });
    const { runId, t } = await steered(before);
    await t.send({ type: 'status', status: 'stopped', step: 12, message: 'stopped' });
    expect(await before.hub.revert(you, { runId, checkpoint: savedAt(5).hash })).toMatchObject({ ok: true });
    await before.close();
    const after = await app({ store: lasting, graceMs: 0 });
    expect((await view(after, runId)).status).toBe('waiting');
    const stop: Command = { kind: 'act', id: 'stop-it-now', runId, action: 'stop', args: {} };
    const v = keep(await TestViewer.connect(after.url));
    await v.watch(runId);
    expect(await after.hub.command(you, stop)).toMatchObject({ ok: true });
    expect(await v.until((seen) => seen.status === 'stopped')).toEqual(await stored(after, runId));
  });

  it('and is stopped before a trainer has it: it has gone back', async () => {
    const a = await app();
    const { runId, t } = await steered(a);
    // Takes effect after the checkpoint that the run goes back to, which holds it.
    const when = { kind: 'step', step: 9 } as const;
    await a.hub.command(you, { ...set(runId, 'at-step-9', 8), when });
    const rate = { kind: 'set', id: 'first-rate', runId, control: 'learningRate', value: 0.5 } as const;
    const { seq } = (await a.hub.command(you, rate)) as { seq: number };
    const before = values.learningRate!;
    await t.send({ type: 'command.applied', commandId: rate.id, seq, step: 12, before, after: 0.5, message: '' });
    await t.send({ type: 'status', status: 'finished', step: 12, message: 'all steps' });
    await a.hub.revert(you, { runId, checkpoint: savedAt(5).hash });
    await a.hub.command(you, { kind: 'act', id: 'stop-it-now', runId, action: 'stop', args: {} });
    const now = await view(a, runId);
    expect(now).toEqual(await stored(a, runId));
    expect(now).toMatchObject({ status: 'stopped', step: 5, pendingRevert: null, openCommands: [], lastCheckpoint: { step: 5 } });
    expect(now.recent.checkpoints.items.map((c) => c.step)).toEqual([5]);
    expect(now.values.clipThreshold).toEqual({ value: 2, changedBy: you, changedAtStep: 3 });
    expect(now.values.learningRate).toMatchObject({ value: before, changedBy: null });
    expect(outcomeOf(now, 'change-late')).toMatchObject({ undone: true });
    expect(outcomeOf(now, 'stop-it-now')!.outcome).toMatchObject({ status: 'applied', step: 5 });
    const range = await a.hub.store.range({ runId, series: ['loss'], fromStep: 0, toStep: null, buckets: 100 });
    expect([range.headStep, range.series[0]!.lastSteps.at(-1)]).toEqual([5, 4]);
    expect(a.hub.summaries().find((r) => r.runId === runId)).toMatchObject({ status: 'stopped', step: 5 });
    // From there it can go on, as from any of its checkpoints.
    expect(await a.hub.revert(you, { runId, checkpoint: savedAt(10).hash })).toMatchObject({ ok: false, field: 'checkpoint' });
    expect(await a.hub.revert(you, { runId, checkpoint: savedAt(5).hash })).toMatchObject({ ok: true });
  });
});

describe('is refused', () => {
  it('for an unknown checkpoint, a viewer, somebody without the control lock, a run without a trainer and a run in the trash', async () => {
    const a = await app();
    const { runId: queued } = await a.hub.create(you, { ...setup, recipe: { name: 'reverse', trainer: 'not here' } });
    expect(await a.hub.revert(you, { runId: queued, checkpoint: savedAt(5).hash })).toEqual({
      ok: false,
      reason: 'state',
      message: 'no trainer has taken the run yet: there is nothing to go back to',
      field: null,
    });
    const { runId, t } = await steered(a);
    const unknown = 'f'.repeat(64);
    expect(await a.hub.revert(you, { runId, checkpoint: unknown })).toEqual({
      ok: false,
      reason: 'invalid',
      message: `args.checkpoint: no checkpoint "${unknown}"; there are checkpoints at step 5, 10`,
      field: 'checkpoint',
    });
    expect(await a.hub.revert(viewerRole, { runId, checkpoint: savedAt(5).hash })).toMatchObject({ reason: 'forbidden' });
    expect(await a.hub.revert(you, { runId: 'nothere', checkpoint: savedAt(5).hash })).toMatchObject({
      reason: 'unknown-run',
      field: 'runId',
    });
    const act = (args: Record<string, number | string>): Command => ({
      kind: 'act',
      id: `revert-${JSON.stringify(args).length}-${Object.keys(args).join('-')}`,
      runId,
      action: 'revert',
      args,
    });
    expect(await a.hub.command(you, act({}))).toMatchObject({ reason: 'invalid', field: 'args.step' });
    expect(await a.hub.command(you, act({ step: 6 }))).toMatchObject({
      message: 'args.step: no checkpoint at step 6; the nearest kept ones are at steps 5 and 10',
      field: 'args.step',
    });
    expect(await a.hub.command(you, act({ stepp: 5 }))).toMatchObject({ reason: 'invalid', field: 'args.stepp' });
    await a.hub.decide(runId, () => [{ type: 'control.locked', actor: bob, holder: bob, until: null }]);
    expect(await a.hub.revert(you, { runId, checkpoint: savedAt(5).hash })).toMatchObject({
      reason: 'forbidden',
      message: 'Bob holds the control lock; ask for it, or wait until it is released',
    });
    await t.send({ type: 'status', status: 'stopped', step: 12, message: 'stopped' });
    await connect({ url: a.url }).runs.label.mutate({ runId, trashed: true });
    expect(await a.hub.revert(bob, { runId, checkpoint: savedAt(5).hash })).toMatchObject({
      reason: 'state',
      message: 'the run is in the trash: take it out first',
    });
    // Nothing of all this is in the log.
    expect((await view(a, runId)).recent.commands.items.map((c) => c.command.id)).toEqual(['change-early', 'change-late']);
  });

  it('until a second operator approves it, when an admin marked it as risky', async () => {
    const a = await app();
    const { runId, t } = await steered(a);
    const client = connect({ url: a.url });
    await client.team.setNeedsApproval.mutate({ names: ['revert'] });
    expect(await a.hub.revert(bob, { runId, checkpoint: savedAt(5).hash, commandId: 'risky-revert' })).toMatchObject({
      ok: true,
    });
    expect(outcomeOf(await view(a, runId), 'risky-revert')!.outcome).toEqual({ status: 'proposed' });
    expect(await client.runs.answerProposal.mutate({ runId, commandId: 'risky-revert', approved: true })).toMatchObject({
      ok: true,
    });
    expect(outcomeOf(await view(a, runId), 'risky-revert')).toMatchObject({
      actor: bob,
      outcome: { status: 'applied', after: 5 },
    });
    t.ready();
    expect(await t.assigned()).toMatchObject({ attempt: 2, resume: { step: 5 } });
  });
});
