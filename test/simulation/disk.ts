/**
 * The disk below a store: every call takes time, a write may fail before or after it took effect, and what a killed process was
 * writing is there afterwards or not. What `append` has acknowledged is there.
 */
import type { Append, Store, StoredRun } from '~/server/store';
import { copied } from '~/test/support/copied';
import type { Process } from './network';
import type { World } from './world';

export interface DiskSettings {
  /** Longest time of a call, ms. */
  delayMs: number;
  /** Share of writes that fail without an effect, or with one. */
  failures: number;
}

/** Bugs that a test plants. */
export type PlantedDisk = 'acknowledges before the commit' | 'forgets the last event it took' | 'forgets to delete' | null;

export class Disk {
  constructor(
    private readonly world: World,
    private readonly settings: DiskSettings,
    private readonly store: Store,
    /** Called with each write when it takes effect. */
    private readonly committed: (write: Append) => void,
    private readonly removed: (runId: string) => void,
    private readonly planted: PlantedDisk,
  ) {}

  /** The store as a process sees it. */
  storeFor(process: Process): Store {
    const read = <T>(work: () => Promise<T>): Promise<T> => this.#later(process, () => work());
    const { store } = this;
    return {
      ...store,
      runs: async () => {
        const runs = await read(() => store.runs());
        return this.planted === 'forgets the last event it took' ? runs.map(forgetful) : runs;
      },
      entries: (q) => read(() => store.entries(q)),
      range: (q) => read(() => store.range(q)),
      streams: (r) => read(() => store.streams(r)),
      list: (q) => read(() => store.list(q)),
      item: (q) => read(() => store.item(q)),
      view: (r) => read(() => store.view(r)),
      setting: (k) => read(() => store.setting(k)),
      setSetting: (k, v) => this.#write(process, () => store.setSetting(k, v)),
      saveView: (view, summary) => this.#write(process, () => store.saveView(view, summary)),
      remove: (runId) =>
        this.#write(process, async () => {
          if (this.planted !== 'forgets to delete') await store.remove(runId);
          this.removed(runId);
        }),
      append: (write) => {
        const own = copied(write);
        const effect = () => this.#append(own);
        if (this.planted !== 'acknowledges before the commit') return this.#write(process, effect);
        void this.#write(process, effect, 0, 300).catch(() => {});
        return this.#later(process, async () => {});
      },
    };
  }

  async #append(write: Append): Promise<void> {
    await this.store.append(write);
    this.committed(write);
  }

  /** A call that a process waits for; its answer never comes when the process is dead. */
  #later<T>(process: Process, work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.world.after(this.world.between(0, this.settings.delayMs), () => {
        if (process.alive) work().then(resolve, reject);
      });
    });
  }

  #write(process: Process, work: () => Promise<void>, failures = this.settings.failures, addedMs = 0): Promise<void> {
    const { world } = this;
    return new Promise<void>((resolve, reject) => {
      const fails = world.chance(failures);
      const takesEffect = !fails || world.chance(0.5);
      // The process was killed while it wrote: the write is there or not.
      const survives = addedMs === 0 && world.chance(0.5);
      world.after(addedMs + world.between(0, this.settings.delayMs), () => {
        if (!process.alive) {
          if (takesEffect && survives) work().catch(() => {});
        } else if (!takesEffect) reject(new Error('injected: the write failed'));
        else
          work().then(() => {
            if (!process.alive) return;
            if (fails) reject(new Error('injected: the outcome of the write is unknown'));
            else resolve();
          }, reject);
      });
    });
  }
}

const forgetful = (run: StoredRun): StoredRun => ({ ...run, nextEvent: Math.max(0, run.nextEvent - 1) });
