import { levels, type Rgb, rgbOf, sequentialPalette } from './attention/palettes';
import type { Curve } from './curve';
import type { Piece } from './pieces';
import { type Plot, pixelX } from './plot';

/** Color of a share from 0 to 1. */
export const heatColor = (share: number): Rgb =>
  rgbOf(sequentialPalette('viridis')[Math.round(Math.min(1, Math.max(0, share)) * (levels - 1))]!);

/** Range of a log color scale: all values > 0 of the curves, extended to quarter decades, at most six decades. */
export function heatDomain(curves: readonly (Curve | null)[]): [number, number] {
  let lo = Number.POSITIVE_INFINITY;
  let hi = 0;
  for (const c of curves) {
    if (!c) continue;
    for (let i = 0; i < c.count; i++) {
      const v = c.values.max[i]!;
      if (v > 0 && v < lo) lo = v;
      if (v > hi) hi = v;
    }
  }
  if (!(hi > 0)) return [0.1, 1];
  const quarter = (v: number, round: (n: number) => number) => 10 ** (round(Math.log10(v) * 4) / 4);
  const top = quarter(hi, Math.ceil);
  return [Math.max(quarter(lo, Math.floor), top / 1e6, Number.MIN_VALUE), top > lo ? top : top * 10];
}

/**
 * One pixel per column and row: the largest value of the column's steps on a log scale. Values <= 0 get `zero`, columns with a NaN or infinite value
 * get `odd`, columns before the first row and after the last one stay transparent.
 *
 * @returns RGBA [rows, columns]
 */
export function heatPixels(
  rows: readonly (readonly Piece[])[],
  plot: Plot,
  columns: number,
  [lo, hi]: readonly [number, number],
  zero: Rgb,
  odd: Rgb,
): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(rows.length * columns * 4);
  const table = Array.from({ length: 256 }, (_, i) => heatColor(i / 255));
  const span = Math.log(hi) - Math.log(lo);
  const top = new Float64Array(columns);
  const scale = columns / plot.width;
  rows.forEach((pieces, row) => {
    top.fill(Number.NEGATIVE_INFINITY);
    for (const { curve: c, from: begin, to: end } of pieces)
      for (let i = begin; i <= end; i++) {
        const left = pixelX(plot, c.steps[i]! - 0.5) * scale;
        // A value holds until the next row: steps between the rows of a series that is not logged at every step are not gaps.
        const right = pixelX(plot, (i + 1 < c.count ? c.steps[i + 1]! : c.lastSteps[i]! + 1) - 0.5) * scale;
        if (right < 0 || left >= columns) continue;
        const from = Math.max(0, Math.floor(left));
        const to = Math.min(columns - 1, Math.max(from, Math.ceil(right) - 1));
        // One NaN or infinite value marks the whole cell: the others must not hide it.
        const v = c.values.nonFinite[i]! > 0 ? Number.NaN : c.values.max[i]!;
        for (let k = from; k <= to; k++) if (Number.isNaN(v) || v > top[k]!) top[k] = v;
      }
    for (let k = 0; k < columns; k++) {
      const v = top[k]!;
      if (v === Number.NEGATIVE_INFINITY) continue;
      const [r, g, b] = Number.isNaN(v)
        ? odd
        : v <= 0
          ? zero
          : table[Math.round(255 * Math.min(1, Math.max(0, (Math.log(v) - Math.log(lo)) / span)))]!;
      out.set([r, g, b, 255], (row * columns + k) * 4);
    }
  });
  return out;
}
