/** Questions about checkpoints, over real sockets: who is asked, what the log of an ended run gets, and what is refused. */

import { afterEach, describe, expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import type { Command } from '~/shared/commands';
import type { Entry, TrainerEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import type { RunView } from '~/shared/view';
import type { QuestionSummary } from '~/shared/viewerProtocol';
import { startApp, type TestApp } from '~/test/support/app';
import { openMemoryStore } from '~/test/support/memoryStore';
import { publishedSetup } from '~/test/support/setups';
import { blobOf, controls, refOf, runStarted, startValues, steps } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';
import { TestViewer } from '~/test/support/viewer';
import { foldAll } from '~/test/support/views';

const setup = publishedSetup('reverse', { probeSize: 1 });
const you: Actor = { id: 'local', name: 'You', role: 'admin' };
const vera: Actor = { id: 'vera', name: 'Vera', role: 'viewer' };
const bob: Actor = { id: 'bob', name: 'Bob', role: 'operator' };

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const o of opened.splice(0).reverse()) await o.close();
});
const keep = <T extends { close(): unknown }>(o: T): T => {
  opened.push(o);
  return o;
};

/** The first list of questions that was pushed and fits. */
async function pushed(viewer: TestViewer, fits: (list: QuestionSummary[]) => boolean): Promise<QuestionSummary[]> {
  for (;;) {
    const list = await viewer.received.next('questions');
    if (fits(list)) return list;
  }
}

const savedAt = (step: number) => blobOf(new TextEncoder().encode(`state at ${step}`));
const checkpoint = (step: number): TrainerEvent => ({
  type: 'checkpoint',
  step,
  blob: refOf(savedAt(step)),
  trigger: 'cadence',
  commandId: null,
  lastCommandSeq: 0,
});
const asksNothing = { label: 'Asked', help: '', args: [], risky: false };
const declared = {
  ...controls,
  actions: [
    ...controls.actions,
    { ...asksNothing, name: 'ablateHeads', question: true },
    { ...asksNothing, name: 'ownQuestion', question: true },
    {
      ...asksNothing,
      name: 'cancel',
      role: 'cancel' as const,
      args: [{ ...controls.values[0]!, name: 'commandId', type: 'text' as const }],
    },
  ],
};

const ask = (runId: string, id: string, more: Partial<Extract<Command, { kind: 'act' }>> = {}): Command => ({
  kind: 'act',
  id,
  runId,
  action: 'ablateHeads',
  args: {},
  ...more,
});
const cancel = (runId: string, id: string, commandId: string): Command =>
  ask(runId, id, { action: 'cancel', args: { commandId } });
const good = { ok: true, backend: 'cpu', summary: { loss: 1, worse: Number.NaN }, message: 'as good as ever' } as const;

/** A run with checkpoints at 5 and 10, ended at 12 or going on; its trainer answers no questions. */
async function played(a: TestApp, end: 'finished' | 'paused' = 'finished') {
  const { runId } = await a.hub.create(you, setup);
  const t = keep(await TrainerClient.connect(a.address, { name: 'plain' }));
  t.ready();
  await t.assigned();
  for (const step of [5, 10]) await t.put(savedAt(step));
  const start = runStarted(0, startValues(setup)) as Extract<TrainerEvent, { type: 'started' }>;
  await t.send({ ...start, controls: declared }, { type: 'status', status: 'running', step: 0, message: 'go' });
  const values = startValues(setup);
  await t.send(steps(0, 5, values), checkpoint(5), steps(5, 5, values), checkpoint(10), steps(10, 2, values));
  await t.send({ type: 'status', status: end, step: 12, message: end });
  return { runId, t };
}
const helper = async (a: TestApp, name: string) => keep(await TrainerClient.connect(a.address, { name, answers: true }));
const entriesAfter = (a: TestApp, runId: string, seq: number): Promise<Entry[]> =>
  a.hub.store.entries({ runId, fromSeq: seq + 1, limit: 1000, types: null });
const app = async (changes: Parameters<typeof startApp>[0] = {}) =>
  keep(await startApp({ store: openMemoryStore(), ...changes }));
/** Resolves once the run's view is as it should be. */
const until = (a: TestApp, runId: string, reached: (v: NonNullable<Awaited<ReturnType<TestApp['hub']['view']>>>) => boolean) =>
  new Promise<void>((resolve) => {
    const stop = a.hub.onEntries((id, _entries, view) => {
      if (id === runId && reached(view)) {
        stop();
        resolve();
      }
    });
    void a.hub.view(runId).then((view) => {
      if (view && reached(view)) resolve();
    });
  });
const answered = (id: string) => (v: RunView) =>
  v.recent.commands.items.some((c) => c.command.id === id && (c.outcome.status === 'applied' || c.outcome.status === 'refused'));
const outcome = async (a: TestApp, runId: string, id: string) =>
  (await a.hub.view(runId))!.recent.commands.items.find((c) => c.command.id === id)!.outcome;

describe('a question about a run that has ended', () => {
  it('is refused when the run goes on from an earlier checkpoint before it is answered: the answer is about another one', async () => {
    const a = await app();
    const { runId, t: trainer } = await played(a);
    const t = await helper(a, 'helper');
    await a.hub.command(you, ask(runId, 'question-1'));
    const { ticket, blob } = await t.received.next('ask');
    expect(blob).toEqual(refOf(savedAt(10)));
    expect(await a.hub.revert(you, { runId, checkpoint: refOf(savedAt(5)).hash })).toMatchObject({ ok: true });
    trainer.ready();
    expect((await trainer.assigned()).resume).toMatchObject({ step: 5 });
    t.answer(ticket, good);
    await until(a, runId, answered('question-1'));
    expect(await outcome(a, runId, 'question-1')).toMatchObject({
      status: 'refused',
      message: 'the run went back to a checkpoint before the one this asks about',
    });
  });

  it('is given to a trainer again when the store failed while it was given to one', async () => {
    const store = openMemoryStore();
    const a = await app({ store });
    const { runId } = await played(a);
    const { append } = store;
    let failures = 0;
    store.append = (write) => {
      if (failures > 0 || write.entries[0]?.event.type !== 'command.scheduled') return append(write);
      failures++;
      return Promise.reject(new Error('disk full'));
    };
    const t = await helper(a, 'helper');
    await a.hub.command(you, ask(runId, 'question-1'));
    const { ticket } = await t.received.next('ask');
    expect(failures).toBe(1);
    t.answer(ticket, good);
    await until(a, runId, answered('question-1'));
    expect(await outcome(a, runId, 'question-1')).toMatchObject({ status: 'applied' });
    expect(a.trouble.splice(0)).toEqual([expect.stringContaining('disk full')]);
  });

  it('is asked of a trainer with the last checkpoint, and its answer enters the log once; the run stays as it was', async () => {
    const a = await app();
    const { runId } = await played(a);
    const before = (await a.hub.view(runId))!;
    const watching = keep(await TestViewer.connect(a.url));
    // Whoever does not ask is not told.
    const other = keep(await TestViewer.connect(a.url));
    watching.socket.emit('watchQuestions');
    expect(await watching.received.next('questions')).toEqual([]);
    const t = await helper(a, 'helper');
    const given = await connect({ url: a.url }).runs.command.mutate(ask(runId, 'question-1'));
    expect(given).toEqual({ ok: true, seq: before.seq + 1 });
    const { ticket, ...asked } = await t.received.next('ask');
    expect(asked).toEqual({
      runId,
      commandId: 'question-1',
      setup,
      action: 'ablateHeads',
      args: {},
      step: 10,
      blob: refOf(savedAt(10)),
    });
    t.socket.emit('progress', { ticket, done: 2, of: 5 });
    t.socket.emit('progress', { ticket: 'another', done: 4, of: 5 });
    expect(await pushed(watching, ([q]) => (q?.done ?? 0) > 0)).toEqual([
      {
        runId,
        name: setup.name,
        commandId: 'question-1',
        action: 'ablateHeads',
        label: 'Asked',
        actor: you,
        step: 10,
        trainer: 'helper',
        why: null,
        done: 2,
        of: 5,
      },
    ]);
    t.answer(ticket, good);
    t.answer(ticket, { ...good, message: 'again' });
    await until(a, runId, answered('question-1'));
    expect(await a.hub.command(you, ask(runId, 'question-1'))).toEqual(given);
    expect(a.hub.questions.list()).toEqual([]);
    expect(await pushed(watching, (list) => list.length === 0)).toEqual([]);

    const { seq } = before;
    const log = await entriesAfter(a, runId, seq);
    expect(log.map((e) => e.event)).toEqual([
      { type: 'command.requested', actor: you, command: ask(runId, 'question-1') },
      {
        type: 'command.scheduled',
        commandId: 'question-1',
        seq: seq + 1,
        step: 10,
        message: 'helper answers it, from the checkpoint at step 10',
      },
      {
        type: 'command.applied',
        commandId: 'question-1',
        seq: seq + 1,
        step: 10,
        before: null,
        after: null,
        message: 'answered by helper on cpu, from the checkpoint at step 10',
      },
      {
        type: 'analysis',
        step: 10,
        kind: 'ablateHeads',
        commandId: 'question-1',
        summary: { loss: 1, worse: Number.NaN },
        message: 'as good as ever',
        blob: null,
        checkpoint: savedAt(10).hash,
        checkpointSeq: 16,
      },
    ]);
    const after = (await a.hub.view(runId))!;
    const { recent, counts: _n, seq: _s, updatedAt: _u, ...rest } = after;
    expect(rest).toEqual({
      ...Object.fromEntries(Object.entries(before).filter(([key]) => key in rest)),
    });
    expect(recent.analyses.items.map((x) => x.message)).toEqual(['as good as ever']);
    expect(other.received.take('questions')).toEqual([]);
    expect(after).toEqual(foldAll(runId, await entriesAfter(a, runId, 0)));
  });

  it('may name an earlier checkpoint; of a run that goes on it needs to, and the run’s trainer hears nothing of it', async () => {
    const a = await app();
    const { runId, t: own } = await played(a, 'paused');
    own.received.take('command');
    const t = await helper(a, 'helper');
    await a.hub.command(you, ask(runId, 'question-5', { action: 'ownQuestion', checkpoint: savedAt(5).hash }));
    expect(await t.received.next('ask')).toMatchObject({ step: 5, action: 'ownQuestion', blob: refOf(savedAt(5)) });
    await a.hub.command(you, ask(runId, 'question-live'));
    expect((await own.received.next('command')).command.id).toBe('question-live');
    expect(own.received.take('command')).toEqual([]);
    // A trainer that takes the run over neither hears nor repeats it.
    expect((await a.hub.view(runId))!.recent.commands.items.map((c) => [c.command.id, c.outcome.status])).toEqual([
      ['question-5', 'scheduled'],
      ['question-live', 'requested'],
    ]);
    own.close();
    const room = (await a.hub.view(runId))!;
    expect(room.status).toBe('paused');
  });

  it('is refused with what is wrong with it', async () => {
    const a = await app();
    const { runId } = await played(a);
    const checkpointHash = savedAt(5).hash;
    expect(await a.hub.command(vera, ask(runId, 'q-viewer-1'))).toMatchObject({ reason: 'forbidden' });
    expect(await a.hub.command(you, ask(runId, 'q-args-001', { args: { heads: 'all' } }))).toMatchObject({ field: 'args.heads' });
    expect(await a.hub.command(you, ask(runId, 'q-other-01', { action: 'snapshot' }))).toMatchObject({ reason: 'run-ended' });
    expect(
      await a.hub.command(you, ask(runId, 'q-when-001', { checkpoint: checkpointHash, when: { kind: 'step', step: 9 } })),
    ).toMatchObject({ reason: 'invalid', field: 'when' });
    expect(await a.hub.command(you, ask(runId, 'q-unknown1', { checkpoint: 'f'.repeat(64) }))).toEqual({
      ok: false,
      reason: 'invalid',
      field: 'checkpoint',
      message: `checkpoint: the run has no checkpoint ffffffffffff... in force; its last one, at step 10, is ${savedAt(10).hash}`,
    });
    const { runId: live } = await played(a, 'paused');
    expect(await a.hub.command(you, ask(live, 'q-noask-01', { action: 'snapshot', checkpoint: checkpointHash }))).toMatchObject({
      reason: 'invalid',
      field: 'checkpoint',
      message: 'checkpoint: snapshot is no question about parameters; leave `checkpoint` out',
    });
    expect((await a.hub.view(runId))!.recent.commands.items).toEqual([]);
  });
});

describe('a trainer that is lost over a question', () => {
  it('gives it to the next, whose answer counts; what the first still says is ignored', async () => {
    const a = await app();
    const { runId } = await played(a);
    const first = await helper(a, 'first');
    await a.hub.command(bob, ask(runId, 'question-1'));
    await first.received.next('ask');
    first.close();
    const second = await helper(a, 'second');
    const { ticket } = await second.received.next('ask');
    second.answer('a ticket of before', { ...good, message: 'late' });
    second.answer(ticket, good);
    await until(a, runId, answered('question-1'));
    const analyses = (await a.hub.view(runId))!.recent.analyses.items;
    expect(analyses.map((x) => x.message)).toEqual(['as good as ever']);
    const notes = (await entriesAfter(a, runId, 0)).flatMap(({ event: e }) =>
      e.type === 'command.scheduled' ? [e.message] : [],
    );
    expect(notes).toEqual([
      'first answers it, from the checkpoint at step 10',
      'waits for a trainer again: trainer first was lost while it answered',
      'second answers it, from the checkpoint at step 10',
    ]);
  });

  it('three in a row: the question is refused', async () => {
    const a = await app();
    const { runId } = await played(a);
    await a.hub.command(bob, ask(runId, 'question-1'));
    for (const name of ['first', 'second', 'third']) {
      const t = await helper(a, name);
      await t.received.next('ask');
      t.close();
    }
    await until(a, runId, answered('question-1'));
    expect(await outcome(a, runId, 'question-1')).toMatchObject({
      status: 'refused',
      reason: 'failed',
      message: 'trainer third was lost while it answered, the 3rd in a row',
    });
    expect(a.hub.questions.list()).toEqual([]);
  });

  it('the server ends meanwhile: the next one asks again', async () => {
    const store = openMemoryStore();
    const a = await startApp({ store });
    const { runId } = await played(a);
    const t = await helper(a, 'helper');
    await a.hub.command(bob, ask(runId, 'question-1'));
    await t.received.next('ask');
    const { dataFolder } = a;
    t.close();
    const b = await app({ store, dataFolder });
    expect(b.hub.questions.list()).toMatchObject([{ commandId: 'question-1', trainer: null, step: 10 }]);
    const next = await helper(b, 'next');
    next.answer((await next.received.next('ask')).ticket, good);
    await until(b, runId, answered('question-1'));
    expect((await b.hub.view(runId))!.recent.analyses.items.length).toBe(1);
    await a.close();
  });
});

describe('questions that wait', () => {
  it('are gone from a page that came just before one was called off, also where the list was empty before', async () => {
    const a = await app();
    const { runId } = await played(a);
    const earlier = keep(await TestViewer.connect(a.url));
    earlier.socket.emit('watchQuestions');
    // At once, and to all.
    for (const list of [await earlier.received.next('questions'), await earlier.received.next('questions')])
      expect(list).toEqual([]);
    earlier.close();
    await a.hub.command(bob, ask(runId, 'question-1'));
    const watching = keep(await TestViewer.connect(a.url));
    watching.socket.emit('watchQuestions');
    expect((await watching.received.next('questions')).map((q) => q.commandId)).toEqual(['question-1']);
    await a.hub.command(bob, cancel(runId, 'cancel-it-01', 'question-1'));
    expect(await pushed(watching, (list) => list.length === 0)).toEqual([]);
  });

  it('say why, are moved, called off, and asked in that order, one at a time', async () => {
    const a = await app();
    const { runId } = await played(a);
    const client = connect({ url: a.url });
    for (const id of ['question-a', 'question-b', 'question-c', 'question-d']) await a.hub.command(bob, ask(runId, id));
    const order = () => a.hub.questions.list().map((q) => q.commandId);
    expect(a.hub.questions.list()[0]).toMatchObject({
      trainer: null,
      why: 'no trainer is here that answers questions',
    });
    expect(await client.runs.moveQuestion.mutate({ commandId: 'question-d', before: 'question-a' })).toEqual({ ok: true });
    expect(await client.runs.moveQuestion.mutate({ commandId: 'question-a', before: null })).toEqual({ ok: true });
    expect(order()).toEqual(['question-d', 'question-b', 'question-c', 'question-a']);
    expect(await client.runs.moveQuestion.mutate({ commandId: 'question-x', before: null })).toMatchObject({
      ok: false,
      field: 'commandId',
    });
    expect(await a.hub.command(vera, cancel(runId, 'cancel-by-vera', 'question-b'))).toMatchObject({ reason: 'forbidden' });
    expect(await a.hub.command(you, cancel(runId, 'cancel-none-1', 'question-x'))).toMatchObject({ reason: 'run-ended' });
    expect(await a.hub.command(you, cancel(runId, 'cancel-b-001', 'question-b'))).toMatchObject({ ok: true });
    expect(await outcome(a, runId, 'question-b')).toMatchObject({
      status: 'refused',
      reason: 'state',
      message: 'canceled by You',
    });
    expect(await outcome(a, runId, 'cancel-b-001')).toMatchObject({ status: 'applied' });
    const t = await helper(a, 'helper');
    const asked: string[] = [];
    for (let i = 0; i < 2; i++) {
      const { ticket, commandId } = await t.received.next('ask');
      asked.push(commandId);
      expect(t.received.take('ask')).toEqual([]);
      t.answer(ticket, { ok: false, reason: 'failed', message: 'out of memory' });
      await until(a, runId, answered(commandId));
    }
    const { ticket, commandId } = await t.received.next('ask');
    expect([...asked, commandId]).toEqual(['question-d', 'question-c', 'question-a']);
    expect(await outcome(a, runId, 'question-d')).toMatchObject({
      status: 'refused',
      reason: 'failed',
      message: 'out of memory',
    });
    await a.hub.command(you, cancel(runId, 'cancel-a-001', 'question-a'));
    expect(await t.received.next('forget')).toEqual({ ticket });
    t.answer(ticket, good);
    await a.hub.command(you, ask(runId, 'question-e'));
    t.answer((await t.received.next('ask')).ticket, good);
    await until(a, runId, answered('question-e'));
    expect((await a.hub.view(runId))!.recent.analyses.items.map((x) => x.commandId)).toEqual(['question-e']);
  });
});
