/**
 * Reads the needed parts of a snapshot's blob: of a packed blob (shared/snapshotPack.ts) the description, then the rounded maps
 * of one example, and its exact maps on request. Other blobs are read whole. Independent of caches and React.
 */
import { setOverview } from '~/app/_charts/attention/overview';
import { type AttentionSnapshot, type ExampleMaps, exampleMaps } from '~/shared/attentionSnapshot';
import { headPiece, highPiece, lowPiece, type PackIndex, type Piece, packIndex } from '~/shared/snapshotPack';
import { type DecodeJob, type DecodeJobs, decode as decodeHere, type Weights } from './decode';
import type { BlobRange } from './fetchBlob';

export interface BlobRef {
  hash: string;
  bytes: number;
}

export interface Need {
  /** null = all of them. */
  example: number | null;
  exact: boolean;
}

/** The parts of a blob that have been read. */
export interface Opened {
  snapshot: AttentionSnapshot;
  /** null = the blob was read whole. */
  index: PackIndex | null;
  /** Memory that the maps take. */
  bytes: number;
}

export interface ReaderOptions {
  fetchBlob: (hash: string, range?: BlobRange) => Promise<Uint8Array>;
  decode?: <J extends DecodeJob>(job: J) => Promise<DecodeJobs[J['kind']]['out']>;
}

/** Smaller blobs are read whole. */
const smallBytes = 128 * 1024;
/** Size of the first request for a blob of unknown layout. */
const firstBytes = 192 * 1024;

export class SnapshotReader {
  private readonly decode;
  /** Index of the last blob: the next one has a similar layout, so that one request is enough. */
  private lastIndex: PackIndex | null = null;

  constructor(private readonly options: ReaderOptions) {
    this.decode = options.decode ?? decodeHere;
  }

  /** @param known parts of the same blob that were read before @throws Error when the blob cannot be fetched or is damaged */
  async read(ref: BlobRef, known: Opened | null, need: Need): Promise<Opened> {
    const file = new PartOf(ref, this.options.fetchBlob);
    const opened = known ?? (await this.open(file, need));
    if (!opened.index) return opened;
    return this.addMaps(file, opened.snapshot, opened.index, need);
  }

  private async open(file: PartOf, need: Need): Promise<Opened> {
    if (file.size <= smallBytes) await file.all();
    else await file.beginning(this.guess(need));
    let index = packIndex(file.known);
    while (typeof index === 'number' && file.known.length < file.size) {
      await file.beginning(index);
      index = packIndex(file.known);
    }
    if (index === null || typeof index === 'number') {
      const snapshot = await this.decode({ kind: 'whole', bytes: await file.all() });
      return { snapshot, index: null, bytes: sizeOf(snapshot) };
    }
    this.lastIndex = index;
    const snapshot = await this.decode({ kind: 'head', bytes: await file.piece(headPiece(index)) });
    return { snapshot, index, bytes: 0 };
  }

  private guess({ example }: Need): number {
    const last = this.lastIndex;
    if (!last) return firstBytes;
    const end = example === 0 ? highPiece(last, 0).end : headPiece(last).end;
    return Math.ceil(1.15 * end) + 1024;
  }

  private async addMaps(file: PartOf, snapshot: AttentionSnapshot, index: PackIndex, need: Need): Promise<Opened> {
    const maps = [...snapshot.maps];
    // Bytes that have arrived anyway are used: small files are exact at once.
    const exact = need.exact || file.known.length === file.size;
    const wanted =
      need.example === null || file.known.length === file.size
        ? maps.map((_, e) => e)
        : [Math.min(need.example, snapshot.examples - 1)];
    const high = wanted.filter((e) => !maps[e]);
    const low = exact ? wanted.filter((e) => !maps[e]?.exact) : [];
    await file.pieces([...high.map((e) => highPiece(index, e)), ...low.map((e) => lowPiece(index, e))]);
    const shape = { layers: snapshot.layers, causal: snapshot.causal };
    await Promise.all(
      high.map(async (e) => {
        const bytes = await file.piece(highPiece(index, e));
        maps[e] = viewsOf(shape.layers, await this.decode({ kind: 'high', shape, bytes }), false);
      }),
    );
    await Promise.all(
      low.map(async (e) => {
        const rounded = weightsOf(maps[e]!);
        const bytes = await file.piece(lowPiece(index, e));
        maps[e] = viewsOf(shape.layers, await this.decode({ kind: 'low', shape, rounded, bytes }), true);
      }),
    );
    const next = { ...snapshot, maps };
    return { snapshot: next, index, bytes: sizeOf(next) };
  }
}

function viewsOf(layers: AttentionSnapshot['layers'], { weights, overviews }: Weights, exact: boolean): ExampleMaps {
  const maps = exampleMaps(layers, weights, exact);
  for (const [l, overview] of overviews.entries()) if (overview) setOverview(maps.layers[l]!, overview);
  return maps;
}

/** The array that an example's maps are views of. */
const weightsOf = ({ layers }: ExampleMaps): Float32Array => new Float32Array(layers[0]!.buffer);

const sizeOf = ({ maps }: AttentionSnapshot): number =>
  maps.reduce((n, m) => n + (m?.layers.reduce((sum, l) => sum + l.byteLength, 0) ?? 0), 0) + 16_384;

/** A blob that has been read in part. */
class PartOf {
  /** The bytes read so far, from byte 0 on. */
  known: Uint8Array = new Uint8Array(0);
  size: number;
  private readonly parts: { start: number; bytes: Uint8Array }[] = [];

  constructor(
    private readonly ref: BlobRef,
    private readonly fetchBlob: ReaderOptions['fetchBlob'],
  ) {
    this.size = ref.bytes;
  }

  async all(): Promise<Uint8Array> {
    if (this.known.length === 0) {
      this.known = await this.fetchBlob(this.ref.hash);
      this.size = this.known.length;
    } else await this.beginning(this.size);
    return this.known;
  }

  async beginning(end: number): Promise<void> {
    const stop = Math.min(end, this.size);
    if (stop <= this.known.length) return;
    const more = await this.fetchBlob(this.ref.hash, { start: this.known.length, end: stop });
    const joined = new Uint8Array(this.known.length + more.length);
    joined.set(this.known);
    joined.set(more, this.known.length);
    this.known = joined;
  }

  /** Fetches pieces that are missing; adjacent pieces share a request. */
  async pieces(wanted: readonly Piece[]): Promise<void> {
    const missing = wanted.filter((p) => !this.held(p)).sort((a, b) => a.start - b.start);
    const ranges: Piece[] = [];
    for (const p of missing) {
      const last = ranges.at(-1);
      if (last && p.start === last.end) last.end = p.end;
      else ranges.push({ ...p });
    }
    await Promise.all(
      ranges.map(async ({ start, end }) => {
        this.parts.push({ start, bytes: await this.fetchBlob(this.ref.hash, { start, end }) });
      }),
    );
  }

  async piece(p: Piece): Promise<Uint8Array> {
    if (!this.held(p)) await this.pieces([p]);
    const bytes = this.held(p);
    if (!bytes) throw new Error(`bytes ${p.start} to ${p.end} of the snapshot's file did not come`);
    return bytes;
  }

  private held({ start, end }: Piece): Uint8Array | null {
    if (end <= this.known.length) return this.known.subarray(start, end);
    const part = this.parts.find((p) => p.start <= start && end <= p.start + p.bytes.length);
    return part ? part.bytes.subarray(start - part.start, end - part.start) : null;
  }
}
