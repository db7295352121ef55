/**
 * One run's log, which decides the order of entries. Events become numbered entries, are committed by the store, and only then
 * become part of the view and are published. Callers call one method at a time (Room does).
 */

import type { Clock } from '~/server/base/clock';
import type { Store, StoredRun } from '~/server/store';
import { listsOf, type RunLists } from '~/server/store/lists';
import { StreamState } from '~/server/store/streamState';
import type { Entry, RunEvent } from '~/shared/events';
import { emptyView, fold, foldWithChanges } from '~/shared/fold';
import type { ListChange } from '~/shared/lists';
import { rowCount, rowsBetween, seqCount } from '~/shared/rows';
import type { RunView } from '~/shared/view';

type LogStore = Pick<Store, 'append' | 'entries' | 'view' | 'runs' | 'streams' | 'list' | 'item' | 'range'>;

/** Called after each commit, in log order, with the views after and before the entries. */
export type Publish = (entries: Entry[], view: RunView, before: RunView) => void;

export interface LogDeps {
  store: LogStore;
  clock: Clock;
}

/** Changes of an append besides the entries. */
export interface Change {
  attempt?: number;
  nextEvent?: number;
}

export class RunLog {
  /** The store may hold more than this object knows: a write failed with an unknown outcome, or somebody else wrote. */
  #stale = false;

  private constructor(
    readonly runId: string,
    private readonly deps: LogDeps,
    private readonly publish: Publish,
    private current: RunView,
    private next: number,
    private known: StreamState,
  ) {}

  /** Writes run.created together with the entries that follow: all or none. */
  static async create(
    deps: LogDeps,
    runId: string,
    created: RunEvent,
    publish: Publish,
    next: readonly RunEvent[] = [],
  ): Promise<RunLog> {
    const at = deps.clock.now();
    const entries = [created, ...next].map((event, i): Entry => ({ seq: i + 1, attempt: 0, at, event }));
    const first = emptyView(runId, entries[0]!);
    let view = first;
    const changes: ListChange[] = [];
    for (const entry of entries.slice(1)) {
      const folded = foldWithChanges(view, entry);
      view = folded.view;
      changes.push(...folded.changes);
    }
    try {
      await deps.store.append({ runId, after: 0, attempt: 0, nextEvent: 0, entries, changes });
    } catch (error) {
      // A write that failed may have taken effect: what the store holds counts.
      if (!(await deps.store.runs()).some((stored) => stored.runId === runId)) throw error;
    }
    const log = new RunLog(runId, deps, publish, view, 0, new StreamState());
    publish(entries, view, first);
    return log;
  }

  /** Reads the run from its saved view and the entries after it. */
  static async open(deps: LogDeps, run: Pick<StoredRun, 'runId' | 'nextEvent'>, publish: Publish): Promise<RunLog> {
    const saved = await deps.store.view(run.runId);
    const { view } = await readOn(deps.store, run.runId, saved);
    const streams = StreamState.of(await deps.store.streams(run.runId));
    return new RunLog(run.runId, deps, publish, view, run.nextEvent, streams);
  }

  get view(): RunView {
    return this.current;
  }

  /** The run's streams as of the last commit. */
  get streams(): StreamState {
    return this.known;
  }

  /** The run's lists as committed; a view holds only their newest items. */
  get lists(): RunLists {
    return listsOf(this.deps.store, this.runId);
  }

  /** Rows as committed. */
  get rows(): Pick<Store, 'range'> {
    return this.deps.store;
  }

  /** Number that the trainer's next event must have. */
  get nextEvent(): number {
    return this.next;
  }

  /** Reads what the store holds beyond this object's state, if a failure left that open. */
  async sync(): Promise<void> {
    if (!this.#stale) return;
    const stored = (await this.deps.store.runs()).find((r) => r.runId === this.runId);
    if (!stored) throw new Error(`run ${this.runId} is no longer in the store`);
    const before = this.current;
    const { view, entries } = await readOn(this.deps.store, this.runId, before);
    this.current = view;
    this.known = StreamState.of(await this.deps.store.streams(this.runId));
    this.next = stored.nextEvent;
    this.#stale = false;
    if (entries.length > 0) this.publish(entries, view, before);
  }

  /**
   * Numbers the events, commits them and publishes them.
   *
   * @throws FencedError or StaleHeadError from the store, or its own failure; then this object is unchanged and `sync` reads what
   *   the store holds
   */
  async append(events: readonly RunEvent[], change: Change = {}): Promise<Entry[]> {
    const at = this.deps.clock.now();
    const attempt = change.attempt ?? this.current.attempt;
    const nextEvent = change.nextEvent ?? this.next;
    const before = this.current;
    let view = before;
    const changes: ListChange[] = [];
    const entries = events.map((event) => {
      const entry: Entry = { seq: view.seq + 1, attempt, at, event };
      const folded = foldWithChanges(view, entry);
      view = folded.view;
      changes.push(...folded.changes);
      return entry;
    });
    try {
      await this.deps.store.append({
        runId: this.runId,
        after: before.seq,
        attempt,
        nextEvent,
        entries,
        changes,
      });
    } catch (error) {
      this.#stale = true;
      throw error;
    }
    this.current = view;
    for (const event of events) this.known.apply(event);
    this.next = nextEvent;
    this.publish(entries, view, before);
    return entries;
  }
}

/** Folds everything after `from` (null = from the beginning), page by page. */
async function readOn(store: LogStore, runId: string, from: RunView | null): Promise<{ view: RunView; entries: Entry[] }> {
  let view = from;
  const read: Entry[] = [];
  for (;;) {
    const fromSeq = (view?.seq ?? 0) + 1;
    const page = await store.entries({ runId, fromSeq, limit: 1000, types: null });
    for (const stored of page) {
      const entry = startingAt(stored, (view?.seq ?? 0) + 1);
      view = view ? fold(view, entry) : emptyView(runId, entry);
      if (from) read.push(entry);
    }
    if (page.length === 0) break;
  }
  if (!view) throw new Error(`run ${runId}: an empty log has no view`);
  return { view, entries: read };
}

/** The part of an entry from `seq` on; only a `rows` entry has several seqs. */
export function startingAt(entry: Entry, seq: number): Entry {
  const { event } = entry;
  const n = seq - entry.seq;
  if (event.type !== 'rows' || n <= 0) return entry;
  return { ...entry, seq, event: rowsBetween(event, n, rowCount(event)) };
}

/** Last seq of an entry. */
export const lastSeq = (entry: Entry): number => entry.seq + seqCount(entry.event) - 1;
