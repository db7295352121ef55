import type { Curve } from './curve';
import type { LineSpec } from './types';
import type { XMap } from './xMap';

/** Buckets from..to (both included) of a curve. */
export interface Piece {
  curve: Curve;
  from: number;
  to: number;
}

/**
 * The buckets of a line between two axis values, in step order: from one curve, or on a logarithmic axis first from the finer curves of the first steps.
 * One bucket beyond either edge is included, so that lines continue to the edge of the plot.
 */
export function piecesOf(line: LineSpec, map: XMap, x: readonly [number, number]): Piece[] {
  const whole = line.curve() ?? line.whole?.() ?? null;
  if (!whole || whole.count === 0) return [];
  const early =
    map.log && whole.dense ? (line.early?.() ?? []).filter((c) => c.count > 0 && c.bucketSteps < whole.bucketSteps) : [];
  const last = Math.ceil(map.stepOf(x[1]));
  let first = Math.floor(map.stepOf(x[0]));
  let begin = true;
  const out: Piece[] = [];
  for (const curve of [...early, whole]) {
    const end = curve.toStep ?? Number.POSITIVE_INFINITY;
    const before = curve.at(first);
    const from = begin ? Math.max(0, before - 1) : before >= 0 && curve.lastSteps[before]! >= first ? before : before + 1;
    const to = Math.min(curve.count - 1, curve.at(last) + 1);
    if (to >= from) out.push({ curve, from, to });
    if (end > last) break;
    // The next curve starts where this one ends.
    first = Math.max(first, end);
    begin = false;
  }
  return out;
}
