import { listsOf, type RunLists } from '~/server/store/lists';
import type { Entry, RunEvent } from '~/shared/events';
import { emptyView, fold, foldWithChanges } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { listKinds, type RunView, type WithLists } from '~/shared/view';
import { MemoryLists } from '~/test/support/memoryLists';
import { publishedSetup } from './setups';

const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };

/** The view of a run just created by Ada. */
export function viewAtStart(runId = 'run001'): RunView {
  const event: RunEvent = { type: 'run.created', setup: publishedSetup('reverse'), actor: ada, parent: null };
  return emptyView(runId, { seq: 1, attempt: 0, at: 1000, event });
}

/** The view of a whole log. */
export function foldAll(runId: string, entries: Iterable<Entry>): RunView {
  let view: RunView | null = null;
  for (const e of entries) view = view ? fold(view, e) : emptyView(runId, e);
  if (!view) throw new Error(`run ${runId}: an empty log has no view`);
  return view;
}

/** Folds a log: the view, and the lists as a store holds them. */
export function foldedLog(runId: string, entries: readonly Entry[]): { view: RunView; lists: RunLists } {
  const lists = new MemoryLists();
  let view = emptyView(runId, entries[0]!);
  for (const entry of entries.slice(1)) {
    const folded = foldWithChanges(view, entry);
    view = folded.view;
    lists.apply(folded.changes);
  }
  const store = { list: async (q: never) => lists.list(q), item: async (q: never) => lists.item(q) };
  return { view, lists: listsOf(store as Parameters<typeof listsOf>[0], runId) };
}

/** A view whose lists are its newest items: all items, in a short run. */
export const withRecent = (view: RunView): WithLists =>
  ({ ...view, ...Object.fromEntries(listKinds.map((kind) => [kind, view.recent[kind].items])) }) as unknown as WithLists;
