import { type Plot, pixelX, pixelY } from './plot';
import { rowOf } from './readout';
import type { LineSpec } from './types';

/** A line's value at a step; null where it has no number, or none is loaded yet. */
export interface Reading {
  name: string;
  label: string;
  value: number | null;
}

/** What an overlay needs to know about a chart: pixels of the plot for steps and values, and the values of the lines. */
export interface ChartPlace {
  width: number;
  height: number;
  x(step: number): number;
  y(value: number): number;
  /** Values of the visible lines; sorted by distance from the height `y` when it is given. */
  readings(step: number, y?: number): Reading[];
}

/** A point of a chart that a person chose: the step, the lines' values there (nearest first), and its position on the screen. */
export interface ChartPoint {
  step: number;
  readings: Reading[];
  clientX: number;
  clientY: number;
}

export function chartPlace(plot: Plot, lines: readonly LineSpec[]): ChartPlace {
  const y = (value: number) => pixelY(plot, value);
  return {
    width: plot.width,
    height: plot.height,
    x: (step) => pixelX(plot, step),
    y,
    readings: (step, near) => {
      const found = lines.map((line): Reading => {
        const value = rowOf(line, step)?.value ?? Number.NaN;
        return { name: line.name, label: line.label, value: Number.isFinite(value) ? value : null };
      });
      if (near === undefined) return found;
      const off = ({ value }: Reading) => (value === null ? Number.POSITIVE_INFINITY : Math.abs(y(value) - near));
      return found.sort((a, b) => (off(a) === off(b) ? 0 : off(a) - off(b)));
    },
  };
}
