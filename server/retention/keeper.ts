import { blobsNamed } from '~/server/base/blobsNamed';
import type { EntriesListener } from '~/server/runs/makingRoom';
import type { Choose } from '~/server/runs/room';
import type { Store } from '~/server/store';
import type { BlobStore } from '~/server/store/blobs';
import { listsOf, type RunLists } from '~/server/store/lists';
import type { CommandAnswer } from '~/shared/commands';
import type { ListItems, ListKind, RunView } from '~/shared/view';
import { entriesOf, itemEvents, superseded } from './superseded';
import { checkpointsToThin, LEAVE, NEWEST_CHECKPOINTS, snapshotsToThin } from './thin';

export interface RetentionDeps {
  hub: {
    view(runId: string): Promise<RunView | null>;
    decide(runId: string, choose: Choose): Promise<CommandAnswer>;
    onEntries(listener: EntriesListener): () => void;
  };
  store: Pick<Store, 'setting' | 'setSetting' | 'blobUsers' | 'list' | 'item' | 'entries'>;
  blobs: Pick<BlobStore, 'remove'>;
  /** Those that an admin has set. */
  limits(): Partial<Quotas>;
  onError(error: unknown): void;
}

/** What has a quota per run. */
export type Thinned = 'snapshots' | 'checkpoints';
/** Bytes that one run's items may take. */
export type Quotas = Record<Thinned, number>;

/** The quotas, as they hold now, and what is kept under them. */
export interface Retention {
  quotas(): Quotas;
  /** What one run's items take now, with those that it went back over. `unlimited`: files of samples and of answers to questions, which have no quota. */
  use(runId: string): Promise<Record<Thinned | 'unlimited', { count: number; bytes: number }>>;
  /** Waits for thinning in progress, then stops. */
  close(): Promise<void>;
}

const kinds: readonly Thinned[] = ['snapshots', 'checkpoints'];
/** Settings in which limits were kept before the audit log held them. */
const keys: Record<Thinned, string> = { snapshots: 'retention.snapshotBytes', checkpoints: 'retention.checkpointBytes' };
const defaultQuotaBytes = 4 * 2 ** 30;

/** { `${kind} ${runId}`: hashes of the blobs whose deletion has begun } */
const removingKey = 'retention.removing';

type Item = ListItems[Thinned];

/** Keeps every run's snapshots and checkpoints within their quotas: an entry of the run's log records it before files are deleted. */
export async function openRetention({ hub, store, blobs, limits, onError }: RetentionDeps): Promise<Retention> {
  const stored = async (kind: Thinned) => Number((await store.setting(keys[kind])) ?? defaultQuotaBytes);
  const earlier: Quotas = { snapshots: await stored('snapshots'), checkpoints: await stored('checkpoints') };
  const quotas = (): Quotas => ({ ...earlier, ...limits() });
  const busy = new Map<string, Promise<void>>();
  /** Bytes of a run's items, and the bytes at which to check again under the same quota; what has not been checked is not here. */
  const sizes = new Map<string, { bytes: number; lookAt: number; quota: number }>();

  /** A deletion that a crash cut short goes on when the server starts again. */
  const removing = new Map(Object.entries(JSON.parse((await store.setting(removingKey)) ?? '{}') as Record<string, string[]>));
  const saveRemoving = () => store.setSetting(removingKey, JSON.stringify(Object.fromEntries(removing)));

  /** Deletes those of the blobs that none of the run's items needs any more. */
  async function remove(key: string, runId: string): Promise<void> {
    const lists = listsOf(store, runId);
    const kept = new Set([...(await whole(lists, 'snapshots')), ...(await whole(lists, 'checkpoints'))].flatMap(blobsOf));
    const needs = async (hash: string) =>
      kept.has(hash) ||
      (await lists.item('snapshots', { ref: hash })) !== null ||
      (await lists.item('checkpoints', { ref: hash })) !== null ||
      (await store.blobUsers(hash)).some((id) => id !== runId);
    // In a turn of the run: otherwise an event could name the same bytes again between the question and the deletion.
    for (const hash of removing.get(key) ?? [])
      await hub.decide(runId, async () => {
        if (!(await needs(hash))) await blobs.remove(hash);
        return [];
      });
    removing.delete(key);
    await saveRemoving();
  }

  const usedElsewhere = async (hash: string, runId: string) => (await store.blobUsers(hash)).some((id) => id !== runId);

  /** Which of the run's items go: those that it went back over first, the earliest before others. */
  async function choose(kind: Thinned, view: RunView): Promise<{ all: Item[]; taken: Item[]; back: Item[] }> {
    const lists = listsOf(store, view.runId);
    const all = await whole(lists, kind);
    const over = await superseded(store, kind, view.runId, all);
    let left = bytesOf(all) + bytesOf(over);
    const result = { all: [...all, ...over], taken: [] as Item[], back: [] as Item[] };
    const most = quotas()[kind];
    if (left <= most) return result;
    for (const item of over) {
      if (left <= most * LEAVE) break;
      if (await usedElsewhere(item.blob.hash, view.runId)) continue;
      result.back.push(item);
      left -= item.blob.bytes;
    }
    const marks = { alerts: await whole(lists, 'alerts'), notes: await whole(lists, 'notes') };
    // What another run uses of the rest counts, too, and so do the pictures that snapshots share.
    const quota = most - (left - all.reduce((sum, { blob }) => sum + blob.bytes, 0));
    if (kind === 'snapshots') return { ...result, taken: snapshotsToThin(all as ListItems['snapshots'][], marks, quota) };
    const named = new Set((await whole(lists, 'analyses')).flatMap((a) => a.checkpoint ?? []));
    for (const { command } of view.openCommands) if (command.kind === 'act' && command.checkpoint) named.add(command.checkpoint);
    for (const { blob } of all) if (await usedElsewhere(blob.hash, view.runId)) named.add(blob.hash);
    const best = [view.best, view.bestRow];
    return { ...result, taken: checkpointsToThin(all as ListItems['checkpoints'][], { ...marks, named, best }, quota) };
  }

  async function thin(runId: string, kind: Thinned): Promise<void> {
    const before = await hub.view(runId);
    if (!before) return;
    const key = `${kind} ${runId}`;
    const quota = quotas()[kind];
    const { all, taken, back } = await choose(kind, before);
    const gone = [...taken, ...back];
    const bytes = bytesOf(all) - bytesOf(gone);
    // If nothing can be removed, the next check is when the run has grown a little.
    sizes.set(key, { bytes, lookAt: gone.length > 0 ? quota : Math.max(quota, bytes * 1.02), quota });
    if (gone.length === 0) return;
    removing.set(key, [...new Set(gone.flatMap(blobsOf))]);
    await saveRemoving();
    let done = false;
    await hub.decide(runId, (view) => {
      // The run went back meanwhile, or somebody marked an item that was to be removed: the next item triggers a new check.
      done = stands(before, view);
      if (!done) return [];
      const message = describe[kind](gone.length, back.length, all.length, quota);
      const [seqs, over] = [taken.map((s) => s.seq), back.map((s) => s.seq)];
      return [{ type: `${kind}.thinned`, quotaBytes: quota, seqs, ...(over.length > 0 && { superseded: over }), message }];
    });
    if (done) return remove(key, runId);
    sizes.delete(key);
    removing.delete(key);
    await saveRemoving();
  }

  function look(kind: Thinned, runId: string, entries: Parameters<EntriesListener>[1]): void {
    const added = entries.reduce((sum, { event }) => sum + (event.type === itemEvents[kind] ? event.blob.bytes : 0), 0);
    if (added === 0) return;
    const key = `${kind} ${runId}`;
    const size = sizes.get(key);
    if (size) size.bytes += added;
    if (busy.has(key) || (size?.quota === quotas()[kind] && size.bytes <= size.lookAt)) return;
    begin(key, thin(runId, kind));
  }
  function begin(key: string, work: Promise<void>): void {
    const ended = work.catch(onError).finally(() => busy.delete(key));
    busy.set(key, ended);
  }
  for (const key of removing.keys()) begin(key, remove(key, key.split(' ')[1]!));
  const stop = hub.onEntries((runId, entries) => {
    for (const kind of kinds) look(kind, runId, entries);
  });

  return {
    quotas,
    async use(runId) {
      const of = async (kind: Thinned) => {
        const all = await whole(listsOf(store, runId), kind);
        const items = [...all, ...(await superseded(store, kind, runId, all))];
        return { count: items.length, bytes: bytesOf(items) };
      };
      const files = new Map<string, number>();
      for await (const { event } of entriesOf(store, runId, ['media', 'analysis']))
        if ('blob' in event && event.blob) files.set(event.blob.hash, event.blob.bytes);
      const unlimited = { count: files.size, bytes: [...files.values()].reduce((sum, bytes) => sum + bytes, 0) };
      return { snapshots: await of('snapshots'), checkpoints: await of('checkpoints'), unlimited };
    },
    async close() {
      stop();
      await Promise.all(busy.values());
    },
  };
}

/** Each blob counts once: two items may have the same bytes. */
const bytesOf = (items: readonly Item[]): number => {
  let bytes = 0;
  const files = items.flatMap((item) => ('pictures' in item && item.pictures ? [item.blob, item.pictures] : [item.blob]));
  for (const file of new Map(files.map((file) => [file.hash, file])).values()) bytes += file.bytes;
  return bytes;
};
const blobsOf = (item: Item): string[] => blobsNamed(item as Parameters<typeof blobsNamed>[0]);

async function whole<K extends ListKind>(lists: RunLists, kind: K): Promise<ListItems[K][]> {
  const items: ListItems[K][] = [];
  for await (const page of lists.pages(kind)) items.push(...page);
  return items;
}

/** Nothing that decides which items go has changed, except that there are more of them. */
const stands = (before: RunView, now: RunView): boolean =>
  before.attempt === now.attempt &&
  now.pendingRevert === null &&
  before.best?.seq === now.best?.seq &&
  before.openCommands.every((c, i) => c.seq === now.openCommands[i]?.seq) &&
  before.openCommands.length === now.openCommands.length &&
  (['alerts', 'notes', 'analyses'] as const).every((kind) => before.counts[kind].lastSeq === now.counts[kind].lastSeq);

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`;
const ofBack = (back: number) => (back > 0 ? `, ${back} of them of steps that the run had gone back over` : '');
const describe: Record<Thinned, (taken: number, back: number, all: number, quota: number) => string> = {
  snapshots: (taken, back, all, quota) =>
    `the maps of ${taken} of ${all} snapshots were taken away to keep this run's snapshots under ${megabytes(quota)}${ofBack(back)}; ` +
    'the first, the last, those of alerts, notes, commands and best results, and evenly spaced ones stay, and so do all signals',
  checkpoints: (taken, back, all, quota) =>
    `${taken} of ${all} checkpoints were taken away to keep this run's checkpoints under ${megabytes(quota)}${ofBack(back)}; the first, the newest ` +
    `${NEWEST_CHECKPOINTS}, those of alerts, notes, commands, questions, branches and best results, and evenly spaced ones stay`,
};
