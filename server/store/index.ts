import type { Entry, RunEvent } from '~/shared/events';
import type { ItemQuery, ListMark, ListQuery, MarksQuery, Near, NearQuery } from '~/shared/listQueries';
import type { ListChange } from '~/shared/lists';
import type { ConsoleAnswer, ConsoleQuery } from '~/shared/media';
import type { RangeAnswer } from '~/shared/pyramid';
import type { Series } from '~/shared/series';
import type { SignalHistory } from '~/shared/signals';
import type { RunSummary } from '~/shared/summary';
import type { ListItems, ListKind, RunView } from '~/shared/view';

/**
 * Where logs live. The log is the only source of truth: views and summaries kept here are caches of it. Every method is async, so that a store may be a
 * file beside the process or a database elsewhere; `append` resolves only once its entries survive a kill of the process.
 */
export interface Store {
  /** Every run, in no particular order. */
  runs(): Promise<StoredRun[]>;

  /**
   * Adds entries at the end of one run's log, all or none, and moves the run's head, attempt and next trainer event with them.
   * Entries follow `after` without a gap. The first append of a run (after = 0) creates it.
   *
   * @throws FencedError when the stored attempt is higher than `attempt`; StaleHeadError when the stored head is not `after`
   */
  append(write: Append): Promise<void>;

  /** Entries that overlap places fromSeq.., in order, at most `limit` of them and about 8 MB; `types` null = all. */
  entries(query: EntriesQuery): Promise<Entry[]>;

  /**
   * Rows in force (what follows a rewind replaces those it superseded) of fromStep..toStep, each series reduced to at most `buckets` buckets (pyramid.ts, `bucketWidth`).
   * An unknown run gives an empty answer. The cost depends on the rows there are and the buckets asked for, not on step numbers; one run's question does not hold up
   * another's.
   *
   * @throws BudgetError when it would go through more numbers than one question may; the signal's reason once that is aborted
   */
  range(query: RangeQuery, signal?: AbortSignal): Promise<RangeAnswer>;

  /** Rows in force of one stream as they are, at most `limit` of them. @throws as `range` */
  rows(query: RowsQuery, signal?: AbortSignal): Promise<RowsAnswer>;

  /** The streams of a run, in order of declaration. */
  streams(runId: string): Promise<StoredStream[]>;

  /** Series of a run in order of declaration, with their newest values: a page of those whose name holds a word. */
  series(query: SeriesQuery): Promise<SeriesAnswer>;

  /** Items of a list that grows with the run (lists.ts), in the order of the log: the newest before a seq, or the oldest after one. */
  list<K extends ListKind>(query: ListQuery<K>): Promise<ListItems[K][]>;
  /** The one item with this seq or id, or the newest that is about this `ref`; null when none is in force. */
  item<K extends ListKind>(query: ItemQuery<K>): Promise<ListItems[K] | null>;
  /** The items around a step. */
  near<K extends ListKind>(query: NearQuery<K>): Promise<Near<ListItems[K]>>;
  /** Where the items of some lists stand in a range of steps, thinned to one mark per kind and bucket. */
  marks(query: MarksQuery): Promise<ListMark[]>;

  /** What the run's process printed, as far as it is kept. */
  console(query: ConsoleQuery): Promise<ConsoleAnswer>;

  /** Signals of every snapshot in force, in step order. */
  signals(runId: string): Promise<SignalHistory>;

  /** Keeps a view as the place to start folding from; an older one is replaced. */
  saveView(view: RunView, summary: RunSummary): Promise<void>;
  view(runId: string): Promise<RunView | null>;

  /** Takes a run and everything kept for it away for good; an unknown one is already gone. Blobs stay: other runs may name them. */
  remove(runId: string): Promise<void>;

  /** The hash chain (chain.ts) of a run's log up to the entry that begins at `seq`, in hex; null = there is no such entry. */
  chainAt(runId: string, seq: number): Promise<string | null>;

  /** The runs whose logs name a blob. */
  blobUsers(hash: string): Promise<string[]>;

  setting(key: string): Promise<string | null>;
  setSetting(key: string, value: string): Promise<void>;

  /** Bytes kept inside the database, for blobs too small to deserve a file. */
  smallBlob(hash: string): Promise<Uint8Array | null>;
  putSmallBlob(hash: string, bytes: Uint8Array): Promise<void>;
  removeSmallBlob(hash: string): Promise<void>;
  /** Small blobs that no log names. */
  unnamedSmallBlobs(): Promise<{ hash: string; bytes: number }[]>;

  /** Resolves when reading and writing are possible now. @throws Error with what stands in the way */
  check(): Promise<void>;

  /** Waits for running writes, then lets go of files and threads. */
  close(): Promise<void>;
}

export interface StoredRun {
  runId: string;
  head: number;
  attempt: number;
  /** Number the next event of this attempt's trainer must have. */
  nextEvent: number;
  /** As of the last saved view; its `seq` may lie behind the head. */
  summary: { seq: number; summary: RunSummary } | null;
}

export interface Append {
  runId: string;
  /** Last place of the log before these entries. */
  after: number;
  attempt: number;
  nextEvent: number;
  entries: Entry[];
  /** What the entries change in the lists (shared/lists.ts), in order; left out: nothing. */
  changes?: ListChange[] | undefined;
  /**
   * With a run.assigned entry: rows from its `fromStep` on are superseded, and other events of steps >= fromStep placed after `keepSeq`; null = after 0. (A `rewind`
   * entry supersedes likewise from its step on, all events.)
   */
  rewind: { fromStep: number; keepSeq: number } | null;
}

export interface EntriesQuery {
  runId: string;
  fromSeq: number;
  limit: number;
  types: readonly RunEvent['type'][] | null;
}

export interface RangeQuery {
  runId: string;
  /** null = all series. Unknown names are left out of the answer. */
  series: readonly string[] | null;
  fromStep: number;
  /** Exclusive; null = up to the newest row. */
  toStep: number | null;
  buckets: number;
  /** Weight of a moving average, 0 <= w < 1: the answer then has it too (`ema`, `emaEnd`). */
  smoothing?: number | null;
  /** Also the nearest row before the range and the one after it, each as a bucket by itself: where a line that runs out of the range goes to. */
  around?: boolean;
}

export interface RowsQuery {
  runId: string;
  stream: string;
  fromStep: number;
  /** Exclusive; null = up to the newest row. */
  toStep: number | null;
  limit: number;
}

/** Steps [n] ascending, times [n] ms since 1970, values [n, columns] row-major. `more`: the limit left rows out; ask again from above the last step. */
export interface RowsAnswer {
  steps: Float64Array;
  times: Float64Array;
  values: Float64Array;
  more: boolean;
}

export interface StoredStream {
  name: string;
  columns: Series[];
  /** In force. */
  rows: number;
  /** The next row's step must be above it; null = any. */
  lastStep: number | null;
}

export interface SeriesQuery {
  runId: string;
  /** null = all. Upper and lower case are the same. */
  search: string | null;
  /** Names asked for instead of a search, in any order. */
  names?: readonly string[] | null;
  /** How many of those that fit to leave out first. */
  skip: number;
  limit: number;
}

export interface SeriesAnswer {
  /** `index`: of the series among its stream's columns. */
  series: (Series & { stream: string; index: number; latest: { step: number; at: number; value: number } | null })[];
  /** All that fit. */
  total: number;
}

/** A question that would go through too much. */
export class BudgetError extends Error {
  constructor(readonly numbers: number) {
    super(`this goes through more than ${numbers} numbers; ask for fewer series, fewer steps or no moving average`);
    this.name = 'BudgetError';
  }
}

/** A write of an attempt that is over. */
export class FencedError extends Error {
  constructor(
    readonly runId: string,
    readonly attempt: number,
    readonly stored: number,
  ) {
    super(`run ${runId}: attempt ${attempt} is over, the run is at attempt ${stored}`);
    this.name = 'FencedError';
  }
}

/** A write that does not begin where the log ends. */
export class StaleHeadError extends Error {
  constructor(
    readonly runId: string,
    readonly after: number,
    readonly stored: number,
  ) {
    super(`run ${runId}: expected its log to end at ${after}, it ends at ${stored}`);
    this.name = 'StaleHeadError';
  }
}
