import type { Curve } from './curve';
import type { Palette } from './palette';

/** What a chart draws. The chart reads the numbers when it draws, so that live data never pass through React. */

/** A color of the palette: one of the eight series colors (from 0, repeating), or a color with a meaning. */
export type Color = number | 'ink' | 'dim' | 'accent' | 'good' | 'warn' | 'bad';

export const colorOf = (palette: Palette, color: Color): string =>
  typeof color === 'number' ? palette.series[color % palette.series.length]! : palette[color];

/** The newest row of a series at or before a step: a series may be logged only every few steps. */
export interface RowAt {
  step: number;
  value: number;
}

export interface LineSpec {
  /** Unique within the chart. */
  name: string;
  label: string;
  /** The title of the chart names this line: the legend shows only its value. */
  titled?: boolean;
  color: Color;
  dashed?: boolean;
  /** Whether the page's smoothing applies; off for exact values, such as a schedule. */
  smoothed?: boolean;
  /** Drawn above the envelopes, without its own envelope. */
  thin?: boolean;
  /** Curve of the range shown; null until it is loaded. */
  curve(): Curve | null;
  /** Curve of the whole run: shown while a zoomed range loads. */
  whole?(): Curve | null;
  /** Finer curves of the first steps shown, finest first, each from the same step on: drawn instead of `curve` on a logarithmic x axis. */
  early?(): readonly Curve[];
  /** The newest row at or before a step; undefined while it loads, null when there is none. */
  exact?(step: number): RowAt | null | undefined;
  /** The moving average at a step; undefined and null as for `exact`. */
  average?(step: number): number | null | undefined;
}

/** Single measurements, such as evaluations. */
export interface PointSpec {
  name: string;
  label: string;
  /** What the legend shows instead, where its color says the rest. */
  short?: string;
  color: Color;
  points: readonly { step: number; value: number }[];
}

/** A threshold that may change over time: piecewise constant, in step order; null = off. */
export interface RuleSpec {
  label: string;
  from: readonly { step: number; value: number | null }[];
  /** Buckets of this line beyond the threshold are marked at the bottom edge. */
  marks?: {
    line: string;
    /** 1 for steps over the threshold, else 0: the mean over several steps sets the opacity of their mark. */
    share?(): Curve | null;
  };
}

export type MarkKind = 'command' | 'refused' | 'checkpoint' | 'evaluation' | 'snapshot' | 'alert' | 'status' | 'note';

/** Something that happened at a step. */
export interface Mark {
  id: string;
  step: number;
  kind: MarkKind;
  /** One line: "clipNorm 5 → 1". */
  label: string;
  /** Who, when, why. */
  detail: string;
  color: Color;
  /** Whether it is also drawn as a line through the plot. */
  line?: boolean;
}

/**
 * The position shared by all panels. For snapshots `step` = after that many updates (event steps); for step rows it is the row of
 * update `step`.
 */
export interface ChartCursorState {
  mode: 'live' | 'pinned';
  /** The step shown: the run's newest step while live, constant while pinned. */
  step: number;
  /** The step under the mouse, on any chart; null when the mouse is elsewhere. */
  hoverStep: number | null;
  /** Steps shown by all charts; null = everything, growing. */
  zoom: [number, number] | null;
}

/** The cursor that all charts of the page share; charts read it when they draw. */
export interface ChartCursor {
  get(): ChartCursorState;
  subscribe(listener: () => void): () => void;
  /** Stay at a step when new ones arrive. */
  pin(step: number): void;
  /** Go to the newest step and follow it. */
  follow(): void;
  hover(step: number | null): void;
  zoom(range: [number, number] | null): void;
  /** Number of steps done: the newest row is that of step headStep() - 1. */
  headStep(): number;
  /** No steps follow: the axis ends at the newest one. */
  ended(): boolean;
  /** First step of the axis: 0, or that of the run's first row. */
  startStep(): number;
  /** Approximate number of steps between two rows: how far an arrow key moves. */
  stride(): number;
}

export interface ChartSettings {
  /** Weight of the moving average, 0 <= w < 1. */
  smoothing: number;
  log: boolean;
  robust: boolean;
}

/** A file with every step of what a chart shows of one run. */
export interface StepFile {
  href: string;
  label: string;
  /** "1,000,000 steps x 2 series, about 44 MB" */
  size: string;
}
