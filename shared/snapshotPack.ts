/**
 * The packed form of a snapshot: the plain form's safetensors file in pieces, so that a page can fetch one example's maps, first
 * rounded to 16 bits and then, when somebody asks for exact numbers, the other 16. Nothing is lost: both halves together are the
 * f32 weights bit for bit.
 *
 * The file is a sequence of gzip members that gunzip turns into one safetensors file:
 *   member 0        no content; its header's extra field "HR" lists the compressed sizes of the others, u32 little-endian
 *   member 1        the header and every tensor that is not a map, as in the plain form
 *   members 2..     `high.<e>` of each example e: u8 [2, cells]
 *   then            `low.<e>` of each example: u8 [2, cells]
 *
 * An example's cells are its maps, layer after layer, each [H, Tq, Tk]. With b = the bits of a weight as u32, high = (b + 0x8000)
 * >> 16: the weight rounded to bfloat16, with a relative error of at most 1/256. low = b & 0xffff, and b = (high << 16) + low as
 * a signed 16-bit number. Each half is stored as all its upper bytes, then all its lower bytes: equal exponents are then
 * adjacent, and gzip's output is 27 % smaller.
 *
 * Measured, 8 examples of 12 x 12 heads of 32 x 32 (4.7 MB of f32): see the table in test/shared/snapshotPack.test.ts.
 */

import { beginningOf, type TensorData } from './safetensors';
import type { SnapshotDescription } from './snapshotFile';

export type NamedTensor = readonly [string, { shape: readonly number[]; data: TensorData }];

export interface SnapshotParts {
  description: SnapshotDescription;
  /** Every tensor that is not a map. */
  tensors: readonly NamedTensor[];
  /** The maps of each example, layer after layer. */
  maps: readonly Float32Array[];
}

const NAN = 0x7fc00000;

/** Splits weights into upper and lower halves; in each half, upper bytes come before lower bytes. */
export function splitHalves(weights: Float32Array): { high: Uint8Array; low: Uint8Array } {
  const n = weights.length;
  const bits = new Uint32Array(weights.buffer, weights.byteOffset, n);
  const [high, low] = [new Uint8Array(2 * n), new Uint8Array(2 * n)];
  for (let i = 0; i < n; i++) {
    let b = bits[i]!;
    // All NaNs become one NaN: rounding could turn others into a value that is not NaN.
    if ((b & 0x7fffffff) > 0x7f800000) b = NAN;
    const h = (b + 0x8000) >>> 16;
    high[i] = h >>> 8;
    high[n + i] = h & 255;
    low[i] = (b >>> 8) & 255;
    low[n + i] = b & 255;
  }
  return { high, low };
}

/** The rounded weights. */
export function joinHigh(high: Uint8Array): Float32Array {
  const n = high.length / 2;
  const out = new Uint32Array(n);
  for (let i = 0; i < n; i++) out[i] = (high[i]! << 24) | (high[n + i]! << 16);
  return new Float32Array(out.buffer);
}

/** The exact weights. @param rounded the result of `joinHigh`; not changed */
export function joinLow(rounded: Float32Array, low: Uint8Array): Float32Array {
  const n = rounded.length;
  const bits = new Uint32Array(rounded.buffer, rounded.byteOffset, n);
  const out = new Uint32Array(n);
  for (let i = 0; i < n; i++) out[i] = bits[i]! + ((((low[i]! << 8) | low[n + i]!) << 16) >> 16);
  return new Float32Array(out.buffer);
}

/** Positions of the pieces of a packed file. */
export interface PackIndex {
  /** Offsets into the file: member 1, then the high halves, then the low ones; the last element is the file's size. */
  offsets: number[];
  examples: number;
}

const EXTRA = 12;

/** A gzip member without content whose extra field lists sizes. */
function indexMember(sizes: readonly number[]): Uint8Array {
  const field = 4 * sizes.length;
  if (field > 65_531) throw new RangeError(`a packed snapshot lists at most 16382 pieces, got ${sizes.length}`);
  const out = new Uint8Array(EXTRA + 4 + field + 10);
  const view = new DataView(out.buffer);
  // gzip, deflate, FEXTRA, no time, no level, unknown system (RFC 1952)
  out.set([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255]);
  view.setUint16(10, 4 + field, true);
  out.set([0x48, 0x52], EXTRA);
  view.setUint16(EXTRA + 2, field, true);
  for (const [i, s] of sizes.entries()) view.setUint32(EXTRA + 4 + 4 * i, s, true);
  // An empty last block; checksum and size of nothing are 0.
  out.set([3, 0], EXTRA + 4 + field);
  return out;
}

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The pieces of a file, judged by its first bytes. null = not packed; a number = so many bytes are needed to tell. */
export function packIndex(bytes: Uint8Array): PackIndex | number | null {
  if (bytes.length < EXTRA + 4) return isGzip(bytes) || bytes.length < 2 ? EXTRA + 4 : null;
  if (!isGzip(bytes) || bytes[3] !== 4 || bytes[EXTRA] !== 0x48 || bytes[EXTRA + 1] !== 0x52) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const field = view.getUint16(EXTRA + 2, true);
  const start = EXTRA + 4 + field + 10;
  if (bytes.length < start) return start;
  const count = field / 4;
  if (!Number.isInteger(count) || count % 2 !== 1) return null;
  const offsets = [start];
  for (let i = 0; i < count; i++) offsets.push(offsets[i]! + view.getUint32(EXTRA + 4 + 4 * i, true));
  return { offsets, examples: (count - 1) / 2 };
}

export interface Piece {
  start: number;
  /** Exclusive. */
  end: number;
}
export const headPiece = ({ offsets }: PackIndex): Piece => ({ start: offsets[0]!, end: offsets[1]! });
export const highPiece = ({ offsets }: PackIndex, example: number): Piece => ({
  start: offsets[1 + example]!,
  end: offsets[2 + example]!,
});
export const lowPiece = ({ offsets, examples }: PackIndex, example: number): Piece => ({
  start: offsets[1 + examples + example]!,
  end: offsets[2 + examples + example]!,
});

/**
 * @param gzip compresses one piece; a high half (`squeeze`) deserves a higher level than a low one, which is nearly noise
 * @throws RangeError when an example's maps do not match the layers
 */
export async function packSnapshot(
  { description, tensors, maps }: SnapshotParts,
  gzip: (bytes: Uint8Array, squeeze: boolean) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const cells = description.layers.reduce((n, l) => n + l.heads * l.queries * l.keys, 0);
  const halves = maps.map((m, e) => {
    if (m.length !== cells) throw new RangeError(`example ${e} has ${m.length} weights, its layers ${cells}`);
    return splitHalves(m);
  });
  const half = (name: 'high' | 'low') =>
    halves.map((h, e): NamedTensor => [`${name}.${e}`, { shape: [2, cells], data: h[name] }]);
  const all = [...tensors, ...half('high'), ...half('low')];
  const head = beginningOf(all, { headroom: JSON.stringify(description) }, tensors.length);
  const pieces = await Promise.all([
    gzip(head, true),
    ...halves.map((h) => gzip(h.high, true)),
    ...halves.map((h) => gzip(h.low, false)),
  ]);
  const index = indexMember(pieces.map((p) => p.length));
  const out = new Uint8Array(pieces.reduce((n, p) => n + p.length, index.length));
  let at = 0;
  for (const piece of [index, ...pieces]) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}
