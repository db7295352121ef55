import type { ListMark } from '~/shared/listQueries';
import { applyToList, type ListChange } from '~/shared/lists';
import { type ListItems, type ListKind, listKinds, type RunView, type WithLists } from '~/shared/view';
import { call, Listeners } from './listeners';
import type { RunStore } from './types';

/**
 * The lists that grow with a run (evaluations, snapshots, commands, notes, ...), as far as this page has loaded them. The view
 * contains the newest items of each list; panels load older ones page by page. Frames update the loaded items by the same rule as
 * the store.
 *
 * Timelines use a sample of the whole list besides: at most one older item for each of `sampleBuckets` parts of the run.
 */

export interface Loaded<K extends ListKind> {
  /** All items in force from this seq on are loaded. */
  fromSeq: number;
  /** All items in force from `fromSeq` on, in log order. */
  items: readonly ListItems[K][];
  /** No older items are left to load. */
  whole: boolean;
  loading: boolean;
  /** Why the last page could not be read; null = it was read. */
  error: string | null;
}

interface Held {
  items: ListItems[ListKind][];
  /** All items in force from this seq on are in `items`; 0 = the whole list. */
  fromSeq: number;
  /** Number of items that panels requested. */
  wanted: number;
  loading: boolean;
  error: string | null;
  /** Some of the older items; null = not requested. */
  sample: ListItems[ListKind][] | null;
  /** What `get` and `sample` answer until something changes. */
  loaded: Loaded<ListKind> | null;
  sampled: ListItems[ListKind][] | null;
}

/** Where lists are read from: tRPC, or a recording. */
export interface ListSource {
  items(query: { runId: string; kind: ListKind; before: number; limit: number }): Promise<ListItems[ListKind][]>;
  marks(query: { runId: string; kinds: ListKind[]; fromStep: number; toStep: number; buckets: number }): Promise<ListMark[]>;
  near(query: {
    runId: string;
    kind: ListKind;
    step: number;
    limit: number;
  }): Promise<{ before: ListItems[ListKind][]; after: ListItems[ListKind][] }>;
}

const pageItems = 200;
const sampleBuckets = 500;
/** Items kept of a list of which no panel requested more. */
const keptItems = 500;
/** Neighbors read on each side of a step. */
const nearItems = 32;

export class LoadedLists {
  readonly #held = new Map<ListKind, Held>();
  readonly #listeners = new Listeners();
  readonly subscribe = this.#listeners.add;
  /** For each read in progress, the changes since it was requested: its answer may not include them. */
  readonly #underWay = new Set<ListChange[]>();
  #seq = 0;
  /** Incremented when everything is reloaded: answers to earlier requests are then discarded. */
  #generation = 0;
  readonly #samplesWanted = new Set<ListKind>();
  #sampling = false;

  constructor(
    private readonly store: RunStore,
    private readonly source: ListSource,
  ) {
    for (const kind of listKinds)
      this.#held.set(kind, {
        items: [],
        fromSeq: 0,
        wanted: 0,
        loading: false,
        error: null,
        sample: null,
        loaded: null,
        sampled: null,
      });
    const { view } = store.get();
    if (view) this.#reset(view);
    store.onEntries({
      entries: (_entries, _skipped, changes) => this.#apply(changes),
      reset: (fresh) => this.#reset(fresh),
    });
    store.subscribe(() => {
      const now = store.get().view;
      // A view that did not result from frames.
      if (now && now.seq !== this.#seq) this.#reset(now);
      this.#notify();
    });
  }

  /** The same object until something changes. */
  get<K extends ListKind>(kind: K): Loaded<K> {
    const held = this.#held.get(kind)!;
    const { items, fromSeq, loading, error } = held;
    held.loaded ??= { items, fromSeq, whole: fromSeq === 0, loading, error };
    return held.loaded as unknown as Loaded<K>;
  }

  /** Loads older items until there are `count`, or all. */
  async want(kind: ListKind, count: number): Promise<void> {
    const held = this.#held.get(kind)!;
    held.wanted = Math.max(held.wanted, count);
    const generation = this.#generation;
    // After everything was reloaded, `#reset` loads what is wanted.
    while (
      generation === this.#generation &&
      held.items.length < held.wanted &&
      held.fromSeq > 0 &&
      !held.loading &&
      held.error === null
    )
      await this.#page(kind, held);
  }

  /** Loads one more page. */
  older(kind: ListKind): Promise<void> {
    const held = this.#held.get(kind)!;
    held.error = null;
    return this.want(kind, held.items.length + pageItems);
  }

  /** Items of the whole list: all loaded newer ones, and a sample of the older ones. */
  sample<K extends ListKind>(kind: K): ListItems[K][] {
    const held = this.#held.get(kind)!;
    const { items, sample, fromSeq } = held;
    const older = () => sample?.filter((item) => item.seq < fromSeq) ?? [];
    held.sampled ??= [...older(), ...items];
    return held.sampled as ListItems[K][];
  }

  /** The view with a sample of every list, for timelines; the same object until something changes. */
  timeline(view: RunView): WithLists {
    return this.#withLists('sampled', view, (kind) => this.sample(kind));
  }

  /** The view with its lists as far as they are loaded. */
  withLoaded(view: RunView): WithLists {
    return this.#withLists('loaded', view, (kind) => this.get(kind).items);
  }

  readonly #views = new Map<string, { view: RunView; lists: unknown[]; out: WithLists }>();
  #withLists(key: string, view: RunView, listOf: (kind: ListKind) => unknown): WithLists {
    const lists = listKinds.map(listOf);
    const known = this.#views.get(key);
    if (known?.view === view && known.lists.every((list, i) => list === lists[i])) return known.out;
    const out = { ...view, ...Object.fromEntries(listKinds.map((kind, i) => [kind, lists[i]])) } as WithLists;
    this.#views.set(key, { view, lists, out });
    return out;
  }

  /** Reads the samples of these lists, unless they are loaded whole; those asked for during a read are read after it. */
  async wantSamples(kinds: readonly ListKind[]): Promise<void> {
    for (const kind of kinds) this.#samplesWanted.add(kind);
    if (this.#sampling) return;
    this.#sampling = true;
    try {
      for (let missing = this.#samplesMissing(); missing.length > 0; missing = this.#samplesMissing())
        await this.#readSamples(missing);
    } catch {
      // The server does not answer: when it is back, everything is read again.
    } finally {
      this.#sampling = false;
    }
  }

  #samplesMissing(): ListKind[] {
    if (!this.store.get().view) return [];
    return [...this.#samplesWanted].filter((kind) => this.#held.get(kind)!.fromSeq > 0 && this.#held.get(kind)!.sample === null);
  }

  #readSamples(kinds: ListKind[]): Promise<void> {
    const { runId } = this.store;
    const range = { fromStep: Number.MIN_SAFE_INTEGER, toStep: Number.MAX_SAFE_INTEGER };
    return this.#read(
      () => this.source.marks({ runId, kinds, ...range, buckets: sampleBuckets }),
      (marks, since) => {
        for (const kind of kinds) {
          const items = marks.filter((m) => m.kind === kind).map((m) => m.item as ListItems[ListKind]);
          this.#addSample(kind, after(kind, items.sort(bySeq), since));
        }
      },
    );
  }

  /** Reads the items around a step into the sample, unless they are loaded: a page that follows the newest step asks for nothing. */
  async wantNear(kind: 'snapshots' | 'checkpoints', step: number): Promise<void> {
    const { items, whole } = this.get(kind);
    if (whole || (items[0] && items[0].step <= step)) return;
    await this.#read(
      () => this.source.near({ runId: this.store.runId, kind, step, limit: nearItems }),
      (near, since) => this.#addSample(kind, after(kind, [...near.before, ...near.after].sort(bySeq), since)),
    ).catch(() => {});
  }

  #addSample(kind: ListKind, items: ListItems[ListKind][]): void {
    const held = this.#held.get(kind)!;
    const known = new Map([...(held.sample ?? []), ...items].map((item) => [item.seq, item]));
    this.#set(kind, { sample: [...known.values()].sort(bySeq) });
  }

  async #page(kind: ListKind, held: Held): Promise<void> {
    const limit = Math.min(1000, Math.max(pageItems, held.wanted - held.items.length));
    const before = held.fromSeq;
    const generation = this.#generation;
    const ended = (error: string | null) => {
      if (generation === this.#generation) this.#set(kind, { loading: false, error });
    };
    this.#set(kind, { loading: true });
    try {
      await this.#read(
        () => this.source.items({ runId: this.store.runId, kind, before, limit }),
        (page, since) => {
          const items = [...after(kind, page, since).filter((i) => i.seq < before), ...held.items];
          this.#set(kind, { items, fromSeq: page.length < limit ? 0 : page[0]!.seq });
        },
      );
      ended(null);
    } catch (error) {
      ended(error instanceof Error ? error.message : String(error));
    }
    this.#notify();
  }

  /** Reads, then passes the answer to `take` with the changes made meanwhile; not if everything was reloaded. */
  async #read<T>(read: () => Promise<T>, take: (answer: T, since: ListChange[]) => void): Promise<void> {
    const since: ListChange[] = [];
    const generation = this.#generation;
    this.#underWay.add(since);
    try {
      const answer = await read();
      if (generation === this.#generation) take(answer, since);
    } finally {
      this.#underWay.delete(since);
    }
    this.#notify();
  }

  #apply(changes: readonly ListChange[]): void {
    this.#seq = this.store.get().view?.seq ?? this.#seq;
    if (changes.length === 0) return;
    for (const since of this.#underWay) since.push(...changes);
    const other = changes.filter((c) => c.op !== 'put');
    for (const kind of listKinds) {
      const held = this.#held.get(kind)!;
      const items = after(kind, held.items, changes);
      if (items !== held.items) this.#set(kind, trimmed(items, held));
      if (held.sample) this.#set(kind, { sample: after(kind, held.sample, other) });
    }
    // A list that was trimmed needs another sample.
    void this.wantSamples([]);
  }

  #reset(view: RunView): void {
    this.#generation++;
    this.#seq = view.seq;
    for (const kind of listKinds) {
      const { items, fromSeq } = view.recent[kind];
      const held = this.#held.get(kind)!;
      this.#set(kind, { items: [...items] as ListItems[ListKind][], fromSeq, sample: null, loading: false, error: null });
      if (held.wanted > 0) void this.want(kind, held.wanted);
    }
    void this.wantSamples([]);
  }

  #set(kind: ListKind, change: Partial<Held>): void {
    const held = this.#held.get(kind)!;
    const { items, sample } = held;
    Object.assign(held, change, { loaded: null });
    if (held.items !== items || held.sample !== sample) held.sampled = null;
  }

  #notify(): void {
    this.#listeners.each(call);
  }
}

const bySeq = (a: { seq: number }, b: { seq: number }): number => a.seq - b.seq;

function after(kind: ListKind, items: ListItems[ListKind][], changes: readonly ListChange[]): ListItems[ListKind][] {
  return changes.reduce((list, change) => applyToList(kind, list as never[], change) as ListItems[ListKind][], items);
}

/** Limits a list, so that a page open for days holds only the newest items and those that its panels requested. */
function trimmed(items: ListItems[ListKind][], { wanted, fromSeq }: Held): Partial<Held> {
  const most = Math.max(keptItems, wanted);
  if (items.length <= 2 * most) return { items, fromSeq };
  const first = items.length - most;
  // The sample ends where the loaded items began: it must be read again.
  return { items: items.slice(first), fromSeq: items[first - 1]!.seq + 1, sample: null };
}
