import type { ListQuery } from '~/shared/listQueries';
import type { ListItems, ListKind } from '~/shared/view';
import type { Store } from './index';

/** Access to the lists of one run, for its room. */
export interface RunLists {
  list<K extends ListKind>(kind: K, query: Omit<ListQuery<K>, 'runId' | 'kind'>): Promise<ListItems[K][]>;
  item<K extends ListKind>(kind: K, by: { seq: number } | { id: string } | { ref: string }): Promise<ListItems[K] | null>;
  /** All matching items, in the order of the log, several hundred at a time. */
  pages<K extends ListKind>(
    kind: K,
    query?: Omit<ListQuery<K>, 'runId' | 'kind' | 'before' | 'limit'>,
  ): AsyncGenerator<ListItems[K][]>;
}

const pageItems = 500;

export function listsOf(store: Pick<Store, 'list' | 'item'>, runId: string): RunLists {
  return {
    list: (kind, query) => store.list({ runId, kind, ...query }),
    item: (kind, by) => store.item({ runId, kind, ...by }),
    async *pages(kind, query = {}) {
      for (let after = query.after ?? 0; ; ) {
        const page = await store.list({ runId, kind, ...query, after, limit: pageItems });
        if (page.length > 0) yield page;
        if (page.length < pageItems) return;
        after = page.at(-1)!.seq;
      }
    },
  };
}
