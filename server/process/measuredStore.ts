import type { Log } from '~/server/base/log';
import type { Append, Store } from '~/server/store';

/** Slower commits are logged: the disk is busy, or too slow for the data rate. */
const slowMs = 500;

/** Wraps the store and measures every commit, from the call until its entries survive a kill. */
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
