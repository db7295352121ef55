import { beforeEach, describe, expect, it } from 'vitest';
import type { OpenHub } from '~/server/runs/hub';
import { openHub } from '~/server/runs/openHub';
import type { Store } from '~/server/store';
import type { Command } from '~/shared/commands';
import type { Actor } from '~/shared/ids';
import { type FakeClock, fakeClock } from '~/test/support/fakeClock';
import { fakeTrainers } from '~/test/support/fakeTrainer';
import { openMemoryStore } from '~/test/support/memoryStore';
import { publishedSetup, withConfig } from '~/test/support/setups';
import { runStarted, startValues, steps } from '~/test/support/synthetic';
import type { RunConfig } from '~/trainer/base/config';
import { passedOver, withoutBackends } from '~/trainer/link/start';
import { RecipeBook } from '~/trainer/recipes/book';

const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
const setup = publishedSetup('reverse');
const values = startValues(setup);

let store: Store;
let clock: FakeClock;
let hub: OpenHub;
let errors: unknown[];

const open = async (goneTrainers: string[] = []) => {
  hub = await openHub({
    store,
    clock,
    hasBlob: async () => true,
    onError: (e) => errors.push(e),
    graceMs: 1000,
    goneTrainers: new Set(goneTrainers),
  });
};
beforeEach(async () => {
  store = openMemoryStore();
  clock = fakeClock();
  errors = [];
  await open();
});

const FakeTrainer = fakeTrainers(() => hub);
/** The recipes of a trainer that was started with one backend. */
const offering = (name: 'cpu' | 'webgpu') => withoutBackends(new RecipeBook().specs, passedOver(name, { name, tried: [] }));
/** Lets everything that only waits for promises happen. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const create = async (changes: Partial<RunConfig> = {}) => {
  const { runId } = await hub.create(ada, withConfig(setup, changes));
  clock.advance(1);
  return runId;
};
const statusOf = async (runId: string) => (await hub.view(runId))!.status;

describe('the queue', () => {
  it('gives the oldest run to the first trainer that is ready, one run each', async () => {
    const [first, second] = [await create(), await create()];
    const [a, b] = [new FakeTrainer(), new FakeTrainer()];
    await a.join();
    expect((await a.received.next('assign')).runId).toBe(first);
    await b.join();
    expect((await b.received.next('assign')).runId).toBe(second);
    expect(hub.registry.list().map((t) => t.runId)).toEqual([first, second]);
  });

  it('passes a run over that the trainer cannot do, and says why in the run, once', async () => {
    const picky = await create({ backend: 'webgpu' });
    const other = await create();
    const a = new FakeTrainer({ name: 'small', recipes: offering('cpu') });
    await a.join();
    expect((await a.received.next('assign')).runId).toBe(other);
    await settle();
    await create({ backend: 'cpu' });
    await settle();
    expect((await hub.view(picky))!.recent.alerts.items.map((x) => x.message)).toEqual([
      'no trainer here can take this run: small does not accept the config: Backend: "webgpu" cannot be chosen here: this trainer was started with HEADROOM_BACKEND=cpu; Take auto, or start a trainer that has it',
    ]);
    const able = new FakeTrainer({ recipes: offering('webgpu') });
    await able.join();
    expect((await able.received.next('assign')).runId).toBe(picky);
  });

  it('a trainer that is done takes the next one', async () => {
    const [first, second] = [await create(), await create()];
    const a = new FakeTrainer();
    await a.join();
    await a.received.next('assign');
    await a.send(first, 1, 0, runStarted(0, values), { type: 'status', status: 'finished', step: 0, message: '' });
    await hub.registry.ready(a.id, a);
    expect((await a.received.next('assign')).runId).toBe(second);
    expect(await statusOf(first)).toBe('finished');
  });

  it('a failure of the store while assigning is tried again', async () => {
    const append = store.append;
    const runId = await create();
    store.append = async () => {
      throw new Error('disk full');
    };
    const a = new FakeTrainer();
    await a.join();
    await settle();
    store.append = append;
    expect(errors.map(String)).toEqual(['Error: disk full']);
    clock.advance(1000);
    expect((await a.received.next('assign')).runId).toBe(runId);
  });
});

describe('commands', () => {
  const command = (runId: string, n: number): Command => ({
    kind: 'set',
    id: `command-${n}`,
    runId,
    control: 'clipThreshold',
    value: n,
  });

  it('that enter the log while the run is being assigned reach the trainer after the assignment, once', async () => {
    const runId = await create();
    const append = store.append;
    let release = () => {};
    store.append = async (write) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      await append(write);
    };
    const a = new FakeTrainer();
    await a.join();
    await settle();
    store.append = append;
    const answers = [hub.command(ada, command(runId, 1)), hub.command(ada, command(runId, 2))];
    release();
    const seqs = (await Promise.all(answers)).map((x) => x.ok && x.seq);
    const assignment = await a.received.next('assign');
    await settle();
    expect([...assignment.commands.map((c) => c.seq), ...a.commands]).toEqual(seqs);
    expect(a.heard[0]).toBe('assign');
  });

  it('to stop, asked for while the trainer is away, end the run when nobody comes back', async () => {
    const runId = await create();
    const a = new FakeTrainer();
    await a.join();
    await a.received.next('assign');
    hub.registry.gone(a.id, a);
    await hub.command(ada, { kind: 'act', id: 'command-1', runId, action: 'stop', args: {} });
    await settle();
    expect(await statusOf(runId)).toBe('waiting');
    clock.advance(1000);
    await settle();
    const view = (await hub.view(runId))!;
    expect(view).toMatchObject({ status: 'stopped', statusMessage: 'stopped by Ada' });
    expect(view.recent.commands.items.map((c) => c.outcome.status)).toEqual(['applied']);
  });
});

describe('a trainer that comes back with a paused run', () => {
  it('that was stopped meanwhile drops it and takes the next one', async () => {
    const [runId, other] = [await create(), await create()];
    const a = new FakeTrainer();
    await a.join();
    await a.received.next('assign');
    await a.send(runId, 1, 0, runStarted(0, values), { type: 'status', status: 'paused', step: 0, message: '' });
    hub.registry.gone(a.id, a);
    await hub.command(ada, { kind: 'act', id: 'command-1', runId, action: 'stop', args: {} });
    await settle();
    clock.advance(1000);
    await settle();
    expect(await statusOf(runId)).toBe('stopped');
    const message = `run ${runId} is no longer this trainer's: stopped by Ada`;
    expect(await a.join({ runId, attempt: 1, lastCommandSeq: 0 })).toEqual({
      ok: true,
      holding: [{ runId, attempt: 1, ok: false, message }],
    });
    await hub.registry.ready(a.id, a);
    expect((await a.received.next('assign')).runId).toBe(other);
  });
});

describe('a server that is killed after the end of a run', () => {
  it('refuses at its next start the commands that still waited', async () => {
    const runId = await create();
    const a = new FakeTrainer();
    await a.join();
    await a.received.next('assign');
    const asked = await hub.command(ada, { kind: 'act', id: 'command-1', runId, action: 'checkpoint', args: {} });
    await a.send(runId, 1, 0, runStarted(0, values), { type: 'status', status: 'finished', step: 0, message: '' });
    await settle();
    expect((await hub.view(runId))!.openCommands).toHaveLength(1);
    // Killed here: the trainer's `ready` never came, and nothing is closed.
    await open();
    const { openCommands, recent } = (await hub.view(runId))!;
    expect({ asked, openCommands, outcomes: recent.commands.items.map((c) => c.outcome) }).toMatchObject({
      asked: { ok: true },
      openCommands: [],
      outcomes: [{ status: 'refused', reason: 'run-ended', message: 'the run ended before this could take effect' }],
    });
  });
});

describe('a trainer that goes away', () => {
  const held = async () => {
    const runId = await create();
    const a = new FakeTrainer();
    await a.join();
    await a.received.next('assign');
    await a.send(runId, 1, 0, runStarted(0, values), steps(0, 3, values));
    return { runId, a };
  };

  it('and is back within its grace goes on; the other one gets nothing', async () => {
    const { runId, a } = await held();
    const b = new FakeTrainer();
    await b.join();
    hub.registry.gone(a.id, a);
    await settle();
    expect(await statusOf(runId)).toBe('waiting');
    clock.advance(999);
    expect(await a.join({ runId, attempt: 1, lastCommandSeq: 0 })).toEqual({
      ok: true,
      holding: [{ runId, attempt: 1, ok: true, nextEvent: 4, commands: [] }],
    });
    clock.advance(5000);
    await settle();
    expect(await statusOf(runId)).toBe('starting');
    expect(b.received.take('assign')).toEqual([]);
  });

  it('for longer than its grace loses the run to the next, and is told so when it comes back', async () => {
    const { runId, a } = await held();
    const b = new FakeTrainer();
    await b.join();
    hub.registry.gone(a.id, a);
    clock.advance(1000);
    expect(await b.received.next('assign')).toMatchObject({ runId, attempt: 2, resume: null });
    expect(await a.join({ runId, attempt: 1, lastCommandSeq: 0 })).toMatchObject({
      ok: true,
      holding: [{ runId, attempt: 1, ok: false }],
    });
    expect(await a.send(runId, 1, 4, steps(3, 1, values))).toMatchObject({ ok: false, reason: 'fenced' });
  });

  it('for longer than its grace still goes on if nobody took the run', async () => {
    const { runId, a } = await held();
    hub.registry.gone(a.id, a);
    clock.advance(60_000);
    await settle();
    expect(await a.join({ runId, attempt: 1, lastCommandSeq: 0 })).toMatchObject({
      ok: true,
      holding: [{ ok: true, nextEvent: 4 }],
    });
    expect(await a.send(runId, 1, 4, steps(3, 1, values))).toEqual({ ok: true, nextEvent: 5 });
  });

  it('and is known to be dead is not waited for, and everybody sees why', async () => {
    const { runId, a } = await held();
    const b = new FakeTrainer({ pid: 2 });
    await b.join();
    expect(hub.registry.died('test-host', 1, 'the trainer process was ended by SIGKILL')).toEqual([a.id]);
    expect(await b.received.next('assign')).toMatchObject({ runId, attempt: 2 });
    expect((await hub.view(runId))!.recent.alerts.items.at(-1)!.message).toBe('the trainer process was ended by SIGKILL');
  });

  it('that dies with a run does not end it: after three in a row at one checkpoint the next gets it a while later', async () => {
    const runId = await create();
    const die = async (n: number) => {
      const trainer = new FakeTrainer({ pid: n });
      await trainer.join();
      await trainer.received.next('assign');
      hub.registry.died(trainer.registration.host, n, `process ${n} was killed`);
      await settle();
      await settle();
    };
    for (const n of [1, 2, 3]) await die(n);
    const next = new FakeTrainer({ pid: 4 });
    await next.join();
    await settle();
    expect(next.heard).toEqual([]);
    const why =
      '3 trainers in a row were lost with the run before its next checkpoint after step 0; the next one gets it 5 s after that';
    expect(hub.registry.whyWaits(runId)).toBe(why);
    expect((await hub.view(runId))!.recent.alerts.items.at(-1)).toMatchObject({ level: 'warning', kind: 'queue', message: why });
    expect(hub.registry.waiting.queue().map((r) => r.runId)).toEqual([runId]);
    clock.advance(5_000);
    expect((await next.received.next('assign')).attempt).toBe(4);
  });

  it('while it waits for the next trainer after several died, a stop takes effect at once', async () => {
    const runId = await create();
    for (const n of [1, 2, 3]) {
      const trainer = new FakeTrainer({ pid: n });
      await trainer.join();
      await trainer.received.next('assign');
      hub.registry.died(trainer.registration.host, n, 'killed');
      await settle();
      await settle();
    }
    await hub.command(ada, { kind: 'act', id: 'stop-command', runId, action: 'stop', args: {} });
    expect([await statusOf(runId), hub.registry.waiting.queue()]).toEqual(['stopped', []]);
  });

  it('without its run, when it registers again, has lost it at once', async () => {
    const { runId, a } = await held();
    hub.registry.gone(a.id, a);
    await a.join();
    expect(await a.received.next('assign')).toMatchObject({ runId, attempt: 2 });
  });

  it('whose old connection ends after the new one has come is not away', async () => {
    const { runId, a } = await held();
    const again = new FakeTrainer({ ...a.registration });
    await again.join({ runId, attempt: 1, lastCommandSeq: 0 });
    expect(a.closed).toBe(true);
    hub.registry.gone(a.id, a);
    await settle();
    expect(await statusOf(runId)).toBe('starting');
  });

  it('gets the commands that it missed, in order', async () => {
    const { runId, a } = await held();
    const command = (n: number) => ({ kind: 'set' as const, id: `command-${n}`, runId, control: 'clipThreshold', value: n });
    const first = await hub.command(ada, command(1));
    expect(a.commands).toEqual([first.ok && first.seq]);
    hub.registry.gone(a.id, a);
    const second = await hub.command(ada, command(2));
    const answer = await a.join({ runId, attempt: 1, lastCommandSeq: a.commands[0]! });
    expect(answer).toMatchObject({
      ok: true,
      holding: [{ commands: [{ seq: second.ok && second.seq, command: command(2) }] }],
    });
  });
});

describe('after a restart of the server', () => {
  /** `a` had a run when the server ended; `b` waits for one. */
  async function restarted(aIsGone = false) {
    const runId = await create();
    const [a, b] = [new FakeTrainer(), new FakeTrainer()];
    await a.join();
    await a.received.next('assign');
    await hub.close();
    await open(aIsGone ? [a.id] : []);
    await b.join();
    return { runId, a, b };
  }

  it('a run waits for the trainer that held it, then goes to another', async () => {
    const { runId, b } = await restarted();
    clock.advance(999);
    await settle();
    expect(b.received.take('assign')).toEqual([]);
    clock.advance(1);
    expect(await b.received.next('assign')).toMatchObject({ runId, attempt: 2 });
  });

  it('a trainer whose connection breaks while it comes back does not keep the run from the others', async () => {
    const { runId, a, b } = await restarted();
    const back = a.join({ runId, attempt: 1, lastCommandSeq: 0 });
    hub.registry.gone(a.id, a);
    expect(await back).toEqual({
      ok: true,
      holding: [{ runId, attempt: 1, ok: false, message: 'the connection was lost meanwhile' }],
    });
    clock.advance(1000);
    expect(await b.received.next('assign')).toMatchObject({ runId, attempt: 2 });
  });

  it('nobody waits for a trainer that is known to be gone', async () => {
    const { runId, b } = await restarted(true);
    expect(await b.received.next('assign')).toMatchObject({ runId, attempt: 2 });
  });
});
