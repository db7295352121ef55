import type { Curve } from './curve';
import { type Pen, type Plot, pixelX, pixelY } from './plot';

/**
 * How dense curves are drawn. Measured in Chromium without a GPU, 1200 points over 1120 pixels: filling the polygon of an envelope costs 12 ms, the same
 * area as one hairline per pixel column 0.4 ms; a zigzag 1.5 pixels wide 6 ms, a hairline 0.2 ms. So a canvas gets hairlines, thick lines as several side by
 * side; the SVG pen, which has no device pixels, gets plain shapes.
 */

/** A curve in pixels, at most one point per device column. NaN where there is nothing to draw. */
export interface Trace {
  n: number;
  x: Float64Array;
  mean: Float64Array;
  /** Moving average; null when there is none. */
  average: Float64Array | null;
  /** Pixels of the highest and lowest of the point's values. */
  top: Float64Array;
  bottom: Float64Array;
}

/** Center of a bucket's steps. */
export const middle = (curve: Curve, i: number): number => (curve.steps[i]! + curve.lastSteps[i]!) / 2;

/** @param pixel width of a device pixel; 0 = no bucket is merged */
export function traceOf(curve: Curve, from: number, to: number, plot: Plot, average: Float64Array | null, pixel: number): Trace {
  const size = to - from + 1;
  const make = () => new Float64Array(size).fill(Number.NaN);
  const t: Trace = { n: 0, x: make(), mean: make(), average: average && make(), top: make(), bottom: make() };
  const { min, max, nonFinite } = curve.values;
  const above0 = (v: number) => !plot.log || v > 0;
  let column = Number.NaN;
  let weight = 0;
  let mean = 0;
  for (let i = from; i <= to; i++) {
    const x = pixelX(plot, middle(curve, i));
    const n = curve.rows[i]! - nonFinite[i]!;
    const here = pixel > 0 ? Math.floor(x / pixel) : i;
    const merge = here === column;
    if (n <= 0 || !above0(max[i]!)) {
      // A column with values keeps its point: a single value that cannot be drawn is marked but does not break the line.
      if (merge) continue;
      column = Number.NaN;
      t.x[t.n] = x;
      t.n++;
      continue;
    }
    const value = curve.mean(i);
    const [top, bottom] = [pixelY(plot, max[i]!), above0(min[i]!) ? pixelY(plot, min[i]!) : plot.height];
    if (merge) {
      const k = t.n - 1;
      mean = mean * (weight / (weight + n)) + value * (n / (weight + n));
      weight += n;
      t.top[k] = Math.min(t.top[k]!, top);
      t.bottom[k] = Math.max(t.bottom[k]!, bottom);
    } else {
      column = here;
      weight = n;
      mean = value;
      t.x[t.n] = x;
      t.top[t.n] = top;
      t.bottom[t.n] = bottom;
      t.n++;
    }
    t.mean[t.n - 1] = above0(mean) ? pixelY(plot, mean) : Number.NaN;
    if (average && t.average) t.average[t.n - 1] = above0(average[i]!) ? pixelY(plot, average[i]!) : Number.NaN;
  }
  return t;
}

/** The area between lowest and highest. `edge`: also a line along both, so that a peak of one step in a million is visible. */
export function fillBetween(pen: Pen, t: Trace, pixel: number, alpha: number, edge: number): void {
  if (pixel > 0) columns(pen, t, pixel, alpha);
  else area(pen, t, alpha);
  if (edge <= 0) return;
  pen.globalAlpha = edge;
  pen.lineWidth = pixel || 1;
  trace(pen, t.n, t.x, t.top);
  pen.stroke();
  trace(pen, t.n, t.x, t.bottom);
  pen.stroke();
}

function columns(pen: Pen, t: Trace, pixel: number, alpha: number): void {
  pen.globalAlpha = alpha;
  pen.lineWidth = pixel;
  pen.beginPath();
  const bar = (column: number, top: number, bottom: number) => {
    const x = (column + 0.5) * pixel;
    pen.moveTo(x, top);
    pen.lineTo(x, Math.max(bottom, top + pixel));
  };
  for (let k = 0; k < t.n; k++) {
    if (Number.isNaN(t.top[k]!)) continue;
    const here = Math.floor(t.x[k]! / pixel);
    bar(here, t.top[k]!, t.bottom[k]!);
    if (k + 1 >= t.n || Number.isNaN(t.top[k + 1]!)) continue;
    const next = Math.floor(t.x[k + 1]! / pixel);
    for (let c = here + 1; c < next; c++) {
      const f = (c - here) / (next - here);
      bar(c, t.top[k]! + f * (t.top[k + 1]! - t.top[k]!), t.bottom[k]! + f * (t.bottom[k + 1]! - t.bottom[k]!));
    }
  }
  pen.stroke();
}

function area(pen: Pen, t: Trace, alpha: number): void {
  pen.globalAlpha = alpha;
  for (let k = 0; k < t.n; k++) {
    if (Number.isNaN(t.top[k]!)) continue;
    let end = k;
    while (end + 1 < t.n && !Number.isNaN(t.top[end + 1]!)) end++;
    pen.beginPath();
    for (let i = k; i <= end; i++) {
      if (i === k) pen.moveTo(t.x[i]!, t.top[i]!);
      else pen.lineTo(t.x[i]!, t.top[i]!);
    }
    for (let i = end; i >= k; i--) pen.lineTo(t.x[i]!, t.bottom[i]!);
    pen.closePath();
    pen.fill();
    k = end;
  }
}

/** Offsets, in device pixels, of the hairlines that together make a line of that many device pixels. */
const side: readonly (readonly [number, number])[][] = [
  [],
  [[0, 0]],
  [
    [-0.5, 0],
    [0.5, 0],
    [0, -0.5],
    [0, 0.5],
  ],
  [
    [0, 0],
    [-1, 0],
    [1, 0],
    [0, -1],
    [0, 1],
  ],
];
const MANY = 150;

/** A line through `y`; it breaks at NaN, and a single value between two breaks is a dot. */
export function strokeLine(pen: Pen, t: Trace, y: Float64Array, width: number, pixel: number, alpha: number): void {
  pen.globalAlpha = alpha;
  const offsets = pixel > 0 && t.n > MANY ? side[alpha < 1 ? 1 : Math.round(width / pixel)] : undefined;
  pen.lineWidth = offsets ? pixel : width;
  for (const [dx, dy] of offsets ?? [[0, 0]]) {
    trace(pen, t.n, t.x, y, dx * pixel, dy * pixel);
    pen.stroke();
  }
  for (let k = 0; k < t.n; k++) {
    if (Number.isNaN(y[k]!) || !Number.isNaN(y[k - 1] ?? Number.NaN) || !Number.isNaN(y[k + 1] ?? Number.NaN)) continue;
    pen.beginPath();
    pen.arc(t.x[k]!, y[k]!, width * 0.75 + 0.75, 0, 2 * Math.PI);
    pen.fill();
  }
}

/** A path through the first `n` points, moved by (dx, dy); it breaks where y is NaN. */
export function trace(pen: Pen, n: number, x: ArrayLike<number>, y: ArrayLike<number>, dx = 0, dy = 0): void {
  pen.beginPath();
  let open = false;
  for (let k = 0; k < n; k++) {
    const gap = Number.isNaN(y[k]!);
    if (!gap && open) pen.lineTo(x[k]! + dx, y[k]! + dy);
    else if (!gap) pen.moveTo(x[k]! + dx, y[k]! + dy);
    open = !gap;
  }
}
