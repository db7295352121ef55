/** The newest items of each list, and how many there are: the part of the lists that is in the view. */

import { applyToList, isOfSteps, type ListChange, ofSteps, type Put } from '~/shared/lists';
import { type ListItems, type ListKind, listKinds, type Recent, type RunView } from '~/shared/view';

/** Limits of the items of each list in the view, and roughly of their characters as JSON (one item at least). */
const recentMost: {
  [K in ListKind]: { items: number; characters: number };
} = {
  evaluations: { items: 32, characters: 6000 },
  snapshots: { items: 32, characters: 4000 },
  checkpoints: { items: 16, characters: 3000 },
  alerts: { items: 16, characters: 2000 },
  statuses: { items: 16, characters: 2000 },
  commands: { items: 32, characters: 6000 },
  analyses: { items: 16, characters: 4000 },
  notes: { items: 32, characters: 3000 },
  activity: { items: 32, characters: 3000 },
  media: { items: 16, characters: 4000 },
};

type Lists = Pick<RunView, 'recent' | 'counts'>;

export function emptyLists(): Lists {
  const each = <V>(value: () => V) => Object.fromEntries(listKinds.map((kind) => [kind, value()]));
  return {
    recent: each(() => ({ items: [], fromSeq: 0 })) as never,
    counts: each(() => ({ count: 0, lastSeq: 0 })) as never,
  };
}

/** The newest items and the counts after some changes. */
export function changeLists(view: RunView, changes: readonly ListChange[]): Lists {
  if (changes.length === 0) return { recent: view.recent, counts: view.counts };
  const lists: Lists = { recent: { ...view.recent }, counts: { ...view.counts } };
  for (const kind of touched(changes)) changeList(view, lists, kind, changes);
  return lists;
}

/** The lists that these changes may affect: most entries affect one. */
function touched(changes: readonly ListChange[]): Iterable<ListKind> {
  const kinds = new Set<ListKind>();
  for (const change of changes)
    if (change.op === 'supersede') for (const kind of ofSteps) kinds.add(kind);
    else kinds.add(change.op === 'revert' ? 'commands' : change.kind);
  return kinds;
}

function changeList<K extends ListKind>(view: RunView, lists: Lists, kind: K, changes: readonly ListChange[]): void {
  const before = view.recent[kind] as Recent<ListItems[K]>;
  let { items } = before;
  let { count, lastSeq } = view.counts[kind];
  for (const change of changes) {
    const next = applyToList(kind, items, change);
    if (change.op === 'put') {
      if (change.kind === kind) {
        count += isMove(view, change) ? 0 : 1;
        lastSeq = change.item.seq;
      }
    } else if (change.op === 'drop') {
      if (change.kind === kind) count -= change.kind === 'notes' ? 1 + change.replies : change.seqs.length;
    } else if (change.op === 'supersede' && isOfSteps(kind)) count = change.left?.[kind] ?? count - (items.length - next.length);
    items = next;
  }
  if (items === before.items && count === view.counts[kind].count) return;
  const recent = trimmed(kind, items, before.fromSeq);
  lists.recent[kind] = recent as never;
  // The whole list is in the view, so its length is the count.
  lists.counts[kind] = { count: recent.fromSeq === 0 ? recent.items.length : count, lastSeq };
}

/** A proposal that was approved: the same command at a later seq. */
const isMove = (view: RunView, { kind, item }: Put): boolean =>
  kind === 'commands' && view.openCommands.some((c) => c.command.id === item.command.id);

function trimmed<K extends ListKind>(kind: K, items: ListItems[K][], fromSeq: number): Recent<ListItems[K]> {
  const most = recentMost[kind];
  let characters = 0;
  let first = items.length;
  while (first > 0 && items.length - first < most.items) {
    characters += sizeOf(items[first - 1]!);
    if (characters > most.characters && first < items.length) break;
    first -= 1;
  }
  return first === 0 ? { items, fromSeq } : { items: items.slice(first), fromSeq: items[first - 1]!.seq + 1 };
}

const known = new WeakMap<object, number>();

function sizeOf(item: object): number {
  let characters = known.get(item);
  if (characters === undefined) {
    characters = JSON.stringify(item).length;
    known.set(item, characters);
  }
  return characters;
}
