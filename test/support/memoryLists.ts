import { keysOf, mostSubjects, subjectKeys } from '~/shared/listKeys';
import {
  type ItemQuery,
  inOrder,
  type ListMark,
  type ListQuery,
  type MarksQuery,
  type Near,
  type NearQuery,
} from '~/shared/listQueries';
import { applyToList, idOf, type ListChange } from '~/shared/lists';
import { type ListItems, type ListKind, listKinds } from '~/shared/view';

/** The lists of one run as plain arrays, searched from end to end: for a store in memory. */
export class MemoryLists {
  readonly #lists = new Map<ListKind, ListItems[ListKind][]>();

  apply(changes: readonly ListChange[]): void {
    for (const change of changes)
      for (const kind of listKinds) this.#lists.set(kind, applyToList(kind, this.#of(kind), change) as ListItems[ListKind][]);
  }

  list<K extends ListKind>(q: ListQuery<K>): ListItems[K][] {
    const found = this.#of(q.kind).filter((item) => {
      const { step, ref, tag } = keysOf(q.kind, item);
      return (
        (q.before === undefined || item.seq < q.before) &&
        (q.after === undefined || item.seq > q.after) &&
        (q.fromStep === undefined || (step !== null && step >= q.fromStep)) &&
        (q.toStep === undefined || (step !== null && step < q.toStep)) &&
        (q.ref === undefined || ref === q.ref) &&
        (q.tag === undefined || tag === q.tag)
      );
    });
    return structuredClone(q.after === undefined ? found.slice(-q.limit) : found.slice(0, q.limit));
  }

  item<K extends ListKind>(q: ItemQuery<K>): ListItems[K] | null {
    const found = this.#of(q.kind).findLast((item) =>
      'seq' in q ? item.seq === q.seq : 'id' in q ? idOf(q.kind, item) === q.id : keysOf(q.kind, item).ref === q.ref,
    );
    return structuredClone(found ?? null);
  }

  near<K extends ListKind>({ kind, step, limit }: NearQuery<K>): Near<ListItems[K]> {
    const placed = this.#of(kind)
      .flatMap((item) => {
        const at = keysOf(kind, item).step;
        return at === null ? [] : [{ at, item }];
      })
      .sort((a, b) => a.at - b.at || a.item.seq - b.item.seq);
    const items = (side: typeof placed) => structuredClone(side.map(({ item }) => item));
    return {
      before: items(placed.filter((p) => p.at <= step).slice(-limit)),
      after: items(placed.filter((p) => p.at > step).slice(0, limit)),
    };
  }

  marks({ kinds, fromStep, toStep, buckets }: MarksQuery): ListMark[] {
    const marks = new Map<string, ListMark>();
    for (const kind of kinds) {
      const inRange = this.#of(kind).flatMap((item) => {
        const { step, ...keys } = keysOf(kind, item);
        const subject = (subjectKeys[kind] ?? []).map((key) => keys[key]).join(' ');
        return step === null || step < fromStep || step >= toStep ? [] : [{ item, step, subject }];
      });
      const told = new Set(inRange.map((i) => i.subject)).size <= mostSubjects * buckets;
      const first = Math.min(...inRange.map((i) => i.step));
      const width = Math.max(1, (Math.max(...inRange.map((i) => i.step)) + 1 - first) / buckets);
      for (const { item, step, subject } of inRange) {
        const key = `${kind} ${Math.floor((step - first) / width)} ${told ? subject : ''}`;
        const known = marks.get(key);
        const mark = known ?? { kind, step, lastStep: step, count: 0, item };
        marks.set(key, {
          ...mark,
          step: Math.min(mark.step, step),
          lastStep: Math.max(mark.lastStep, step),
          count: mark.count + 1,
          item: item.seq > mark.item.seq ? item : mark.item,
        });
      }
    }
    return structuredClone([...marks.values()].sort(inOrder));
  }

  #of<K extends ListKind>(kind: K): ListItems[K][] {
    return (this.#lists.get(kind) ?? []) as ListItems[K][];
  }
}
