import type { ListItems, ListKind } from './view';

/**
 * Questions about the lists that grow with a run (shared/lists.ts): evaluations, snapshots, commands, ... Only items in force are
 * returned.
 */

export interface ListQuery<K extends ListKind = ListKind> {
  runId: string;
  kind: K;
  /** Items before this seq (exclusive): the newest `limit` of them. */
  before?: number | undefined;
  /** Items after this seq (exclusive): the oldest `limit` of them. */
  after?: number | undefined;
  fromStep?: number | undefined;
  /** Exclusive. */
  toStep?: number | undefined;
  /** The subject of the items, and their kind (shared/lists.ts, ItemKeys). */
  ref?: string | undefined;
  tag?: string | undefined;
  limit: number;
}

/** By exactly one of these; several items may have one `ref`: the newest is returned. */
export type ItemQuery<K extends ListKind = ListKind> = { runId: string; kind: K } & (
  | { seq: number }
  | { id: string }
  | { ref: string }
);

export interface NearQuery<K extends ListKind = ListKind> {
  runId: string;
  kind: K;
  step: number;
  /** Number of items on each side. */
  limit: number;
}

/** Both ascend by step, then seq. */
export interface Near<Item> {
  /** Up to `step`. */
  before: Item[];
  after: Item[];
}

export interface MarksQuery {
  runId: string;
  kinds: readonly ListKind[];
  fromStep: number;
  /** Exclusive. */
  toStep: number;
  /**
   * For each kind, from its first item in the range to its last: the number of equal parts. Each has at most one mark of each
   * subject (`subjectKeys`).
   */
  buckets: number;
}

/** Items of one kind, and of one subject, whose steps lie in one bucket. */
export interface ListMark<K extends ListKind = ListKind> {
  kind: K;
  /** Steps of the first and the last of them. */
  step: number;
  lastStep: number;
  count: number;
  /** The newest of them. */
  item: ListItems[K];
}

/** Marks in step order; within one step, in the order of the log. */
export const inOrder = (a: ListMark, b: ListMark): number => a.step - b.step || a.item.seq - b.item.seq;
