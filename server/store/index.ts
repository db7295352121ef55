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
 * Stores logs. The log is the only source of truth: stored views and summaries are caches of it. Every method is async, so that a
 * store may be a local file or a remote database; `append` resolves only once its entries survive a kill of the process.
 */
export interface Store {
  /** Every run, in no particular order. */
  runs(): Promise<StoredRun[]>;

  /**
   * Appends entries to one run's log, all or none, and updates the run's head, attempt and next trainer event with them. Entries
   * follow `after` without a gap. The first append of a run (after = 0) creates it.
   *
   * @throws FencedError when the stored attempt is higher than `attempt`; StaleHeadError when the stored head is not `after`
   */
  append(write: Append): Promise<void>;

  /** Entries that cover seqs fromSeq.., in order, at most `limit` of them and about 8 MB; `types` null = all. */
  entries(query: EntriesQuery): Promise<Entry[]>;

  /**
   * Rows in force (rows after a rewind replace those it superseded) of fromStep..toStep, each series reduced to at most `buckets`
   * buckets (pyramid.ts, `bucketWidth`). An unknown run gives an empty answer. The cost depends on the number of rows and
   * buckets, not on step numbers; a query about one run does not delay queries about others.
   *
   * @throws BudgetError when it would read more numbers than one query may; the signal's reason once that is aborted
   */
  range(query: RangeQuery, signal?: AbortSignal): Promise<RangeAnswer>;

  /** Rows in force of one stream, not reduced, at most `limit` of them. @throws as `range` */
  rows(query: RowsQuery, signal?: AbortSignal): Promise<RowsAnswer>;

  /** The streams of a run, in order of declaration. */
  streams(runId: string): Promise<StoredStream[]>;

  /**
   * Series of a run in order of declaration, with their newest values: one page of those whose name contains the searched text.
   */
  series(query: SeriesQuery): Promise<SeriesAnswer>;

  /** Items of a list that grows with the run (lists.ts), in the order of the log: the newest before a seq, or the oldest after one. */
  list<K extends ListKind>(query: ListQuery<K>): Promise<ListItems[K][]>;
  /** The item with this seq or id, or the newest one about this `ref`; null when none is in force. */
  item<K extends ListKind>(query: ItemQuery<K>): Promise<ListItems[K] | null>;
  /** The items around a step. */
  near<K extends ListKind>(query: NearQuery<K>): Promise<Near<ListItems[K]>>;
  /** Positions of the items of some lists in a range of steps, thinned to one mark per kind and bucket. */
  marks(query: MarksQuery): Promise<ListMark[]>;

  /** Output of the run's process, as far as it is kept. */
  console(query: ConsoleQuery): Promise<ConsoleAnswer>;

  /** Signals of the snapshots in force, in step order: of those at `seqs`, or of all. */
  signals(runId: string, seqs?: readonly number[]): Promise<SignalHistory>;

  /** Saves a view as the start for folding; it replaces an older one. */
  saveView(view: RunView, summary: RunSummary): Promise<void>;
  view(runId: string): Promise<RunView | null>;

  /** Permanently deletes a run and everything stored for it; an unknown one is ignored. Blobs stay: other runs may name them. */
  remove(runId: string): Promise<void>;

  /** The hash chain (chain.ts) of a run's log up to the entry that begins at `seq`, in hex; null = no such entry. */
  chainAt(runId: string, seq: number): Promise<string | null>;

  /** The runs whose logs name a blob. */
  blobUsers(hash: string): Promise<string[]>;

  setting(key: string): Promise<string | null>;
  setSetting(key: string, value: string): Promise<void>;

  /** Bytes stored in the database, for blobs too small for a file. */
  smallBlob(hash: string): Promise<Uint8Array | null>;
  putSmallBlob(hash: string, bytes: Uint8Array): Promise<void>;
  removeSmallBlob(hash: string): Promise<void>;
  /** Small blobs that no log names. */
  unnamedSmallBlobs(): Promise<{ hash: string; bytes: number }[]>;

  /** Resolves when reading and writing are possible now. @throws Error with the reason why they are not */
  check(): Promise<void>;

  /** Waits for running writes, then closes files and threads. */
  close(): Promise<void>;
}

export interface StoredRun {
  runId: string;
  head: number;
  attempt: number;
  /** Number that the next event of this attempt's trainer must have. */
  nextEvent: number;
  /** As of the last saved view; its `seq` may be lower than the head. */
  summary: { seq: number; summary: RunSummary } | null;
}

export interface Append {
  runId: string;
  /** Last seq of the log before these entries. */
  after: number;
  attempt: number;
  nextEvent: number;
  entries: Entry[];
  /** The entries' changes to the lists (shared/lists.ts), in order; left out: none. */
  changes?: ListChange[] | undefined;
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
  /** Weight of a moving average, 0 <= w < 1: the answer then includes it (`ema`, `emaEnd`). */
  smoothing?: number | null;
  /** Adds the nearest row before the range and the one after it, each as its own bucket, for lines that leave the range. */
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

/**
 * Steps [n] ascending, times [n] ms since 1970, values [n, columns] row-major. `more`: the limit left rows out; continue above
 * the last step.
 */
export interface RowsAnswer {
  steps: Float64Array;
  times: Float64Array;
  values: Float64Array;
  more: boolean;
}

export interface StoredStream {
  name: string;
  columns: Series[];
  /** Number of rows in force. */
  rows: number;
  /** The next row's step must be above it; null = any. */
  lastStep: number | null;
}

export interface SeriesQuery {
  runId: string;
  /** null = all. The search ignores case. */
  search: string | null;
  /** Names to return instead of a search, in any order. */
  names?: readonly string[] | null;
  /** Number of matching series to skip. */
  skip: number;
  limit: number;
}

export interface SeriesAnswer {
  /** `index`: position of the series in its stream's columns. */
  series: (Series & { stream: string; index: number; latest: { step: number; at: number; value: number } | null })[];
  /** Number of matching series. */
  total: number;
}

/** A query that would read too many numbers. */
export class BudgetError extends Error {
  constructor(readonly numbers: number) {
    super(`this goes through more than ${numbers} numbers; ask for fewer series, fewer steps or no moving average`);
    this.name = 'BudgetError';
  }
}

/** A write by an attempt that has ended. */
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

/** A write that does not start at the end of the log. */
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
