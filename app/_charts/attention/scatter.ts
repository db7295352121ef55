/** Heads as points of two signals, each with its path over the steps. */
import { allHeads, type HeadId, type Layers } from './selection';

/** One signal of all heads at every recorded step. */
export interface Signal {
  /** [n] ascending. */
  steps: ArrayLike<number>;
  /** [n, heads of all layers] row by row; NaN = that snapshot lacks it. */
  values: ArrayLike<number>;
}

export interface Trail {
  id: HeadId;
  /** One point per step up to the one shown; the last is the head's current position. Steps without both signals are left out. */
  points: readonly (readonly [x: number, y: number])[];
}

/** The path of every head up to `step`. Both signals must have the same steps. */
export function trailsOf(x: Signal, y: Signal, layers: Layers, step: number): Trail[] {
  const heads = allHeads(layers);
  const width = heads.length;
  return heads.map((id, h) => {
    const points: [number, number][] = [];
    for (let n = 0; n < x.steps.length && x.steps[n]! <= step; n++) {
      const [px, py] = [x.values[n * width + h]!, y.values[n * width + h]!];
      if (Number.isFinite(px) && Number.isFinite(py)) points.push([px, py]);
    }
    return { id, points };
  });
}

/** Corners in the units of the signals, in any order. */
export type Brush = readonly [from: readonly [number, number], to: readonly [number, number]];

/** Heads whose current position is inside the brush, edges included. */
export function brushed(trails: readonly Trail[], [a, b]: Brush): HeadId[] {
  const within = (v: number, p: number, q: number) => v >= Math.min(p, q) && v <= Math.max(p, q);
  return trails.flatMap(({ id, points }) => {
    const at = points.at(-1);
    return at && within(at[0], a[0], b[0]) && within(at[1], a[1], b[1]) ? [id] : [];
  });
}

/** Ends of an axis that contain every point of all paths, with some margin; a declared range is used as it is. */
export function axisRange(trails: readonly Trail[], axis: 0 | 1, range: readonly [number, number] | null): [number, number] {
  if (range) return [range[0], range[1]];
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { points } of trails)
    for (const p of points) {
      low = Math.min(low, p[axis]);
      high = Math.max(high, p[axis]);
    }
  return padded(low, high, 0.05);
}

/** A range with a share of it added at both ends; 0 to 1 where there are no values (low > high). */
export function padded(low: number, high: number, share: number): [number, number] {
  if (low > high) return [0, 1];
  const room = (high - low) * share || Math.abs(high) * 0.1 || 1;
  return [low - room, high + room];
}

/** At most `most` of the points, evenly spaced, including the first and the last. */
export function thinned<P>(points: readonly P[], most: number): P[] {
  if (points.length <= most) return [...points];
  return Array.from({ length: most }, (_, i) => points[Math.round((i * (points.length - 1)) / (most - 1))]!);
}
