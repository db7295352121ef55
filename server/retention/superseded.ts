import { blobsNamed } from '~/server/base/blobsNamed';
import type { Store } from '~/server/store';
import type { Entry, RunEvent } from '~/shared/events';
import type { ListItems } from '~/shared/view';

type Kind = 'snapshots' | 'checkpoints';

/** The entries of the log that add an item. */
export const itemEvents = { snapshots: 'snapshot', checkpoints: 'checkpoint' } as const;

/**
 * Items that the run has gone back over: they are in no list, and can be neither shown nor resumed, but their blobs are still stored.
 * One item for each blob that nothing in force has; those that a script keeps itself are left out.
 *
 * @param inForce the run's items of this kind
 * @returns in the order of the log
 */
export async function superseded<K extends Kind>(
  store: Pick<Store, 'entries'>,
  kind: K,
  runId: string,
  inForce: readonly ListItems[K][],
): Promise<ListItems[K][]> {
  const needed = new Set(inForce.map(({ blob }) => blob.hash));
  let until = 0;
  for await (const { seq, event } of entriesOf(store, runId, ['run.created', 'run.assigned', 'rewind'])) {
    if (event.type === 'run.created') for (const hash of blobsNamed(event)) needed.add(hash);
    else until = seq;
  }
  const found = new Map<string, Entry>();
  const hashes = new Map<number, string>();
  for await (const entry of entriesOf(store, runId, [itemEvents[kind], `${kind}.thinned`])) {
    const { event, seq } = entry;
    if ('seqs' in event) for (const gone of [...event.seqs, ...(event.superseded ?? [])]) found.delete(hashes.get(gone) ?? '');
    else if (seq < until && !('reference' in event)) {
      const [hash] = blobsNamed(event);
      hashes.set(seq, hash!);
      found.set(hash!, entry);
    }
  }
  return [...found].flatMap(([hash, { seq, at, event }]) =>
    needed.has(hash) ? [] : [{ ...event, seq, at } as unknown as ListItems[K]],
  );
}

/** Entries of some types, those that the run has gone back over too. */
export async function* entriesOf(store: Pick<Store, 'entries'>, runId: string, types: RunEvent['type'][]): AsyncGenerator<Entry> {
  for (let fromSeq = 1; ; ) {
    const page = await store.entries({ runId, fromSeq, limit: 500, types });
    yield* page;
    if (page.length === 0) return;
    fromSeq = page.at(-1)!.seq + 1;
  }
}
