import { blobsOfSnapshot } from '~/server/base/blobsNamed';
import type { Store } from '~/server/store';
import type { BlobStore } from '~/server/store/blobs';
import type { CommandAnswer, Refusal } from '~/shared/commands';
import type { Entry, RunEvent } from '~/shared/events';
import type { RunView } from '~/shared/view';
import { toThin } from './thin';

export interface RetentionDeps {
  hub: {
    decide(runId: string, choose: (view: RunView) => RunEvent[] | Refusal): Promise<CommandAnswer>;
    onEntries(listener: (runId: string, entries: Entry[], view: RunView) => void): () => void;
  };
  store: Pick<Store, 'setting' | 'setSetting' | 'blobUsers'>;
  blobs: Pick<BlobStore, 'remove'>;
  onError(error: unknown): void;
}

/** The snapshots' quota: a number that people see and change. */
export interface Retention {
  /** Bytes that one run's snapshots may take. */
  quotaBytes(): number;
  setQuota(bytes: number): Promise<void>;
  /** Waits for thinning under way, then stops. */
  close(): Promise<void>;
}

const quotaKey = 'retention.snapshotBytes';
const defaultQuotaBytes = 4 * 2 ** 30;

/** Keeps every run's snapshots within the quota: what goes is an entry of the run's log first, and only then taken from the disk. */
export async function openRetention({ hub, store, blobs, onError }: RetentionDeps): Promise<Retention> {
  let quota = Number((await store.setting(quotaKey)) ?? defaultQuotaBytes);
  const busy = new Map<string, Promise<void>>();

  async function thin(runId: string): Promise<void> {
    let hashes: string[] = [];
    await hub.decide(runId, (view) => {
      const taken = toThin(view, quota);
      if (taken.length === 0) return [];
      const gone = new Set(taken);
      const named = (snapshots: RunView['snapshots']) => snapshots.flatMap(blobsOfSnapshot);
      const kept = new Set(named(view.snapshots.filter((s) => !gone.has(s))));
      hashes = [...new Set(named(taken))].filter((hash) => !kept.has(hash));
      return [
        {
          type: 'snapshots.thinned',
          quotaBytes: quota,
          seqs: taken.map((s) => s.seq),
          message: describeThinning(view, taken.length, quota),
        },
      ];
    });
    for (const hash of hashes) if ((await store.blobUsers(hash)).every((id) => id === runId)) await blobs.remove(hash);
  }

  const stop = hub.onEntries((runId, entries, view) => {
    if (busy.has(runId) || !entries.some((e) => e.event.type === 'snapshot')) return;
    if (view.snapshots.reduce((bytes, s) => bytes + s.blob.bytes, 0) <= quota || toThin(view, quota).length === 0) return;
    const thinning = thin(runId)
      .catch(onError)
      .finally(() => busy.delete(runId));
    busy.set(runId, thinning);
  });

  return {
    quotaBytes: () => quota,
    async setQuota(bytes) {
      await store.setSetting(quotaKey, String(bytes));
      quota = bytes;
    },
    async close() {
      stop();
      await Promise.all(busy.values());
    },
  };
}

const describeThinning = (view: RunView, taken: number, quota: number): string =>
  `the maps of ${taken} of ${view.snapshots.length} snapshots were taken away to keep this run's snapshots under ${(quota / 2 ** 20).toFixed(0)} MB; ` +
  'the first, the last, those of alerts, notes, commands and best results, and evenly spaced ones stay, and so do all signals';
