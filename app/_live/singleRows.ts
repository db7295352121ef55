import type { Curve } from '~/app/_charts/curve';
import { type Level, Levels } from './levels';
import type { WantedSeries } from './wantedSeries';

/** Approximate number of rows read at once around a single row, and the number of buckets for such a read. */
const ROWS = 256;
const BUCKETS = 4 * ROWS;
const KEPT_CURVES = 600;
/** Most series that a read requests at once. */
const MOST_SERIES = 64;

/** The bucket of a curve that contains or precedes a step. */
export interface Found {
  curve: Curve;
  i: number;
}

export interface SingleRowsDeps {
  /** Series that the page draws: a read includes them, because the next question is about them. */
  wanted: Pick<WantedSeries, 'names' | 'weightOf'>;
  complete(name: string, curve: Curve | undefined): boolean;
  read(level: Level, names: readonly string[]): void;
}

/** Single rows of a run: small ranges around the steps that people look at are read, finer and finer until a bucket holds one row. */
export class SingleRows {
  private readonly levels = new Levels(KEPT_CURVES);

  constructor(private readonly deps: SingleRowsDeps) {}

  all(): Iterable<Level> {
    return this.levels.all();
  }

  clear(): void {
    this.levels.clear();
  }

  /**
   * The bucket whose last row is in force at a step; undefined while it is being read, null when there is none.
   *
   * @param coarse levels to look in first, finest first
   * @param averaged only curves that have a moving average with the present weight count
   */
  at(name: string, step: number, coarse: readonly Level[], averaged: boolean): Found | null | undefined {
    const usable = (c: Curve | undefined): c is Curve =>
      c !== undefined &&
      !c.holes &&
      (c.toStep === null || step < c.toStep) &&
      (!averaged || c.smoothing === this.deps.wanted.weightOf(name));
    let within: Found | null = null;
    for (const level of coarse) {
      const curve = level.curves.get(name);
      if (!usable(curve)) continue;
      const i = curve.at(step);
      if (i < 0) {
        // A range includes the row before it, if there is one.
        if (level.fromStep === null || step >= level.fromStep) return null;
        continue;
      }
      if (curve.lastSteps[i]! <= step) return { curve, i };
      within ??= { curve, i };
    }
    for (let before: Level | null = null; within; ) {
      const level: Level = this.levels.open(rangeAround(within, step), BUCKETS);
      // A recording has only buckets: no finer data exists.
      if (level === before) return undefined;
      before = level;
      const curve = level.curves.get(name);
      if (!usable(curve)) {
        this.read(level, name);
        return undefined;
      }
      const i = curve.at(step);
      if (i < 0) return null;
      if (curve.lastSteps[i]! <= step) return { curve, i };
      within = { curve, i };
    }
    return undefined;
  }

  private read(level: Level, name: string): void {
    const { reading, failed, curves } = level;
    if (reading.has(name)) return;
    const names = [...new Set([name, ...this.deps.wanted.names()])];
    // After a failure the chart keeps showing the bucket's mean; the read is repeated together with the level.
    const missing = names.filter((n) => !reading.has(n) && !failed.has(n) && !this.deps.complete(n, curves.get(n)));
    this.levels.evict([level]);
    if (missing.includes(name)) this.deps.read(level, missing.slice(0, MOST_SERIES));
  }
}

/** The range read to find a row inside a bucket: about ROWS rows wide, aligned to a grid, so that neighbors share it. */
function rangeAround({ curve, i }: Found, step: number): [number, number] {
  const span = curve.lastSteps[i]! - curve.steps[i]! + 1;
  let width = ROWS;
  while (width < (ROWS * span) / curve.rows[i]!) width *= 2;
  const from = Math.floor(step / width) * width;
  return [from, from + width];
}
