/** For each test a server's runs on a store in memory, and processes of scripts that open runs there. */
import type { TrainerPort } from '~/server/dispatch/trainerTable';
import type { OpenHub } from '~/server/runs/hub';
import { openHub } from '~/server/runs/openHub';
import type { Store } from '~/server/store';
import type { Command, LoggedCommand } from '~/shared/commands';
import type { TrainerEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { type Holding, type OpenAnswer, type OpenRequest, openRequest } from '~/shared/protocol';
import { type FakeClock, fakeClock } from '~/test/support/fakeClock';
import { openMemoryStore } from '~/test/support/memoryStore';
import { runStarted } from '~/test/support/synthetic';
import { registrationOf } from '~/test/support/trainerClient';

export const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
export const token: Actor = { id: 'token-1', name: 'lab', role: 'trainer' };
export const values = { learningRate: 1, clipThreshold: 5, snapshotEverySteps: 20 };

export let store: Store;
export let clock: FakeClock;
export let hub: OpenHub;
export let errors: unknown[];
export const kept = new Map<string, string>();

export const start = async () => {
  hub = await openHub({
    store,
    clock,
    hasBlob: async () => true,
    keepBlob: async (hash, bytes) => kept.set(hash, new TextDecoder().decode(bytes)),
    onError: (e) => errors.push(e),
    graceMs: 1000,
  });
};

/** Before each test: a server's runs on an empty store. */
export async function freshHub(): Promise<void> {
  store = openMemoryStore();
  clock = fakeClock();
  errors = [];
  kept.clear();
  await start();
}

/** A script's process. */
export class Script implements TrainerPort {
  commands: LoggedCommand[] = [];
  released: string[] = [];
  assigned = 0;
  readonly registration;
  constructor(name = 'train.py', trainerId = `${name}-process`) {
    this.registration = registrationOf({ name, trainerId, recipes: [] });
  }
  get id() {
    return this.registration.trainerId;
  }
  assign() {
    this.assigned++;
  }
  command(c: LoggedCommand) {
    this.commands.push(c);
  }
  release({ message }: { message: string }) {
    this.released.push(message);
  }
  ask() {}
  forget() {}
  close() {}
  async join(...holding: Holding[]) {
    const answer = await hub.registry.register({ ...this.registration, holding }, this);
    await settle();
    return answer;
  }
  async open(key: string, more: Partial<OpenRequest> = {}): Promise<Extract<OpenAnswer, { ok: true }>> {
    const answer = await this.tryOpen(key, more);
    if (!answer.ok) throw new Error(answer.message);
    return answer;
  }
  tryOpen(key: string, more: Partial<OpenRequest> = {}): Promise<OpenAnswer> {
    const setup = {
      name: 'char gpt',
      project: 'lm',
      tags: ['nightly'],
      config: { lr: 3e-4, model: { layers: 2 } },
      ...more.setup,
    };
    return hub.registry.open(this.id, this, token, openRequest.parse({ key, ...more, setup }));
  }
  send(runId: string, attempt: number, from: number, ...events: TrainerEvent[]) {
    return hub.registry.events(this.id, this, { runId, attempt, from, events });
  }
  /** Its connection is gone. */
  async cut() {
    hub.registry.gone(this.id, this);
    await settle();
  }
}

/** Lets everything that only waits for promises happen. */
export const settle = async () => {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve));
};

export const advance = async (ms: number) => {
  clock.advance(ms);
  await settle();
};

export const running = (step: number): TrainerEvent => ({ type: 'status', status: 'running', step, message: '' });
export const view = async (runId: string) => (await hub.view(runId))!;
export const key = 'char-gpt-on-my-machine';
export const stop = (runId: string): Command => ({ kind: 'act', id: 'stop-command', runId, action: 'stop', args: {} });

/** A script that has begun: attempt 1, two events sent. */
export async function begun(name?: string) {
  const script = new Script(name);
  await script.join();
  const { runId } = await script.open(key);
  await script.send(runId, 1, 0, runStarted(0, values), running(0));
  return { script, runId };
}
