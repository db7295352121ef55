/** Who gets a waiting run, and what is said of one that nobody gets. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Assigning, type AssigningDeps } from '~/server/dispatch/assigning';
import { type Trainer, TrainerTable } from '~/server/dispatch/trainerTable';
import { WaitingRuns } from '~/server/dispatch/waitingRuns';
import type { OpenHub } from '~/server/runs/hub';
import { openHub } from '~/server/runs/openHub';
import type { Room } from '~/server/runs/room';
import type { Store } from '~/server/store';
import type { Actor } from '~/shared/ids';
import { type FakeClock, fakeClock } from '~/test/support/fakeClock';
import { fakeTrainers } from '~/test/support/fakeTrainer';
import { openMemoryStore } from '~/test/support/memoryStore';
import { publishedSetup, withConfig } from '~/test/support/setups';
import { runStarted, startValues } from '~/test/support/synthetic';
import { registrationOf } from '~/test/support/trainerClient';
import type { RunConfig } from '~/trainer/base/config';
import { passedOver, withoutBackends } from '~/trainer/link/start';
import { RecipeBook } from '~/trainer/recipes/book';

const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
const setup = publishedSetup('reverse');

let store: Store;
let clock: FakeClock;
let hub: OpenHub;
let errors: unknown[];
const open = async () => {
  hub = await openHub({ store, clock, hasBlob: async () => true, onError: (e) => errors.push(e), graceMs: 1000 });
};
beforeEach(async () => {
  store = openMemoryStore();
  clock = fakeClock();
  errors = [];
  await open();
});
const FakeTrainer = fakeTrainers(() => hub);
/** Lets everything that only waits for promises happen. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const create = async (changes: Partial<RunConfig> = {}) => {
  const { runId } = await hub.create(ada, withConfig(setup, changes));
  clock.advance(1);
  return runId;
};
const alertsOf = async (runId: string) =>
  (await hub.view(runId))!.recent.alerts.items.map(({ level, kind, message }) => [level, kind, message]);
const cpuOnly = withoutBackends(new RecipeBook().specs, passedOver('cpu', { name: 'cpu', tried: [] }));
const cannot = (name: string) =>
  `${name} does not accept the config: Backend: "webgpu" cannot be chosen here: this trainer was started with HEADROOM_BACKEND=cpu; Take auto, or start a trainer that has it`;
/** Holds every write until it is let through. */
function heldWrites() {
  const append = store.append;
  const held: (() => void)[] = [];
  store.append = async (write) => {
    await new Promise<void>((resolve) => held.push(resolve));
    await append(write);
  };
  return async () => {
    store.append = append;
    for (const letThrough of held.splice(0)) letThrough();
    await settle();
  };
}

describe('why a run waits', () => {
  it('is that no trainer is there, with the recipe that is needed', async () => {
    const runId = await create();
    expect(hub.registry.whyWaits(runId)).toBe('no trainer is connected; it starts when one comes that has the recipe reverse');
  });

  it('is who could train it and is busy, and its position where others wait too', async () => {
    const runs = [await create(), await create(), await create()];
    await new FakeTrainer({ name: 'box' }).join();
    await new FakeTrainer({ name: 'lab' }).join();
    await settle();
    expect(runs.map((runId) => hub.registry.whyWaits(runId))).toEqual([null, null, 'box, lab can train it and are busy']);
    const [fourth, picky] = [await create(), await create({ backend: 'webgpu' })];
    await new FakeTrainer({ name: 'small', recipes: cpuOnly }).join();
    await settle();
    expect(hub.registry.whyWaits(fourth)).toBe('box, lab, small can train it and are busy; it is number 1 of 2 in the queue');
    expect(hub.registry.whyWaits(picky)).toBe('box, lab can train it and are busy; it is number 2 of 2 in the queue');
  });

  it('is what every trainer lacks, each reason once, in its log too', async () => {
    const runId = await create({ backend: 'webgpu' });
    for (let i = 0; i < 2; i++) await new FakeTrainer({ name: 'small', recipes: cpuOnly }).join();
    await new FakeTrainer({ name: 'old', recipes: cpuOnly }).join();
    await settle();
    const why = `${cannot('small')}; ${cannot('old')}`;
    expect(hub.registry.whyWaits(runId)).toBe(`no trainer here can take it: ${why}`);
    expect((await alertsOf(runId)).at(-1)).toEqual(['warning', 'queue', `no trainer here can take this run: ${why}`]);
  });

  it('is after a restart that its trainer may come back', async () => {
    const runId = await create();
    await new FakeTrainer().join();
    await settle();
    await hub.close();
    await open();
    expect([hub.registry.whyWaits(runId), hub.registry.whyWaits('nothing')]).toEqual([
      'its trainer is away and may come back',
      null,
    ]);
  });

  it('is in the log of every waiting run when the trainer beside the server ends before it registers, once, and while none is there', async () => {
    const runs = [await create(), await create()];
    for (const message of ['it ended with 1', 'it ended with 1', 'it ended with 2']) await hub.registry.neverCame(message);
    for (const runId of runs)
      expect(await alertsOf(runId)).toEqual(['it ended with 1', 'it ended with 2'].map((m) => ['warning', 'queue', m]));
    await new FakeTrainer({ recipes: [] }).join();
    await settle();
    await hub.registry.neverCame('it ended with 3');
    expect((await alertsOf(runs[0]!)).at(-1)![2]).not.toBe('it ended with 3');
  });
});

describe('a run that changes while it is being assigned', () => {
  it('and ends leaves the trainer to the next one', async () => {
    const [runId, next] = [await create(), await create()];
    const letThrough = heldWrites();
    const stopped = hub.command(ada, { kind: 'act', id: 'command-1', runId, action: 'stop', args: {} });
    await settle();
    const a = new FakeTrainer();
    await a.join();
    await letThrough();
    await stopped;
    expect((await a.received.next('assign')).runId).toBe(next);
    expect((await hub.view(runId))!.status).toBe('stopped');
  });

  it('and is taken from the trainer again is never sent to it by that assignment; the trainer takes what comes next', async () => {
    const runId = await create();
    const letThrough = heldWrites();
    const a = new FakeTrainer();
    await a.join();
    await settle();
    const released = hub.registry.release(runId, 1, 'taken back');
    await letThrough();
    await released;
    expect((await a.received.next('assign')).attempt).toBe(2);
    await settle();
    expect([a.released, a.received.take('assign')]).toEqual([[], []]);
  });

  it('and whose trainer leaves meanwhile goes to the next one after the time in which that one may come back', async () => {
    const runId = await create();
    const letThrough = heldWrites();
    const a = new FakeTrainer();
    await a.join();
    await settle();
    hub.registry.gone(a.id, a);
    await letThrough();
    const b = new FakeTrainer();
    await b.join();
    await settle();
    expect([a.heard, b.heard]).toEqual([[], []]);
    clock.advance(1000);
    expect(await b.received.next('assign')).toMatchObject({ runId, attempt: 2 });
  });
});

describe('a store that fails', () => {
  it('while a run loses its trainer is asked again, until the run is free', async () => {
    const runId = await create();
    const a = new FakeTrainer();
    await a.join();
    await a.received.next('assign');
    const b = new FakeTrainer({ pid: 2 });
    await b.join();
    const append = store.append;
    store.append = async () => {
      throw new Error('disk full');
    };
    hub.registry.died('test-host', 1, 'killed');
    await settle();
    store.append = append;
    expect(new Set(errors.map(String))).toEqual(new Set(['Error: disk full']));
    clock.advance(999);
    await settle();
    expect(b.heard).toEqual([]);
    clock.advance(1);
    expect(await b.received.next('assign')).toMatchObject({ runId, attempt: 2 });
  });
});

it('each trainer that dies after the third at one checkpoint makes the run wait twice as long, ten minutes at most', async () => {
  const runId = await create();
  const waits: number[] = [];
  for (let n = 1; n <= 11; n++) {
    const trainer = new FakeTrainer({ pid: n });
    await trainer.join();
    await settle();
    const before = clock.now();
    for (; trainer.received.take('assign').length === 0; await settle()) clock.advance(1000);
    waits.push((clock.now() - before) / 1000);
    await trainer.send(runId, n, 0, runStarted(0, startValues(setup)));
    hub.registry.died(trainer.registration.host, n, `process ${n} was killed`);
    await settle();
    await settle();
  }
  expect(waits).toEqual([0, 0, 0, 5, 10, 20, 40, 80, 160, 320, 600]);
});

describe('the choice by itself', () => {
  /** A queue with one run, on trainers that are given; rooms are stubs. */
  function assigningOf(changes: Partial<AssigningDeps> = {}, holds = false) {
    const said: unknown[] = [];
    const room = {
      view: { recent: { alerts: { items: [] } } },
      assign: async () => null,
      stopIfAsked: async () => {},
      alert: async (...words: unknown[]) => void said.push(words),
    } as unknown as Room;
    const table = new TrainerTable();
    const runs: WaitingRuns = new WaitingRuns(clock, 1000, () => {});
    const deps: AssigningDeps = {
      clock,
      room: async () => room,
      recipes: { refusal: ({ name }) => (name === 'able' ? null : `${name} cannot`) },
      onChange: () => {},
      onWait: (...waits) => said.push(waits),
      onError: (error) => said.push(String(error)),
      ...changes,
    };
    const assigning = new Assigning(deps, table, runs, () => holds);
    const trainer = (name: string, more: Partial<Trainer> = {}) => {
      const registration = registrationOf({ name });
      table.set({ registration, port: {} as never, ready: false, runId: null, early: null, cancelGrace: null, ...more });
    };
    runs.add({ runId: 'run001', position: 1, setup, trainerId: null });
    return { assigning, trainer, said, runs };
  }

  it('says which runs the trainers hold that could train the waiting one, and no others', async () => {
    const { assigning, trainer, said } = assigningOf();
    trainer('able', { runId: 'run002' });
    trainer('small', { runId: 'run003' });
    trainer('able');
    assigning.dispatch();
    await settle();
    expect(said).toEqual([['run001', ['run002']]]);
  });

  it('looks only at a run that is added, and at all of them when a trainer, or what it holds, has changed', async () => {
    const { assigning, trainer, said, runs } = assigningOf();
    trainer('able', { runId: 'run002' });
    assigning.dispatch();
    await settle();
    const waits = (): string[] => said.splice(0).map((wait) => (wait as [string])[0]);
    expect(waits()).toEqual(['run001']);
    runs.add({ runId: 'run004', position: 2, setup, trainerId: null });
    assigning.dispatch();
    await settle();
    expect(waits()).toEqual(['run004']);
    trainer('able', { runId: 'run005' });
    assigning.dispatch();
    await settle();
    expect(waits()).toEqual(['run001', 'run004']);
    assigning.look();
    await settle();
    expect(waits()).toEqual(['run001', 'run004']);
    assigning.dispatch();
    await settle();
    expect(waits()).toEqual([]);
  });

  it('says nothing of runs that nobody holds, nor of a run that has a holder by now', async () => {
    for (const [runId, holds] of [
      [null, false],
      ['run002', true],
    ] as const) {
      const { assigning, trainer, said } = assigningOf({}, holds);
      trainer('able', { runId });
      assigning.dispatch();
      await settle();
      expect(said).toEqual([]);
    }
  });

  it('goes on with the next run after a room that could not be opened, and says the error', async () => {
    const opened: string[] = [];
    const { assigning, trainer, said, runs } = assigningOf({
      room: async (runId) => {
        opened.push(runId);
        throw new Error(`${runId} is broken`);
      },
    });
    trainer('small');
    runs.add({ runId: 'run002', position: 2, setup, trainerId: null });
    assigning.dispatch();
    await settle();
    expect([opened, said]).toEqual([
      ['run001', 'run002'],
      ['Error: run001 is broken', 'Error: run002 is broken'],
    ]);
  });

  it('of a run that is not there any more goes on, and the trainer stays ready', async () => {
    const { assigning, trainer, said, runs } = assigningOf({ room: async () => null });
    trainer('able', { ready: true });
    assigning.dispatch();
    await settle();
    runs.add({ runId: 'run002', position: 2, setup, trainerId: null });
    assigning.dispatch();
    await settle();
    expect([runs.free(), said]).toEqual([[], []]);
  });

  it('ends when it is closed', async () => {
    const { assigning, trainer, runs } = assigningOf();
    trainer('able', { ready: true });
    assigning.close();
    assigning.dispatch();
    await settle();
    expect(runs.isFree('run001')).toBe(true);
  });
});
