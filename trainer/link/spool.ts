/**
 * Unsent events and blobs of one attempt on disk, so that a server that is unreachable for hours costs disk, not memory.
 *
 * Each event is written to a segment file immediately with write(2): it survives a kill of the process. A segment is deleted once all its
 * events are committed. The newest part is also in memory; a connected trainer reads only that.
 *
 * Segment: records of u32 length (little-endian) | packed {number, event} (shared/pack.ts). The file is named after its first event number.
 */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pack, unpack } from '~/shared/pack';
import { seqCount } from '~/shared/rows';
import { type EventLog, type Numbered, sizeOf } from './outbox';

interface Segment {
  file: string;
  first: number;
  bytes: number;
}

export interface SpoolOptions {
  segmentBytes?: number;
  /** Size of the newest events that are also kept in memory. */
  memoryBytes?: number;
}

export class Spool implements EventLog {
  readonly #segmentBytes: number;
  readonly #memoryBytes: number;
  #segments: Segment[] = [];
  #fd: number | null = null;
  #recent: Numbered[] = [];
  /** Index of the oldest live entry of `#recent`: removing from the front of the array would cost O(n) each time. */
  #head = 0;
  #recentBytes = 0;
  #eventBytes = 0;
  /** The blobs kept: size, the number of the last event that names each, and whether the server has it. */
  readonly #blobs = new Map<string, { bytes: number; lastNumber: number; uploaded: boolean }>();
  #blobBytes = 0;

  constructor(
    private readonly folder: string,
    options: SpoolOptions = {},
  ) {
    this.#segmentBytes = options.segmentBytes ?? 4 * 2 ** 20;
    this.#memoryBytes = options.memoryBytes ?? 4 * 2 ** 20;
  }

  /** Bytes on disk now, to be compared with the bound. */
  get bytes(): number {
    return this.#eventBytes + this.#blobBytes;
  }

  /** @throws the file system's error; the event is not in the spool then, and can be appended again */
  append(numbered: Numbered): void {
    const record = pack(numbered);
    const framed = new Uint8Array(4 + record.length);
    new DataView(framed.buffer).setUint32(0, record.length, true);
    framed.set(record, 4);
    let segment = this.#segments.at(-1);
    if (!segment || this.#fd === null || segment.bytes >= this.#segmentBytes) {
      this.#closeFile();
      segment = {
        file: join(this.folder, `${String(numbered.number).padStart(16, '0')}.events`),
        first: numbered.number,
        bytes: 0,
      };
      mkdirSync(this.folder, { recursive: true });
      this.#fd = openSync(segment.file, 'w');
      this.#segments.push(segment);
    }
    try {
      for (let at = 0; at < framed.length; ) at += writeSync(this.#fd!, framed, at);
    } catch (error) {
      // What a full disk took of it is not read: the next try begins another segment.
      this.#closeFile();
      if (segment.bytes === 0) this.#segments.pop();
      throw error;
    }
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
    // A segment ends where the next begins; the segment being written is kept.
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

  /** Keeps a blob, named by event `number`, until that event is committed. @throws the file system's error; it is not kept then */
  putBlob(hash: string, bytes: Uint8Array, number: number): void {
    const known = this.#blobs.get(hash);
    if (known) {
      known.lastNumber = number;
      return;
    }
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(this.#blobFile(hash), bytes);
    this.#blobs.set(hash, { bytes: bytes.length, lastNumber: number, uploaded: false });
    this.#blobBytes += bytes.length;
  }

  /** A blob to upload; null when the server has it, or no unsent event names it. */
  blob(hash: string): Buffer<ArrayBuffer> | null {
    return this.#blobs.get(hash)?.uploaded === false ? readFileSync(this.#blobFile(hash)) : null;
  }

  /** Says whether the server has a blob. */
  setUploaded(hash: string, uploaded: boolean): void {
    const blob = this.#blobs.get(hash);
    if (blob) blob.uploaded = uploaded;
  }

  /** Closes everything and deletes the files. */
  remove(): void {
    this.clear();
    rmSync(this.folder, { recursive: true, force: true });
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
      const bytes = readFileSync(segment.file).subarray(0, segment.bytes);
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
    return join(this.folder, `${hash}.blob`);
  }
}

const endOf = (n: Numbered): number => n.number + seqCount(n.event);
