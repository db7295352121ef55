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
 * What a line is drawn from between two axis values, in step order: one curve, or on a logarithmic axis first the finer ones of the first steps. One bucket beyond
 * either edge, so that lines run out of the plot instead of ending at it.
 */
export function piecesOf(line: LineSpec, map: XMap, x: readonly [number, number]): Piece[] {
  const whole = line.curve() ?? line.whole?.() ?? null;
  if (!whole || whole.count === 0) return [];
  const early = map.log ? (line.early?.() ?? []).filter((c) => c.count > 0 && c.bucketSteps < whole.bucketSteps) : [];
  const last = Math.ceil(map.stepOf(x[1]));
  let first = Math.floor(map.stepOf(x[0]));
  let begin = -1;
  const out: Piece[] = [];
  for (const curve of [...early, whole]) {
    const bucket = (step: number) => Math.floor((step - curve.firstStep) / curve.bucketSteps);
    const clamp = (i: number) => Math.min(curve.count - 1, Math.max(0, i));
    const from = clamp(bucket(first) + begin);
    const to = clamp(bucket(last) + 1);
    const end = curve.toStep ?? Number.POSITIVE_INFINITY;
    if (to >= from) out.push({ curve, from, to });
    if (end > last) break;
    // The next one goes on where this one ends.
    first = Math.max(first, end);
    begin = 0;
  }
  return out;
}
