/**
 * The snapshots of one run while the page moves through its steps: finds the snapshot for a step, fetches the maps of the
 * selected example once, caches them up to a number of bytes, and prefetches around the current step. Independent of sockets and
 * React: blobs come from `fetchBlob`.
 */
import { LRUCache } from 'lru-cache';
import { type AttentionSnapshot, hasMaps, withPictures } from '~/shared/attentionSnapshot';
import { call, Listeners } from './listeners';
import { inStepOrder, nearestIndex, type Recorded } from './recorded';
import { type Need, type Opened, type ReaderOptions, SnapshotReader } from './snapshotReader';

/** Which maps of a snapshot are used: those of one example, or null = all. */
export type Example = number | null;

export interface FeedOptions extends ReaderOptions {
  maxBytes?: number;
  /** Blobs fetched at once; the one on screen always goes first. */
  parallel?: number;
  now?: () => number;
}

/** What the page shows at a step. `shown` is the nearest recorded snapshot or, while that loads, the nearest loaded one. */
export interface Look {
  /** The requested step. */
  step: number;
  /** The nearest recorded snapshot; null = the run has none yet. */
  nearest: Recorded | null;
  shown: { recorded: Recorded; snapshot: AttentionSnapshot } | null;
  /** Why the nearest snapshot cannot be shown; null while it loads or when it is shown. */
  error: string | null;
}

/** Neighbors prefetched on each side, nearest first. */
const reach = 24;
/** Snapshots kept while no view draws all steps: a page that follows a run for days must not grow. Four panes use 4 * (2 * reach + 1). */
const kept = 400;
/** After a failed fetch, time before the same blob is requested again: twice as long after each failure, up to `retryMostMs`. */
const retryMs = 2_000;
const retryMostMs = 60_000;

interface Wanted extends Need {
  recorded: Recorded;
}
const keyOf = ({ recorded, example, exact }: Wanted): string => `${recorded.blob.hash}/${example ?? 'all'}/${exact}`;

export class SnapshotFeed {
  private list: Recorded[] = [];
  private readonly reader: SnapshotReader;
  private readonly cache: LRUCache<string, Opened>;
  private readonly underWay = new Map<string, Promise<void>>();
  /** Reads of one blob run one after another, so that each can use the bytes of the last. */
  private readonly reading = new Map<string, Promise<void>>();
  private readonly failed = new Map<string, { message: string; at: number; waits: number }>();
  private again: ReturnType<typeof setTimeout> | undefined;
  private readonly listeners = new Listeners();
  readonly subscribe = this.listeners.add;
  private readonly parallel: number;
  private readonly now: () => number;
  private wanted: Wanted[] = [];
  /** Set by a view that draws all steps, e.g. a cell's history. */
  private everything: { example: Example } | null = null;
  private revision = 0;
  private lastPictures: AttentionSnapshot['pictures'] = null;
  private pictures: { hash: string; file: Promise<Uint8Array>; parsed: AttentionSnapshot['pictures'] } | null = null;

  constructor(private readonly options: FeedOptions) {
    this.reader = new SnapshotReader(options);
    const maxSize = options.maxBytes ?? 256 * 2 ** 20;
    // A snapshot larger than the whole cache is kept alone: otherwise the page would fetch it again and again.
    const sizeCalculation = ({ bytes }: Opened) => Math.min(maxSize, Math.max(1, bytes));
    this.cache = new LRUCache({ maxSize, sizeCalculation });
    this.parallel = options.parallel ?? 4;
    this.now = options.now ?? Date.now;
  }

  get recorded(): readonly Recorded[] {
    return this.list;
  }

  /** Incremented whenever `look` may answer differently. */
  get version(): number {
    return this.revision;
  }

  /** Sets the run's snapshots in force. Those superseded by a rewind are not in the list. */
  setRecorded(snapshots: readonly Recorded[]): void {
    const next = inStepOrder(snapshots);
    if (next.length === this.list.length && next.every((s, i) => s.seq === this.list[i]!.seq)) return;
    this.list = next;
    this.changed();
    if (this.everything) this.wantEverything(true, this.everything.example);
  }

  /** The snapshot to show now; fetches nothing. */
  look(step: number, example: Example = 0): Look {
    const i = nearestIndex(this.list, step);
    const nearest = this.list[i] ?? null;
    if (!nearest) return { step, nearest: null, shown: null, error: null };
    const error = this.whyNot(nearest);
    for (let d = 0; d < this.list.length; d++)
      for (const at of d === 0 ? [i] : [i - d, i + d]) {
        const recorded = this.list[at];
        const snapshot = recorded && this.at(recorded, example);
        if (snapshot) return { step, nearest, shown: { recorded, snapshot }, error: d === 0 ? null : error };
      }
    return { step, nearest, shown: null, error };
  }

  /** Why a snapshot could not be fetched; null while that did not fail. */
  whyNot({ blob }: Recorded): string | null {
    return this.failed.get(blob.hash)?.message ?? null;
  }

  /** The snapshot, if its maps of the example are loaded; never fetches. */
  at(recorded: Recorded, example: Example): AttentionSnapshot | null {
    const snapshot = this.peek(recorded, example);
    if (snapshot) this.cache.get(recorded.blob.hash);
    return snapshot;
  }

  /** Like `at`, but does not count as use: for iterating over all snapshots. */
  peek(recorded: Recorded, example: Example): AttentionSnapshot | null {
    const snapshot = this.cache.peek(recorded.blob.hash)?.snapshot;
    return snapshot && hasMaps(snapshot, example) ? snapshot : null;
  }

  /** Loads one snapshot with the maps in `need`; it may be evicted later. @throws Error when it cannot be fetched */
  async load(recorded: Recorded, need: Need): Promise<AttentionSnapshot> {
    const { hash } = recorded.blob;
    const wanted = { recorded, ...need };
    if (!this.has(wanted)) {
      if (!this.underWay.has(keyOf(wanted))) this.start(wanted);
      await this.underWay.get(keyOf(wanted));
    }
    const snapshot = this.cache.get(hash)?.snapshot;
    if (!snapshot || !hasMaps(snapshot, need.example, need.exact))
      throw new Error(`step ${recorded.step}: ${this.failed.get(hash)?.message ?? 'it does not fit into memory'}`);
    return snapshot;
  }

  /** Fetches `recorded` next, e.g. the reference of a difference. */
  want(recorded: Recorded, example: Example, exact = false): void {
    this.enqueue([{ recorded, example, exact }, ...this.wanted]);
  }

  /** Fetches all snapshots that fit into memory, evenly spread ones first. */
  wantEverything(on: boolean, example: Example = 0): void {
    this.everything = on ? { example } : null;
    if (!on) return;
    const order: Recorded[] = [];
    const seen = new Set<number>();
    for (let stride = 2 ** Math.ceil(Math.log2(Math.max(1, this.list.length))); stride >= 1; stride /= 2)
      for (let i = 0; i < this.list.length; i += stride)
        if (!seen.has(i)) {
          seen.add(i);
          order.push(this.list[i]!);
        }
    this.enqueue([...this.wanted, ...fitting(order, example, this.cache.maxSize)]);
  }

  /** Fetches the snapshot nearest to a step, then its neighbors. */
  aim(step: number, example: Example = 0): void {
    const index = nearestIndex(this.list, step);
    if (index < 0) return;
    const nearest = Array.from({ length: reach }, (_, d) => [this.list[index + d + 1], this.list[index - d - 1]]);
    // Half of the memory: prefetching must not evict the snapshots that are being compared.
    const ahead = fitting(
      nearest.flat().filter((r) => r !== undefined),
      example,
      this.cache.maxSize / 2,
    );
    const around = [{ recorded: this.list[index]!, example, exact: false }, ...ahead];
    this.enqueue(this.everything ? [...around, ...this.wanted] : around);
  }

  private has({ recorded, example, exact }: Wanted): boolean {
    const snapshot = this.cache.peek(recorded.blob.hash)?.snapshot;
    return snapshot !== undefined && hasMaps(snapshot, example, exact);
  }

  private enqueue(wanted: Wanted[]): void {
    const seen = new Set<string>();
    this.wanted = wanted.filter((w) => {
      const key = keyOf(w);
      if (seen.has(key) || this.has(w) || this.underWay.has(key)) return false;
      seen.add(key);
      const failure = this.failed.get(w.recorded.blob.hash);
      return !failure || this.now() - failure.at >= failure.waits;
    });
    this.pump();
  }

  private pump(): void {
    while (this.underWay.size < this.parallel) {
      const next = this.wanted[0];
      if (!next) return;
      this.start(next);
    }
  }

  private start(wanted: Wanted): void {
    const key = keyOf(wanted);
    this.wanted = this.wanted.filter((w) => keyOf(w) !== key);
    this.underWay.set(
      key,
      this.fetch(wanted).finally(() => {
        this.underWay.delete(key);
        this.pump();
      }),
    );
  }

  private fetch(wanted: Wanted): Promise<void> {
    const { hash } = wanted.recorded.blob;
    const before = this.reading.get(hash);
    const own = before ? before.then(() => this.read(wanted)) : this.read(wanted);
    this.reading.set(hash, own);
    return own.finally(() => {
      if (this.reading.get(hash) === own) this.reading.delete(hash);
    });
  }

  private async read(wanted: Wanted): Promise<void> {
    if (this.has(wanted)) return;
    const { hash } = wanted.recorded.blob;
    try {
      const known = this.cache.peek(hash) ?? null;
      const opened = await this.reader.read(wanted.recorded.blob, known, wanted);
      const snapshot = known ? opened.snapshot : await this.pictured(opened.snapshot);
      this.cache.set(hash, { ...opened, snapshot });
      if (!this.everything) while (this.cache.size > kept) this.cache.pop();
      this.failed.delete(hash);
    } catch (e) {
      const waits = Math.min(retryMostMs, (this.failed.get(hash)?.waits ?? retryMs / 2) * 2);
      this.failed.set(hash, { message: e instanceof Error ? e.message : String(e), at: this.now(), waits });
      // Whoever shows it asks again.
      clearTimeout(this.again);
      this.again = setTimeout(() => this.changed(), waits);
    }
    this.changed();
  }

  /** Replaces pictures with a shared object, so that equal pictures are drawn once. */
  private async pictured(s: AttentionSnapshot): Promise<AttentionSnapshot> {
    if (s.picturesFile !== null) {
      const held = this.picturesFile(s.picturesFile);
      const complete = withPictures(s, await held.file);
      held.parsed ??= complete.pictures;
      return { ...complete, pictures: held.parsed };
    }
    if (!s.pictures) return s;
    if (!this.lastPictures || !sameBytes(this.lastPictures.data, s.pictures.data)) this.lastPictures = s.pictures;
    return { ...s, pictures: this.lastPictures };
  }

  /** Snapshots of the same examples share one file: the last file is kept. */
  private picturesFile(hash: string): NonNullable<SnapshotFeed['pictures']> {
    if (this.pictures?.hash === hash) return this.pictures;
    const file = this.options.fetchBlob(hash);
    const held = { hash, file, parsed: null };
    this.pictures = held;
    file.catch(() => {
      if (this.pictures === held) this.pictures = null;
    });
    return held;
  }

  private changed(): void {
    this.revision++;
    this.listeners.each(call);
  }
}

/** Approximate memory of one example's maps, or of all: a weight takes 4 bytes in memory and 2.7 to 4 in the blob. */
const memoryOf = ({ blob, examples }: Recorded, example: Example): number =>
  example === null || examples < 1 ? 1.4 * blob.bytes : (1.4 * blob.bytes) / examples;

/** The first snapshots that together take at most `bytes`. */
function fitting(list: readonly Recorded[], example: Example, bytes: number): Wanted[] {
  let room = bytes;
  return list.flatMap((recorded) => {
    room -= memoryOf(recorded, example);
    return room >= 0 ? [{ recorded, example, exact: false }] : [];
  });
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
