/** Numbers to pixels: one pixel per cell (or per tile of `pool` x `pool` cells), in the memory order of ImageData. */
import { type MapSize, visibleKeys } from '~/shared/attention';
import type { Stretch } from './layout';
import { MASKED } from './overview';
import { levels, notFinite } from './palettes';
import { type ColorScale, levelOf } from './scale';

/** Color of one value; `paint` agrees with it. */
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
  /** Pixels per cell; 1 when left out. */
  block?: Stretch;
}

/**
 * Paints a map. A tile shows its most informative cell: the largest, or the one furthest from neutral, so that a single bright cell never disappears.
 * Cells that are NaN or infinite get their own color, masked cells of a causal map are checkered.
 * @param pool cells per tile side; tiles that are combined from smaller ones may have a fraction of them
 * @param painted tiles down and across, when not as many as the map fills
 * @returns the number of cells that are not finite
 */
export function paint(
  values: Float32Array,
  offset: number,
  size: MapSize,
  scale: ColorScale,
  target: Target,
  pool = 1,
  painted: readonly [rows: number, columns: number] = [Math.ceil(size.queries / pool), Math.ceil(size.keys / pool)],
): number {
  const { queries, keys } = size;
  const { pixels, stride, x, y, flip = false, block = { across: 1, down: 1 } } = target;
  const [rows, columns] = painted;
  // A cell belongs to the tile that holds its center; the last tile has at least one.
  const edges = (tiles: number, cells: number) =>
    Int32Array.from({ length: tiles + 1 }, (_, n) => (n === tiles ? cells : Math.min(Math.ceil(n * pool - 0.5), cells - 1)));
  const [down, across] = [edges(rows, queries), edges(columns, keys)];
  const { palette, low, high } = scale;
  const [last, factor] = [levels - 1, (levels - 1) / (high - low)];
  const lift = scale.kind === 'lift' ? liftLevels(scale) : null;
  const signed = scale.diverging && !lift;
  const levelOfFinite = (value: number) => {
    const u = (value - low) * factor;
    return lift ? lift[topBits(value)]! : u >= last ? last : u > 0 ? (u + 0.5) | 0 : 0;
  };
  let bad = 0;
  for (let row = 0; row < rows; row++) {
    const top = y + (flip ? rows - 1 - row : row) * block.down;
    for (let column = 0; column < columns; column++) {
      let best = 0;
      let rank = Number.NEGATIVE_INFINITY;
      let finite = true;
      for (let i = down[row]!; i < down[row + 1]!; i++) {
        const visible = visibleKeys(size, i);
        const end = Math.min(visible, across[column + 1]!);
        // Lift is relative to uniform over the visible keys of this row.
        const share = lift ? visible / scale.keys : 1;
        for (let j = across[column]!; j < end; j++) {
          const cell = values[offset + i * keys + j]!;
          if (cell === MASKED) continue;
          const v = cell * share;
          // NaN and infinities: for finite values v - v is 0.
          if (v - v !== 0) {
            bad++;
            finite = false;
            continue;
          }
          const r = signed ? Math.abs(v) : v;
          if (r > rank) {
            rank = r;
            best = v;
          }
        }
      }
      const left = x + column * block.across;
      const masked = finite && rank === Number.NEGATIVE_INFINITY;
      const color = masked
        ? maskedPixel(x + column, y + (flip ? rows - 1 - row : row))
        : finite
          ? palette[levelOfFinite(best)]!
          : notFinite;
      for (let line = top; line < top + block.down; line++)
        for (let at = line * stride + left, end = at + block.across; at < end; at++) pixels[at] = color;
    }
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
