/** Imports that go on, and those that a crash cut short. */

import { serial } from '~/server/base/serial';
import type { Store } from '~/server/store';
import type { BlobStore } from '~/server/store/blobs';
import { LogCopy } from '~/server/store/logCopy';
import { pendingKey } from '~/server/store/lostBlobs';
import { summarize } from '~/shared/summary';
import { ImportError } from './importError';

/**
 * Deletes what an import left that a crash cut short; its blobs are swept with others that nothing names. Called before the hub
 * opens.
 */
export async function forgetCutImports(store: Store): Promise<void> {
  const pending = JSON.parse((await store.setting(pendingKey)) ?? '[]') as string[];
  for (const runId of pending) await store.remove(runId);
  if (pending.length > 0) await store.setSetting(pendingKey, '[]');
}

type Keep = (hash: string, bytes: AsyncIterable<Uint8Array>) => Promise<void>;

/** Runs `write` so that a failure leaves no run and no blobs, and a crash no run. */
export async function writing(
  deps: ImportDeps,
  runId: string,
  write: (log: LogCopy, keep: Keep) => Promise<void>,
): Promise<string> {
  const { store, blobs } = deps;
  const pending = (change: (ids: string[]) => string[]) => changeList(store, pendingKey, change);
  const release = claim(store, runId);
  const fresh: string[] = [];
  try {
    await pending((ids) => [...ids, runId]);
    const log = new LogCopy(store, runId);
    await write(log, async (hash, bytes) => {
      if ((await blobs.put(hash, bytes)).fresh) fresh.push(hash);
    });
    if (!log.view) throw new ImportError('the file holds no run');
    await store.saveView(log.view, summarize(log.view, 0));
  } catch (error) {
    await store.remove(runId);
    for (const hash of fresh) if ((await store.blobUsers(hash)).length === 0) await blobs.remove(hash);
    throw error;
  } finally {
    await pending((ids) => ids.filter((id) => id !== runId)).finally(release);
  }
  await deps.adopt(runId);
  return runId;
}

/** Runs that are being imported now. */
const claimed = new WeakMap<Store, Set<string>>();
export const isImporting = (store: Store, runId: string): boolean => claimed.get(store)?.has(runId) ?? false;

function claim(store: Store, runId: string): () => void {
  const ids = claimed.get(store) ?? new Set();
  claimed.set(store, ids);
  if (ids.has(runId)) throw new ImportError(`run ${runId} is being imported at this moment; wait for that to end`);
  ids.add(runId);
  return () => void ids.delete(runId);
}

/** Changes a setting that is a list. Changes are serialized: several imports may begin at once. */
const changes = new WeakMap<Store, ReturnType<typeof serial>>();
export function changeList(store: Store, key: string, change: (ids: string[]) => string[]): Promise<void> {
  const one = changes.get(store) ?? serial();
  changes.set(store, one);
  return one(async () => store.setSetting(key, JSON.stringify(change(JSON.parse((await store.setting(key)) ?? '[]')))));
}

export interface ImportDeps {
  store: Store;
  blobs: BlobStore;
  now(): number;
  /** Makes a run known that was written directly to the store. */
  adopt(runId: string): Promise<void>;
}
