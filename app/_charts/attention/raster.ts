/** Numbers to pixels: one pixel per cell (or per tile of `pool` x `pool` cells), in the memory order of ImageData. */
import { type MapSize, visibleKeys } from '~/shared/attention';
import { levels, notFinite } from './palettes';
import { type ColorScale, levelOf } from './scale';

/** Color of one value; all drawing functions below agree with it. */
export function pixelOf(scale: ColorScale, value: number): number {
  if (!Number.isFinite(value)) return notFinite;
  return scale.palette[scale.kind === 'lift' ? liftLevels(scale)[topBits(value)]! : levelOf(scale, value)]!;
}

const f32 = new Float32Array(1);
const f32Bits = new Uint32Array(f32.buffer);
const topBits = (value: number): number => {
  f32[0] = value;
  return f32Bits[0]! >>> dropped;
};

// A logarithm per cell would cost 35 ms at 12 x 12 x 128 x 128. Exponent and 10 bits of fraction determine a value within 0.05 %, a fraction of
// one color level, so that one table look-up gives the level.
const dropped = 13;
const tables = new Map<number, Uint16Array>();
function liftLevels(scale: ColorScale): Uint16Array {
  let table = tables.get(scale.keys);
  if (!table) {
    // Entries with the sign bit stay 0: weights are not negative.
    table = new Uint16Array(2 ** (32 - dropped));
    for (let bits = 1; bits < table.length / 2; bits++) {
      f32Bits[0] = (bits << dropped) | (1 << (dropped - 1));
      table[bits] = levelOf(scale, f32[0]!);
    }
    tables.set(scale.keys, table);
  }
  return table;
}

/** A masked cell: checkered gray over the page's background, in no palette and different from a weight of 0. */
export const maskedPixel = (x: number, y: number): number => ((x + y) & 1 ? 0x59808080 : 0x26808080);

export interface Target {
  pixels: Uint32Array;
  /** Pixels per row of the target. */
  stride: number;
  x: number;
  y: number;
  /** Row 0 at the bottom. */
  flip?: boolean;
  /** Pixels per side of a cell; 1 when left out. */
  block?: number;
}

/** Paints a map. Cells that are NaN or infinite get their own color; masked cells of a causal map are checkered. @returns the number of the former */
export function paint(values: Float32Array, offset: number, size: MapSize, scale: ColorScale, target: Target, pool = 1): number {
  if (pool > 1) return paintPooled(values, offset, size, scale, target, pool);
  if ((target.block ?? 1) > 1) return paintBlocks(values, offset, size, scale, target);
  const { queries, keys } = size;
  const { pixels, stride, x, y } = target;
  const { palette, low, high } = scale;
  const factor = (levels - 1) / (high - low);
  const lift = scale.kind === 'lift' ? liftLevels(scale) : null;
  const bits = lift && new Uint32Array(values.buffer, values.byteOffset, values.length);
  let bad = 0;
  for (let i = 0; i < queries; i++) {
    const visible = visibleKeys(size, i);
    let from = offset + i * keys;
    const row = y + (target.flip ? queries - 1 - i : i);
    let to = row * stride + x;
    // Lift is relative to uniform over the visible keys of this row.
    const share = visible / scale.keys;
    for (const end = from + visible; from < end; from++, to++) {
      const v = values[from]!;
      // NaN and infinities fail the comparison; for finite values v - v is 0.
      if (v - v !== 0) {
        pixels[to] = notFinite;
        bad++;
      } else if (lift) {
        pixels[to] = palette[lift[share === 1 ? bits![from]! >>> dropped : topBits(v * share)]!]!;
      } else {
        const u = (v - low) * factor;
        pixels[to] = palette[u >= levels - 1 ? levels - 1 : u > 0 ? (u + 0.5) | 0 : 0]!;
      }
    }
    for (let j = visible; j < keys; j++, to++) pixels[to] = maskedPixel(x + j, row);
  }
  return bad;
}

/** Paints a map that is smaller than its space: each cell is a block of pixels. */
function paintBlocks(values: Float32Array, offset: number, size: MapSize, scale: ColorScale, target: Target): number {
  const { queries, keys } = size;
  const block = target.block ?? 1;
  const small = new Uint32Array(queries * keys);
  const bad = paint(values, offset, size, scale, { pixels: small, stride: keys, x: 0, y: 0, ...(target.flip && { flip: true }) });
  for (let i = 0; i < queries * block; i++)
    for (let j = 0; j < keys * block; j++)
      target.pixels[(target.y + i) * target.stride + target.x + j] = small[Math.floor(i / block) * keys + Math.floor(j / block)]!;
  return bad;
}

/** Each tile shows its most informative cell: the largest, or the one furthest from neutral, so that a single bright cell never disappears. */
function paintPooled(
  values: Float32Array,
  offset: number,
  size: MapSize,
  scale: ColorScale,
  target: Target,
  pool: number,
): number {
  const { queries, keys } = size;
  const rows = Math.ceil(queries / pool);
  let bad = 0;
  for (let i0 = 0, row = 0; i0 < queries; i0 += pool, row++)
    for (let j0 = 0, column = 0; j0 < keys; j0 += pool, column++) {
      let best = Number.NaN;
      let bestRank = Number.NEGATIVE_INFINITY;
      let tileBad = false;
      for (let i = i0; i < Math.min(i0 + pool, queries); i++) {
        const visible = visibleKeys(size, i);
        const share = scale.kind === 'lift' ? visible / scale.keys : 1;
        for (let j = j0; j < Math.min(j0 + pool, visible); j++) {
          const v = values[offset + i * keys + j]! * share;
          if (v - v !== 0) {
            bad++;
            tileBad = true;
            continue;
          }
          const rank = scale.diverging && scale.kind !== 'lift' ? Math.abs(v) : v;
          if (rank > bestRank) {
            bestRank = rank;
            best = v;
          }
        }
      }
      const y = target.y + (target.flip ? rows - 1 - row : row);
      const masked = !tileBad && bestRank === Number.NEGATIVE_INFINITY;
      target.pixels[y * target.stride + target.x + column] = masked
        ? maskedPixel(target.x + column, y)
        : tileBad
          ? notFinite
          : pixelOf(scale, best);
    }
  return bad;
}

/** Largest magnitude among the finite cells; 0 when there are none. */
export function peakOf(values: Float32Array, from = 0, to = values.length): number {
  let peak = 0;
  for (let n = from; n < to; n++) {
    const v = Math.abs(values[n]!);
    if (v > peak && v !== Number.POSITIVE_INFINITY) peak = v;
  }
  return peak;
}
