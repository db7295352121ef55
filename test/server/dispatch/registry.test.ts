/** Which trainer holds which run: what a trainer is told that is not known, or does not hold what it names, and what a run says of its trainer. */
import { beforeEach, describe, expect, it } from 'vitest';
import { versionRefusal } from '~/server/dispatch/trainers';
import type { OpenHub } from '~/server/runs/hub';
import { openHub } from '~/server/runs/openHub';
import type { Store } from '~/server/store';
import type { Actor } from '~/shared/ids';
import { MAX_HELD, openRequest, VERSION } from '~/shared/protocol';
import { type FakeClock, fakeClock } from '~/test/support/fakeClock';
import { fakeTrainers } from '~/test/support/fakeTrainer';
import { openMemoryStore } from '~/test/support/memoryStore';
import { publishedSetup } from '~/test/support/setups';
import { runStarted, startValues, steps } from '~/test/support/synthetic';

const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
const token: Actor = { id: 'token-1', name: 'lab', role: 'trainer' };
const setup = publishedSetup('reverse');
const values = startValues(setup);

let store: Store;
let clock: FakeClock;
let hub: OpenHub;
let errors: unknown[];
beforeEach(async () => {
  store = openMemoryStore();
  clock = fakeClock();
  errors = [];
  hub = await openHub({ store, clock, hasBlob: async () => true, onError: (e) => errors.push(e), graceMs: 1000 });
});
const FakeTrainer = fakeTrainers(() => hub);
/** Lets everything that only waits for promises happen. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const create = async () => {
  const { runId } = await hub.create(ada, setup);
  clock.advance(1);
  return runId;
};
const view = async (runId: string) => (await hub.view(runId))!;
const said = async (runId: string) => (await view(runId)).statusMessage;
/** Why the run lost its trainers, the oldest first. */
async function lostMessages(runId: string): Promise<string[]> {
  const entries = await store.entries({ runId, fromSeq: 1, limit: 1000, types: ['trainer.lost'] });
  return entries.flatMap(({ event }) => (event.type === 'trainer.lost' ? [event.message] : []));
}
/** A trainer that has a run, at step 3. */
async function held(changes: ConstructorParameters<typeof FakeTrainer>[0] = {}) {
  const runId = await create();
  const a = new FakeTrainer(changes);
  await a.join();
  expect((await a.received.next('assign')).runId).toBe(runId);
  await a.send(runId, 1, 0, runStarted(0, values), steps(0, 3, values));
  return { runId, a };
}
const holding = (runId: string, attempt = 1) => ({ runId, attempt, lastCommandSeq: 0 });
const request = (n: number) => openRequest.parse({ key: `the-key-${n}`, setup: { name: 'mine', config: {} } });
const names = () => hub.registry.list().map(({ name, connected, runId }) => [name, connected, runId]);

describe('a trainer that registers', () => {
  it('with another version of the protocol is refused, whatever else it sends', async () => {
    const refusal = (theirs: string) => ({
      ok: false,
      reason: 'invalid',
      message: `version: this server speaks version ${VERSION} of the trainers' protocol, ${theirs}; use the same release on both sides`,
      field: 'version',
    });
    expect(versionRefusal({ version: VERSION })).toBeNull();
    expect(versionRefusal({ version: 1 })).toEqual(refusal('the trainer speaks 1'));
    for (const message of [null, undefined, 'hello', 7, {}, { version: 'two' }, Object.assign(() => {}, { version: VERSION })])
      expect(versionRefusal(message)).toEqual(refusal('the trainer names none'));
    expect(await new FakeTrainer({ version: 1 }).join()).toEqual(refusal('the trainer speaks 1'));
    expect(names()).toEqual([]);
  });

  it('with a recipe that cannot be is refused, and is not known', async () => {
    const a = new FakeTrainer();
    const twice = { ...a.registration, recipes: [...a.registration.recipes, a.registration.recipes[0]!] };
    expect(await hub.registry.register(twice, a)).toMatchObject({ ok: false, reason: 'invalid', message: /declared twice/ });
    expect(names()).toEqual([]);
  });

  it('again over the same connection keeps it', async () => {
    const a = new FakeTrainer();
    await a.join();
    await a.join();
    expect(a.closed).toBe(false);
  });

  it('with a run that it lost, or that is not there, is told so and goes on with the others', async () => {
    const { runId, a } = await held();
    const other = await create();
    hub.registry.gone(a.id, a);
    const message = `run ${other} is no longer this trainer's: queued`;
    const all = [holding('run0nothere'), holding(other), holding(runId, 2), holding(runId)];
    const answer = await hub.registry.register({ ...a.registration, holding: all }, a);
    expect(answer).toEqual({
      ok: true,
      holding: [
        { runId: 'run0nothere', attempt: 1, ok: false, message: 'there is no run run0nothere' },
        { runId: other, attempt: 1, ok: false, message },
        { runId, attempt: 2, ok: false, message: expect.stringMatching(/no longer this trainer's/) },
        // Of the attempt that was wrong it has given the run up: what follows comes too late or not.
        expect.objectContaining({ runId, attempt: 1 }),
      ],
    });
  });

  it('with a run that another trainer has taken meanwhile loses it, also when its number of the attempt is right', async () => {
    const { runId, a } = await held();
    hub.registry.gone(a.id, a);
    clock.advance(1000);
    const b = new FakeTrainer({ name: 'other' });
    await b.join();
    expect(await b.received.next('assign')).toMatchObject({ runId, attempt: 2 });
    expect(await a.join(holding(runId, 2))).toMatchObject({ holding: [{ ok: false }] });
    expect(names()).toEqual([
      ['other', true, runId],
      ['scripted', true, null],
    ]);
  });

  it('with two runs goes on with the one that it held', async () => {
    const { runId, a } = await held();
    const b = new FakeTrainer({ name: 'other' });
    const second = await create();
    await b.join();
    await b.received.next('assign');
    hub.registry.gone(a.id, a);
    const answer = await hub.registry.register({ ...a.registration, holding: [holding(runId), holding(second)] }, a);
    expect(answer).toMatchObject({ ok: true, holding: [{ ok: true }, { ok: false }] });
    expect(names()).toEqual([
      ['scripted', true, runId],
      ['other', true, second],
    ]);
  });

  it('without the run that it had, over a new connection, has lost it, and the run says so', async () => {
    const { runId, a } = await held();
    const again = new FakeTrainer(a.registration);
    await again.join();
    expect(await again.received.next('assign')).toMatchObject({ runId, attempt: 2 });
    expect(a.closed).toBe(true);
    expect((await lostMessages(runId)).at(-1)).toBe('trainer scripted: no longer has the run');
  });
});

describe('a trainer that is not known, or by another connection', () => {
  it('is told to register before anything else', async () => {
    const a = new FakeTrainer();
    const runId = await create();
    expect(await a.send(runId, 1, 0)).toEqual({ ok: false, reason: 'unavailable', message: 'register first' });
    const refused = { ok: false, reason: 'state', message: 'register first', field: null };
    expect(await hub.registry.open(a.id, a, token, request(1))).toEqual(refused);
    expect(await hub.registry.closeRun(a.id, a, { runId, attempt: 1 })).toEqual(refused);
  });

  it('takes no run, and ends no other connection', async () => {
    const a = new FakeTrainer();
    await hub.registry.register(a.registration, a);
    const runId = await create();
    const stranger = new FakeTrainer(a.registration);
    await hub.registry.ready(stranger.id, stranger);
    hub.registry.gone(stranger.id, stranger);
    await settle();
    expect([hub.registry.holds(runId), names()]).toEqual([false, [['scripted', true, null]]]);
  });
});

describe('what a trainer sends', () => {
  it('for a run that is not there, or that it does not hold, is refused with the reason', async () => {
    const { runId, a } = await held();
    const b = new FakeTrainer({ name: 'other' });
    await b.join();
    expect(await b.send('run0nothere', 1, 0)).toEqual({ ok: false, reason: 'fenced', message: 'there is no run run0nothere' });
    expect(await b.send(runId, 1, 4, steps(3, 1, values))).toEqual({
      ok: false,
      reason: 'fenced',
      message: `attempt 1 of run ${runId} is not held by other: ${await said(runId)}`,
    });
    expect(await a.send(runId, 1, 4, steps(3, 1, values))).toEqual({ ok: true, nextEvent: 5 });
    expect((await view(runId)).recent.alerts.items).toEqual([]);
  });

  it('and does not fit the run is said in the run', async () => {
    const { runId, a } = await held();
    const answer = await a.send(runId, 2, 4, steps(3, 1, values));
    expect(answer).toMatchObject({ ok: false, reason: 'invalid' });
    const { level, kind, message } = (await view(runId)).recent.alerts.items.at(-1)!;
    const why = answer.ok ? '' : answer.message;
    expect([level, kind, message]).toEqual(['error', 'trainer', `scripted sent what does not fit the run: ${why}`]);
  });

  it('to close a run that is not there is refused by its name', async () => {
    const a = new FakeTrainer();
    await a.join();
    expect(await hub.registry.closeRun(a.id, a, { runId: 'run0nothere', attempt: 1 })).toEqual({
      ok: false,
      reason: 'unknown-run',
      message: 'there is no run run0nothere',
      field: 'runId',
    });
  });

  it('that opens more runs than a process may hold is refused with the limit', async () => {
    const a = new FakeTrainer();
    await a.join();
    const openOne = (n: number) => hub.registry.open(a.id, a, token, request(n));
    for (let n = 0; n < MAX_HELD; n++) expect((await openOne(n)).ok).toBe(true);
    expect(await openOne(MAX_HELD)).toEqual({
      ok: false,
      reason: 'busy',
      message: `a process holds ${MAX_HELD} runs at most; close one first`,
      field: null,
    });
  });
});

describe('a run says of its trainer', () => {
  it('that the connection is lost; a trainer that does not come back in time is forgotten', async () => {
    const { runId, a } = await held();
    hub.registry.gone(a.id, a);
    await settle();
    expect(await said(runId)).toBe('the connection to trainer scripted is lost');
    expect(names()).toEqual([['scripted', false, runId]]);
    clock.advance(1000);
    await settle();
    expect([names(), hub.registry.holds(runId)]).toEqual([[], false]);
  });

  it('that it gave the run up, when it is ready for another one', async () => {
    const { runId, a } = await held();
    await hub.registry.ready(a.id, a);
    await settle();
    expect(await lostMessages(runId)).toEqual(['trainer scripted gave the run up']);
    expect(await a.received.next('assign')).toMatchObject({ runId, attempt: 2 });
  });

  it('that its process died, in an alert too; an idle one is only forgotten', async () => {
    const { runId } = await held({ pid: 7 });
    const idle = new FakeTrainer({ pid: 8 });
    await idle.join();
    expect([hub.registry.processes('test-host', 8), hub.registry.processes('elsewhere', 8)]).toEqual([[idle.id], []]);
    expect(hub.registry.died('test-host', 8, 'killed')).toEqual([idle.id]);
    hub.registry.died('test-host', 7, 'was ended by SIGKILL');
    await settle();
    await settle();
    expect(await said(runId)).toBe('trainer scripted: was ended by SIGKILL');
    const { level, kind, message } = (await view(runId)).recent.alerts.items.at(-1)!;
    expect([level, kind, message, names()]).toEqual(['warning', 'trainer', 'was ended by SIGKILL', []]);
  });
});

describe('a run that is taken from its trainer', () => {
  it('is released by its attempt and with the reason, and goes to the next one', async () => {
    const { runId, a } = await held();
    const b = new FakeTrainer();
    await b.join();
    await hub.registry.release(runId, 1, 'Ada sent it back');
    expect(a.released).toEqual([{ runId, attempt: 1, message: 'Ada sent it back' }]);
    expect(await b.received.next('assign')).toMatchObject({ runId, attempt: 2 });
  });

  it('while that one is away is not waited for any more, and nobody hears of the end of its time', async () => {
    const { runId, a } = await held();
    hub.registry.gone(a.id, a);
    await settle();
    const timers = clock.waiting();
    await hub.registry.release(runId, 1, 'Ada sent it back');
    expect([names(), clock.waiting()]).toEqual([[], timers - 1]);
  });

  it('does not go on with it when the word of that was lost with its connection, nor after a restart of the server', async () => {
    const { runId, a } = await held();
    const asked = hub.makeRoom(ada, runId);
    await expect.poll(async () => (await view(runId)).openCommands).toHaveLength(1);
    const { command, seq } = (await view(runId)).openCommands[0]!;
    const blob = { hash: 'a'.repeat(64), bytes: 8 };
    const saved = { type: 'checkpoint', step: 2, blob, trigger: 'command', commandId: command.id, lastCommandSeq: seq } as const;
    expect(await a.send(runId, 1, 4, saved)).toMatchObject({ ok: true });
    expect(await asked).toEqual({ ok: true });
    const message = 'Ada sent it back to the queue: it goes on from here when a trainer is free';
    expect(await said(runId)).toBe(message);
    hub.registry.gone(a.id, a);
    const refused = { runId, attempt: 1, ok: false, message: `run ${runId} is no longer this trainer's: ${message}` };
    expect(await a.join(holding(runId))).toEqual({ ok: true, holding: [refused] });
    expect(await a.send(runId, 1, 5, steps(3, 1, values))).toMatchObject({ ok: false, reason: 'fenced' });

    hub = await openHub({ store, clock, hasBlob: async () => true, onError: (e) => errors.push(e), graceMs: 1000 });
    expect(await a.join(holding(runId))).toEqual({ ok: true, holding: [refused] });
    const b = new FakeTrainer();
    await b.join();
    expect(await b.received.next('assign')).toMatchObject({ runId, attempt: 2 });
  });
});

it('a registry that is closed writes nothing of connections that end with it, and waits for nobody', async () => {
  const { runId, a } = await held();
  const b = new FakeTrainer({ name: 'other' });
  const second = await create();
  await b.join();
  await b.received.next('assign');
  hub.registry.gone(b.id, b);
  await settle();
  const { seq } = await view(runId);
  hub.registry.close();
  hub.registry.gone(a.id, a);
  await settle();
  expect([(await view(runId)).seq, await said(second)]).toEqual([seq, 'the connection to trainer other is lost']);
  clock.advance(1000);
  await settle();
  expect(await said(second)).toBe('the connection to trainer other is lost');
});
