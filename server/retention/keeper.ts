import { blobsOfSnapshot } from '~/server/base/blobsNamed';
import type { EntriesListener } from '~/server/runs/hub';
import type { Choose } from '~/server/runs/room';
import type { Store } from '~/server/store';
import type { BlobStore } from '~/server/store/blobs';
import { listsOf, type RunLists } from '~/server/store/lists';
import type { CommandAnswer } from '~/shared/commands';
import type { ListItems, ListKind, RunView } from '~/shared/view';
import { type Thinnable, toThin } from './thin';

export interface RetentionDeps {
  hub: {
    view(runId: string): Promise<RunView | null>;
    decide(runId: string, choose: Choose): Promise<CommandAnswer>;
    onEntries(listener: EntriesListener): () => void;
  };
  store: Pick<Store, 'setting' | 'setSetting' | 'blobUsers' | 'list' | 'item'>;
  blobs: Pick<BlobStore, 'remove'>;
  onError(error: unknown): void;
}

/** The snapshots' quota, which people see and change. */
export interface Retention {
  /** Bytes that one run's snapshots may take. */
  quotaBytes(): number;
  setQuota(bytes: number): Promise<void>;
  /** Waits for thinning in progress, then stops. */
  close(): Promise<void>;
}

const quotaKey = 'retention.snapshotBytes';
const defaultQuotaBytes = 4 * 2 ** 30;

/** Keeps every run's snapshots within the quota: an entry of the run's log records the removal before files are deleted. */
export async function openRetention({ hub, store, blobs, onError }: RetentionDeps): Promise<Retention> {
  let quota = Number((await store.setting(quotaKey)) ?? defaultQuotaBytes);
  const busy = new Map<string, Promise<void>>();
  /** Bytes of a run's snapshots, and the bytes at which to check again; a run that has not been checked is not here. */
  const sizes = new Map<string, { bytes: number; lookAt: number }>();

  async function thin(runId: string): Promise<void> {
    const before = await hub.view(runId);
    if (!before) return;
    const run = await thinnable(listsOf(store, runId));
    const taken = toThin(run, quota);
    const bytes = bytesOf(run.snapshots) - bytesOf(taken);
    // If nothing can be removed, the next check is when the run has grown a little.
    sizes.set(runId, { bytes, lookAt: taken.length > 0 ? quota : Math.max(quota, bytes * 1.02) });
    if (taken.length === 0) return;
    const gone = new Set(taken);
    let done = false;
    await hub.decide(runId, (view) => {
      // The run went back meanwhile, or somebody marked a snapshot that was to be removed: the next snapshot triggers a new
      // check.
      done = stands(before, view);
      const seqs = taken.map((s) => s.seq);
      const message = describeThinning(run.snapshots.length, taken.length, quota);
      return done ? [{ type: 'snapshots.thinned', quotaBytes: quota, seqs, message }] : [];
    });
    if (!done) {
      sizes.delete(runId);
      return;
    }
    const kept = new Set(named(run.snapshots.filter((s) => !gone.has(s))));
    for (const hash of new Set(named(taken)))
      if (!kept.has(hash) && (await store.blobUsers(hash)).every((id) => id === runId)) await blobs.remove(hash);
  }

  const stop = hub.onEntries((runId, entries, view) => {
    const added = entries.reduce((bytes, { event }) => bytes + (event.type === 'snapshot' ? event.blob.bytes : 0), 0);
    if (added === 0) return;
    const size = sizes.get(runId);
    if (size) size.bytes += added;
    // All of its snapshots are in the view.
    else if (view.recent.snapshots.fromSeq === 0)
      sizes.set(runId, { bytes: bytesOf(view.recent.snapshots.items), lookAt: quota });
    const known = sizes.get(runId);
    if (busy.has(runId) || (known && known.bytes <= Math.max(quota, known.lookAt))) return;
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
      sizes.clear();
    },
    async close() {
      stop();
      await Promise.all(busy.values());
    },
  };
}

type Snapshots = readonly ListItems['snapshots'][];
const bytesOf = (snapshots: Snapshots): number => snapshots.reduce((bytes, s) => bytes + s.blob.bytes, 0);
const named = (snapshots: Snapshots): string[] => snapshots.flatMap(blobsOfSnapshot);

async function thinnable(lists: RunLists): Promise<Thinnable> {
  const all = async <K extends ListKind>(kind: K) => {
    const items: ListItems[K][] = [];
    for await (const page of lists.pages(kind)) items.push(...page);
    return items;
  };
  return { snapshots: await all('snapshots'), alerts: await all('alerts'), notes: await all('notes') };
}

/** Nothing that decides which snapshots go has changed, except that there are more snapshots. */
const stands = (before: RunView, now: RunView): boolean =>
  before.attempt === now.attempt &&
  (['alerts', 'notes'] as const).every((kind) => before.counts[kind].lastSeq === now.counts[kind].lastSeq);

const describeThinning = (snapshots: number, taken: number, quota: number): string =>
  `the maps of ${taken} of ${snapshots} snapshots were taken away to keep this run's snapshots under ${(quota / 2 ** 20).toFixed(0)} MB; ` +
  'the first, the last, those of alerts, notes, commands and best results, and evenly spaced ones stay, and so do all signals';
