import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import type { Histogram, MediaKind } from '~/shared/media';

/** Most samples of one run: more would make a log that nobody can scroll through. */
const MAX_ITEMS = 20_000;

export interface SpooledMedia {
  kind: MediaKind;
  name: string;
  step: number;
  /** ms since 1970; NaN = not known. */
  timeMs: number;
  at: number;
  bytes: number;
}

/** Texts, pictures and histograms of a run that is being read, stored in a file. */
export class MediaSpool {
  items: SpooledMedia[] = [];
  #file: number | null = null;
  #written = 0;
  readonly #more = new Map<MediaKind, number>();

  constructor(private readonly path: string) {}

  add(item: Omit<SpooledMedia, 'at' | 'bytes'>, content: Uint8Array): void {
    if (this.items.length === MAX_ITEMS) {
      this.#more.set(item.kind, (this.#more.get(item.kind) ?? 0) + 1);
      return;
    }
    this.#file ??= openSync(this.path, 'w+');
    writeSync(this.#file, content, 0, content.length, this.#written);
    this.items.push({ ...item, at: this.#written, bytes: content.length });
    this.#written += content.length;
  }

  content({ at, bytes }: SpooledMedia): Buffer {
    const content = Buffer.alloc(bytes);
    if (bytes > 0) readSync(this.#file!, content, 0, bytes, at);
    return content;
  }

  purge(fromStep: number): void {
    this.items = this.items.filter((item) => item.step < fromStep);
  }

  /** In the order of their steps. */
  sorted(): SpooledMedia[] {
    return this.items.toSorted((a, b) => a.step - b.step);
  }

  counts(): Partial<Record<MediaKind, number>> {
    const counts: Partial<Record<MediaKind, number>> = {};
    for (const { kind } of this.items) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
  }

  leftOut(): string[] {
    return [...this.#more].map(([kind, count]) => `${count} samples (${kind}) beyond the ${MAX_ITEMS} that are taken`);
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
    rmSync(this.path, { force: true });
  }
}

const MOST_BINS = 1024;

/**
 * Converts a histogram of another program, whose bins may be empty, touch, or end at infinity, to a sample's form; null: it has
 * no bins.
 *
 * @param bins left and right edge and count, in order
 */
export function histogramOf(bins: readonly (readonly [left: number, right: number, count: number])[]): Histogram | null {
  const edges: number[] = [];
  const counts: number[] = [];
  const used = bins.filter(([, , count]) => count > 0 && Number.isFinite(count));
  if (used.length === 0) return null;
  for (let [left, right, count] of bins.slice(bins.indexOf(used[0]!), bins.indexOf(used.at(-1)!) + 1)) {
    left = Math.max(-Number.MAX_VALUE, left);
    right = Math.min(Number.MAX_VALUE, right);
    if (!Number.isFinite(left) || !Number.isFinite(right) || !Number.isFinite(count)) return null;
    const last = edges.at(-1);
    if (last === undefined) edges.push(left);
    else if (left > last) {
      edges.push(left);
      counts.push(0);
    }
    const from = edges.at(-1)!;
    if (right <= from) {
      // Bins without a width: their values are counted in the bin that ends here.
      if (counts.length === 0) {
        edges.push(from + Math.max(Math.abs(from), 1) * 2 ** -20);
        counts.push(count);
      } else counts[counts.length - 1]! += count;
      continue;
    }
    edges.push(right);
    counts.push(count);
  }
  while (counts.length > MOST_BINS) {
    for (let i = 0; i < counts.length; i++) {
      counts.splice(i, 2, counts[i]! + (counts[i + 1] ?? 0));
      if (i + 2 < edges.length) edges.splice(i + 1, 1);
    }
  }
  return { edges, counts };
}
