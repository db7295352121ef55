import { type Plot, pixelX, pixelY } from './plot';
import { rowOf } from './readout';
import type { LineSpec } from './types';

/** A line's value at a step; null where it has no number, or none that is here yet. */
export interface Reading {
  name: string;
  label: string;
  value: number | null;
}

/** A chart as what is laid over it needs it: pixels of the plot for steps and values, and what the lines read. */
export interface ChartPlace {
  width: number;
  height: number;
  x(step: number): number;
  y(value: number): number;
  /** Of the lines shown; nearest to the height `y` first when it is given. */
  readings(step: number, y?: number): Reading[];
}

/** Somebody pointed at a chart: the step, what its lines read there (nearest first), and where on the screen. */
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
