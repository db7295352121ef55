import type { Curve } from './curve';
import type { Palette } from './palette';

/** What a chart is told to draw. Numbers are read when it draws, so that live data never pass through React. */

/** A place in the palette: one of the eight series colors (from 0, repeating), or a color with a meaning. */
export type Color = number | 'ink' | 'dim' | 'accent' | 'good' | 'warn' | 'bad';

export const colorOf = (palette: Palette, color: Color): string =>
  typeof color === 'number' ? palette.series[color % palette.series.length]! : palette[color];

/** The row that a series has at a step: the newest at or before it, as a series may be logged every so many steps only. */
export interface RowAt {
  step: number;
  value: number;
}

export interface LineSpec {
  /** Unique within the chart. */
  name: string;
  label: string;
  color: Color;
  dashed?: boolean;
  /** Follows the smoothing of the page; off for what is exact by nature, such as a schedule. */
  smoothed?: boolean;
  /** Drawn above the envelope only, without one of its own. */
  thin?: boolean;
  /** Of the range shown; null until it is there. */
  curve(): Curve | null;
  /** Of the whole run: stands in while a zoomed range is being read. */
  whole?(): Curve | null;
  /** Finer curves of the first steps shown, finest first, each from the same step on: drawn in place of `curve` on a logarithmic x axis. */
  early?(): readonly Curve[];
  /** The row in force at a step; undefined while it is being read, null when there is none. */
  exact?(step: number): RowAt | null | undefined;
  /** The moving average there, as `exact`. */
  average?(step: number): number | null | undefined;
}

/** Single measurements, such as evaluations. */
export interface PointSpec {
  name: string;
  label: string;
  color: Color;
  points: readonly { step: number; value: number; note: string }[];
}

/** A threshold that may change over time: piecewise constant, in step order; null = off. */
export interface RuleSpec {
  label: string;
  from: readonly { step: number; value: number | null }[];
  /** Buckets of this line that pass the threshold are marked at the bottom edge, in words: "clipped". */
  marks?: {
    line: string;
    label: string;
    /** 1 for steps that passed it, else 0: how strong a mark is that stands for several steps. */
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
  /** Also drawn as a line through the plot. */
  line?: boolean;
}

export interface ChartCursorState {
  mode: 'live' | 'pinned';
  step: number;
  hoverStep: number | null;
  zoom: [number, number] | null;
}

/** Where everybody on the page looks; charts read it when they draw. */
export interface ChartCursor {
  get(): ChartCursorState;
  subscribe(listener: () => void): () => void;
  pin(step: number): void;
  follow(): void;
  hover(step: number | null): void;
  zoom(range: [number, number] | null): void;
  /** Steps done: the newest row is that of step headStep() - 1. */
  headStep(): number;
  /** Where the axis begins: 0, or where the run's rows do. */
  startStep(): number;
  /** Steps from one row to the next, about: what an arrow key moves by. */
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
