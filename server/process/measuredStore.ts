import type { Log } from '~/server/base/log';
import type { Append, Store } from '~/server/store';

/** A commit that takes longer is logged: the disk is busy, or too slow for what is sent. */
const slowMs = 500;

/** The store with the time of every commit measured, from the call until its entries survive a kill. */
export function measuredStore(store: Store, measured: { commit(ms: number): void }, log: Log): Store {
  return {
    ...store,
    async append(write: Append) {
      const startedAt = performance.now();
      await store.append(write);
      const ms = performance.now() - startedAt;
      measured.commit(ms);
      if (ms < slowMs) return;
      const { runId, attempt, entries } = write;
      log.warn({ runId, attempt, entries: entries.length, ms: Math.round(ms) }, `slow commit: ${Math.round(ms)} ms`);
    },
  };
}
