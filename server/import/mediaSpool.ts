import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import type { MediaKind } from '~/shared/media';

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
