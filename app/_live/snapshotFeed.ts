/**
 * The snapshots of one run as the page walks through its steps: which one a step shows, fetched once, kept up to a number of bytes, and fetched ahead around
 * where people look. Knows no socket and no React: blobs come from `fetchBlob`.
 */
import { type AttentionSnapshot, parseAttentionSnapshot, picturesNamed } from '~/shared/attentionSnapshot';
import { LruCache } from './snapshotCache';

/** A snapshot as the run's view lists it. */
export interface Recorded {
  step: number;
  seq: number;
  blob: { hash: string; bytes: number };
}

export interface FeedOptions {
  fetchBlob: (hash: string) => Promise<Uint8Array>;
  maxBytes?: number;
  /** Blobs under way at once; the one being looked at always goes first. */
  parallel?: number;
  now?: () => number;
}

/** What the page shows for the step it stands at. `shown` is the nearest recorded snapshot, or while that loads the nearest one at hand. */
export interface Look {
  /** The step asked for. */
  step: number;
  /** Nearest recorded; null = the run has none yet. */
  nearest: Recorded | null;
  shown: { recorded: Recorded; snapshot: AttentionSnapshot } | null;
  /** Why the nearest one cannot be shown; null while it loads or when it is shown. */
  error: string | null;
}

/** Index of the recorded step nearest to `step`; of two equally near the earlier; -1 for an empty list. `list` ascends by step. */
export function nearestIndex(list: readonly { step: number }[], step: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]!.step < step) low = middle + 1;
    else high = middle;
  }
  if (low === list.length) return low - 1;
  if (low === 0) return 0;
  return step - list[low - 1]!.step <= list[low]!.step - step ? low - 1 : low;
}

/** One snapshot per step, ascending: of several at one step the newest seq counts. */
export function inStepOrder<R extends Recorded>(snapshots: readonly R[]): R[] {
  const byStep = new Map<number, R>();
  for (const s of snapshots) if ((byStep.get(s.step)?.seq ?? 0) < s.seq) byStep.set(s.step, s);
  return [...byStep.values()].sort((a, b) => a.step - b.step);
}

/** Neighbours on each side that are fetched ahead, nearest first. */
const reach = 24;
/** After a failed fetch, how long looking at it again does not ask the server. */
const retryMs = 2_000;

export class SnapshotFeed {
  private list: Recorded[] = [];
  private readonly cache: LruCache<AttentionSnapshot>;
  private readonly underWay = new Map<string, Promise<void>>();
  private readonly failed = new Map<string, { message: string; at: number }>();
  private readonly listeners = new Set<() => void>();
  private readonly parallel: number;
  private readonly now: () => number;
  private wanted: Recorded[] = [];
  /** Asked for by a view that draws over all steps, e.g. a cell's history. */
  private everything = false;
  private revision = 0;
  private lastPictures: AttentionSnapshot['pictures'] = null;
  private pictures: { hash: string; file: Promise<Uint8Array>; parsed: AttentionSnapshot['pictures'] } | null = null;

  constructor(private readonly options: FeedOptions) {
    this.cache = new LruCache(options.maxBytes ?? 256 * 2 ** 20);
    this.parallel = options.parallel ?? 4;
    this.now = options.now ?? Date.now;
  }

  get recorded(): readonly Recorded[] {
    return this.list;
  }

  /** Grows whenever `look` may answer differently. */
  get version(): number {
    return this.revision;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** The run's snapshots in force. Those that a rewind superseded are simply no longer in the list. */
  setRecorded(snapshots: readonly Recorded[]): void {
    const next = inStepOrder(snapshots);
    if (next.length === this.list.length && next.every((s, i) => s.seq === this.list[i]!.seq)) return;
    this.list = next;
    this.changed();
    if (this.everything) this.wantEverything(true);
  }

  /** What there is to show now; fetches nothing. */
  look(step: number): Look {
    const i = nearestIndex(this.list, step);
    const nearest = this.list[i] ?? null;
    if (!nearest) return { step, nearest: null, shown: null, error: null };
    const error = this.failed.get(nearest.blob.hash)?.message ?? null;
    for (let d = 0; d < this.list.length; d++)
      for (const at of d === 0 ? [i] : [i - d, i + d]) {
        const recorded = this.list[at];
        const snapshot = recorded && this.cache.get(recorded.blob.hash);
        if (snapshot) return { step, nearest, shown: { recorded, snapshot }, error: d === 0 ? null : error };
      }
    return { step, nearest, shown: null, error };
  }

  /** The snapshot if it is at hand; never fetches. */
  at(recorded: Recorded): AttentionSnapshot | null {
    return this.cache.get(recorded.blob.hash) ?? null;
  }

  /** The same for whoever walks over all of them: leaves the order of use alone. */
  peek(recorded: Recorded): AttentionSnapshot | null {
    return this.cache.peek(recorded.blob.hash) ?? null;
  }

  /** One snapshot, fetched unless it is at hand; it may leave memory again. @throws Error when it cannot be had */
  async load(recorded: Recorded): Promise<AttentionSnapshot> {
    const { hash } = recorded.blob;
    const known = this.cache.get(hash);
    if (known) return known;
    if (!this.underWay.has(hash)) this.start(hash);
    await this.underWay.get(hash);
    const snapshot = this.cache.get(hash);
    if (!snapshot) throw new Error(`step ${recorded.step}: ${this.failed.get(hash)?.message ?? 'it does not fit into memory'}`);
    return snapshot;
  }

  /** Fetches `recorded` next, e.g. the reference of a difference. */
  want(recorded: Recorded): void {
    this.enqueue([recorded, ...this.wanted]);
  }

  /** Fetch all snapshots that fit into memory, evenly spread first. */
  wantEverything(on: boolean): void {
    this.everything = on;
    if (!on) return;
    const order: Recorded[] = [];
    const seen = new Set<number>();
    for (let stride = 2 ** Math.ceil(Math.log2(Math.max(1, this.list.length))); stride >= 1; stride /= 2)
      for (let i = 0; i < this.list.length; i += stride)
        if (!seen.has(i)) {
          seen.add(i);
          order.push(this.list[i]!);
        }
    this.enqueue([...this.wanted, ...fitting(order, this.cache.maxBytes)]);
  }

  /** Fetches the snapshot nearest to a step, then its neighbours. */
  aim(step: number): void {
    const index = nearestIndex(this.list, step);
    if (index < 0) return;
    const nearest = Array.from({ length: reach }, (_, d) => [this.list[index + d + 1], this.list[index - d - 1]]);
    // Half the memory: fetching ahead must not push out what is being compared.
    const ahead = fitting(
      nearest.flat().filter((r) => r !== undefined),
      this.cache.maxBytes / 2,
    );
    const around = [this.list[index]!, ...ahead];
    this.enqueue(this.everything ? [...around, ...this.wanted] : around);
  }

  private enqueue(wanted: Recorded[]): void {
    const seen = new Set<string>();
    this.wanted = wanted.filter(({ blob: { hash } }) => {
      if (seen.has(hash) || this.cache.has(hash) || this.underWay.has(hash)) return false;
      seen.add(hash);
      const failure = this.failed.get(hash);
      return !failure || this.now() - failure.at >= retryMs;
    });
    this.pump();
  }

  private pump(): void {
    while (this.underWay.size < this.parallel) {
      const next = this.wanted[0];
      if (!next) return;
      this.start(next.blob.hash);
    }
  }

  private start(hash: string): void {
    this.wanted = this.wanted.filter((r) => r.blob.hash !== hash);
    this.underWay.set(
      hash,
      this.fetch(hash).finally(() => {
        this.underWay.delete(hash);
        this.pump();
      }),
    );
  }

  private async fetch(hash: string): Promise<void> {
    try {
      const bytes = await this.options.fetchBlob(hash);
      const named = picturesNamed(bytes);
      const snapshot =
        named === null
          ? this.sharingPictures(parseAttentionSnapshot(bytes))
          : this.withPictures(named, parseAttentionSnapshot(bytes, await this.picturesFile(named)));
      this.cache.set(hash, snapshot, snapshot.bytes);
      this.failed.delete(hash);
    } catch (e) {
      this.failed.set(hash, { message: e instanceof Error ? e.message : String(e), at: this.now() });
    }
    this.changed();
  }

  /** One file for all snapshots of the same examples: the last one is kept. */
  private picturesFile(hash: string): Promise<Uint8Array> {
    if (this.pictures?.hash !== hash) {
      const file = this.options.fetchBlob(hash);
      this.pictures = { hash, file, parsed: null };
      file.catch(() => {
        if (this.pictures?.file === file) this.pictures = null;
      });
    }
    return this.pictures!.file;
  }

  /** One object for the same pictures, so that they are drawn once. */
  private withPictures(hash: string, s: AttentionSnapshot): AttentionSnapshot {
    if (this.pictures?.hash !== hash) return s;
    this.pictures.parsed ??= s.pictures;
    return { ...s, pictures: this.pictures.parsed };
  }

  /** The same probe pictures come with every older snapshot: they are kept once, and the rest is copied out so that the blob itself can go. */
  private sharingPictures(s: AttentionSnapshot): AttentionSnapshot {
    if (!s.pictures) return s;
    const known = this.lastPictures;
    if (!known || !sameBytes(known.data, s.pictures.data)) {
      this.lastPictures = s.pictures;
      return s;
    }
    const signals = Object.fromEntries(Object.entries(s.signals).map(([name, v]) => [name, v.slice()]));
    return {
      ...s,
      attention: s.attention.slice(),
      inputs: s.inputs.slice(),
      labels: s.labels.slice(),
      predictions: s.predictions.slice(),
      probabilities: s.probabilities.slice(),
      signals,
      pictures: known,
      bytes: s.bytes - s.pictures.data.length,
    };
  }

  private changed(): void {
    this.revision++;
    for (const listener of this.listeners) listener();
  }
}

/** The first ones that together take at most `bytes`. */
function fitting(list: readonly Recorded[], bytes: number): Recorded[] {
  let room = bytes;
  return list.filter((r) => {
    room -= r.blob.bytes;
    return room >= 0;
  });
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
