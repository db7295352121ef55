/**
 * Unsent events and blobs of one attempt on disk, so that a server that is away for hours costs disk, not memory.
 *
 * Events go to segment files with write(2) as they come: they survive a kill of the process, and a segment is deleted once everything in
 * it is committed. The newest part is also in memory, which is all that a connected trainer ever reads.
 *
 * Segment: records of u32 length (little-endian) | packed {number, event} (shared/pack.ts). Its name is the first number in it.
 */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { seqCount } from '~/shared/events';
import { pack, unpack } from '~/shared/pack';
import { type EventLog, type Numbered, sizeOf } from './outbox';

interface Segment {
  file: string;
  first: number;
  bytes: number;
}

export interface SpoolOptions {
  segmentBytes?: number;
  /** Newest events held in memory as well. */
  memoryBytes?: number;
}

export class Spool implements EventLog {
  readonly #folder: string;
  readonly #segmentBytes: number;
  readonly #memoryBytes: number;
  #segments: Segment[] = [];
  #fd: number | null = null;
  #recent: Numbered[] = [];
  /** Index of the oldest live entry of `#recent`: dropping from the front one by one would cost n each. */
  #head = 0;
  #recentBytes = 0;
  #eventBytes = 0;
  /** Sizes of the blobs kept, and the number of the last event that names each. */
  readonly #blobs = new Map<string, { bytes: number; lastNumber: number }>();
  #blobBytes = 0;

  /** @throws the file system's error when the folder cannot be made */
  constructor(folder: string, options: SpoolOptions = {}) {
    this.#folder = folder;
    this.#segmentBytes = options.segmentBytes ?? 4 * 2 ** 20;
    this.#memoryBytes = options.memoryBytes ?? 4 * 2 ** 20;
    mkdirSync(folder, { recursive: true });
  }

  /** On disk now: what the bound is compared with. */
  get bytes(): number {
    return this.#eventBytes + this.#blobBytes;
  }

  append(numbered: Numbered): void {
    const record = pack(numbered);
    const framed = new Uint8Array(4 + record.length);
    new DataView(framed.buffer).setUint32(0, record.length, true);
    framed.set(record, 4);
    let segment = this.#segments.at(-1);
    if (!segment || this.#fd === null || segment.bytes >= this.#segmentBytes) {
      this.#closeFile();
      segment = {
        file: join(this.#folder, `${String(numbered.number).padStart(16, '0')}.events`),
        first: numbered.number,
        bytes: 0,
      };
      this.#fd = openSync(segment.file, 'a');
      this.#segments.push(segment);
    }
    for (let at = 0; at < framed.length; ) at += writeSync(this.#fd!, framed, at);
    segment.bytes += framed.length;
    this.#eventBytes += framed.length;
    this.#recent.push(numbered);
    this.#recentBytes += sizeOf(numbered.event);
    while (this.#recentBytes > this.#memoryBytes && this.#recent.length - this.#head > 1) this.#forgetOldest();
  }

  read(number: number, maxNumbers: number, maxBytes: number): Numbered[] {
    const oldest = this.#recent[this.#head];
    const source = oldest && oldest.number <= number ? this.#fromMemory(number) : this.#fromDisk(number);
    const out: Numbered[] = [];
    let bytes = 0;
    let last = number;
    for (const n of source) {
      if (out.length > 0 && (last - number >= maxNumbers || bytes >= maxBytes)) break;
      out.push(n);
      bytes += sizeOf(n.event);
      last = n.number + seqCount(n.event);
    }
    return out;
  }

  trim(number: number): void {
    while (this.#head < this.#recent.length && endOf(this.#recent[this.#head]!) <= number) this.#forgetOldest();
    // A segment ends where the next begins; the one being written stays.
    while (this.#segments.length > 1 && this.#segments[1]!.first <= number) this.#dropSegment();
    for (const [hash, blob] of this.#blobs) if (blob.lastNumber < number) this.#dropBlob(hash, blob.bytes);
  }

  clear(): void {
    this.#closeFile();
    while (this.#segments.length > 0) this.#dropSegment();
    for (const [hash, blob] of this.#blobs) this.#dropBlob(hash, blob.bytes);
    this.#recent = [];
    this.#head = 0;
    this.#recentBytes = 0;
  }

  /** Keeps a blob that event `number` names until that event is committed. */
  putBlob(hash: string, bytes: Uint8Array, number: number): void {
    const known = this.#blobs.get(hash);
    if (known) {
      known.lastNumber = number;
      return;
    }
    writeFileSync(this.#blobFile(hash), bytes);
    this.#blobs.set(hash, { bytes: bytes.length, lastNumber: number });
    this.#blobBytes += bytes.length;
  }

  /** null when no event that is still to be sent names it. */
  blob(hash: string): Buffer<ArrayBuffer> | null {
    return this.#blobs.has(hash) ? readFileSync(this.#blobFile(hash)) : null;
  }

  /** Lets go of everything, files included. */
  remove(): void {
    this.clear();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #fromMemory(number: number): Numbered[] {
    let low = this.#head;
    let high = this.#recent.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (endOf(this.#recent[mid]!) <= number) low = mid + 1;
      else high = mid;
    }
    return this.#recent.slice(low, low + 4096);
  }

  *#fromDisk(number: number): Generator<Numbered> {
    const start = this.#segments.findLastIndex((s) => s.first <= number);
    for (const segment of this.#segments.slice(Math.max(start, 0))) {
      const bytes = readFileSync(segment.file);
      for (let at = 0; at + 4 <= bytes.length; ) {
        const length = bytes.readUInt32LE(at);
        const numbered = unpack(bytes.subarray(at + 4, at + 4 + length)) as Numbered;
        at += 4 + length;
        if (endOf(numbered) > number) yield numbered;
      }
    }
  }

  #forgetOldest(): void {
    this.#recentBytes -= sizeOf(this.#recent[this.#head]!.event);
    this.#head++;
    if (this.#head > 1024 && this.#head * 2 > this.#recent.length) {
      this.#recent = this.#recent.slice(this.#head);
      this.#head = 0;
    }
  }

  #dropSegment(): void {
    const segment = this.#segments.shift()!;
    this.#eventBytes -= segment.bytes;
    rmSync(segment.file, { force: true });
  }

  #dropBlob(hash: string, bytes: number): void {
    this.#blobs.delete(hash);
    this.#blobBytes -= bytes;
    rmSync(this.#blobFile(hash), { force: true });
  }

  #closeFile(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #blobFile(hash: string): string {
    return join(this.#folder, `${hash}.blob`);
  }
}

const endOf = (n: Numbered): number => n.number + seqCount(n.event);
