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

/** The step at a pixel, not rounded. */
export const stepAtPixel = (plot: Plot, px: number): number =>
  plot.map.stepOf(plot.x[0] + (px / plot.width) * (plot.x[1] - plot.x[0]));
