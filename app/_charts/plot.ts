import type { XMap } from './xMap';

/** The part of a canvas context that charts draw with; svgPen.ts is another one. */
export type Pen = Pick<
  CanvasRenderingContext2D,
  'beginPath' | 'moveTo' | 'lineTo' | 'closePath' | 'fill' | 'stroke' | 'fillRect' | 'arc' | 'setLineDash'
> & { fillStyle: string; strokeStyle: string; lineWidth: number; globalAlpha: number; lineJoin: string; lineCap: string };

/** Where numbers land: the plot's own pixels, (0, 0) its upper left corner. */
export interface Plot {
  /** Room at its left, where the labels of y stand. */
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

/** NaN on a log scale where there is no logarithm. */
export function pixelY(plot: Plot, value: number): number {
  const [lo, hi] = plot.y;
  const share = plot.log ? (Math.log(value) - Math.log(lo)) / (Math.log(hi) - Math.log(lo)) : (value - lo) / (hi - lo);
  return Number.isNaN(share) ? Number.NaN : plot.height * (1 - Math.min(20, Math.max(-20, share)));
}

/** The step under a pixel; not rounded. */
export const stepAtPixel = (plot: Plot, px: number): number =>
  plot.map.stepOf(plot.x[0] + (px / plot.width) * (plot.x[1] - plot.x[0]));
