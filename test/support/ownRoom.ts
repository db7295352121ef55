/** One run with a room of its own for each test, on a store in memory. */
import { RunLog } from '~/server/runs/log';
import { Room } from '~/server/runs/room';
import type { Store } from '~/server/store';
import type { Command } from '~/shared/commands';
import type { Entry, RunEvent, TrainerEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { type FakeClock, fakeClock } from './fakeClock';
import { openMemoryStore } from './memoryStore';
import { publishedSetup } from './setups';
import { runStarted, startValues } from './synthetic';

export const setup = publishedSetup('reverse');
export const values = startValues(setup);
export const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
export const bob: Actor = { id: 'u2', name: 'Bob', role: 'operator' };
export const eve: Actor = { id: 'u3', name: 'Eve', role: 'viewer' };
export const gpu = { id: 'trainer-1', name: 'gpu', host: 'h' };
export const runId = 'run0000001';

/** The hash of a blob that is stored. */
export const kept = 'a'.repeat(64);

export let store: Store;
export let clock: FakeClock;
export let room: Room;

/** Entries that were committed, in their order. */
export let published: Entry[];
export let blobs: Set<string>;

/** What a test may change about the room's surroundings. */
export const around = { hasTrainer: true, needsApproval: [] as string[] };

export const inLog = async () => store.entries({ runId, fromSeq: 1, limit: 1000, types: null });

export const publish = (entries: Entry[]) => void published.push(...entries);
export const openRoom = (log: RunLog) =>
  new Room(log, {
    hasBlob: async (hash) => blobs.has(hash),
    hasTrainer: () => around.hasTrainer,
    now: () => clock.now(),
    needsApproval: () => around.needsApproval,
  });

/** Before each test: an empty store, with one new run. */
export async function freshRoom(): Promise<void> {
  store = openMemoryStore();
  clock = fakeClock();
  published = [];
  blobs = new Set([kept]);
  Object.assign(around, { hasTrainer: true, needsApproval: [] });
  const created: RunEvent = { type: 'run.created', setup, actor: ada, parent: null };
  room = openRoom(await RunLog.create({ store, clock }, runId, created, publish));
}

export const set = (id: string, control: string, value: number, expected?: number): Command => ({
  ...{ kind: 'set', id, runId, control, value },
  ...(expected !== undefined && { expected }),
});

export const act = (id: string, action: string, args: Record<string, string> = {}): Command => ({
  ...{ kind: 'act', id, runId, action, args },
});

export const batch = (attempt: number, from: number, ...events: TrainerEvent[]) => room.events({ runId, attempt, from, events });
export const alert = (step: number): TrainerEvent => ({ type: 'alert', step, level: 'info', kind: 'k', message: 'm' });
export const running: TrainerEvent = { type: 'status', status: 'running', step: 0, message: 'go' };

/** Entries: run.created 1, run.assigned 2, started 3, status 4. */
export async function begin(): Promise<void> {
  await room.assign(gpu);
  await batch(1, 0, runStarted(0, values), running);
}

export const checkpoint = (step: number, hash: string, lastCommandSeq: number): TrainerEvent => ({
  ...{ type: 'checkpoint', step, blob: { hash, bytes: 3 }, trigger: 'cadence', commandId: null, lastCommandSeq },
});

export const applied = (
  commandId: string,
  seq: number,
  step: number,
  before: number | null,
  after: number | null,
): TrainerEvent => ({ type: 'command.applied', commandId, seq, step, before, after, message: '' });
