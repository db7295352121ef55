import type { XMap } from './xMap';

/** The part of a canvas context that charts draw with; svgPen.ts implements it too. */
export type Pen = Pick<
  CanvasRenderingContext2D,
  'beginPath' | 'moveTo' | 'lineTo' | 'closePath' | 'fill' | 'stroke' | 'fillRect' | 'arc' | 'setLineDash'
> & { fillStyle: string; strokeStyle: string; lineWidth: number; globalAlpha: number; lineJoin: string; lineCap: string };

/** Maps values to pixels of the plot; (0, 0) is its upper left corner. */
export interface Plot {
  /** Width of the left margin with the labels of y. */
  left: number;
  width: number;
  height: number;
  /** Axis values at both ends. */
  x: readonly [number, number];
  y: readonly [number, number];
  log: boolean;
  map: XMap;
}

export function pixelX(plot: Plot, step: number): number {
  return ((plot.map.of(step) - plot.x[0]) / (plot.x[1] - plot.x[0])) * plot.width;
}

/** NaN for a value without a logarithm on a log scale. */
export function pixelY(plot: Plot, value: number): number {
  const [lo, hi] = plot.y;
  const share = plot.log ? (Math.log(value) - Math.log(lo)) / (Math.log(hi) - Math.log(lo)) : (value - lo) / (hi - lo);
  return Number.isNaN(share) ? Number.NaN : plot.height * (1 - Math.min(20, Math.max(-20, share)));
}

/** Heights of values between the greatest (`top`) and the least (`bottom`), in pixels; NaN where a value is not a finite number. */
export function heightsOf(values: readonly number[], top: number, bottom: number): number[] {
  const finite = values.filter(Number.isFinite);
  const lo = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const hi = finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  // The distance between the largest numbers is infinite, that between their halves is not.
  const by = hi - lo < Infinity ? 1 : 0.5;
  const share = (v: number) => (hi === lo ? 0.5 : (v * by - lo * by) / (hi * by - lo * by));
  return values.map((v) => (Number.isFinite(v) ? bottom - share(v) * (bottom - top) : Number.NaN));
}

/** The step at a pixel, not rounded. */
export const stepAtPixel = (plot: Plot, px: number): number =>
  plot.map.stepOf(plot.x[0] + (px / plot.width) * (plot.x[1] - plot.x[0]));
