import type { Drawn } from './draw';
import { formatStep } from './format';
import type { ChartContent } from './lineLayout';
import type { ChartCursor, LineSpec } from './types';
import { describeStep } from './xMap';

interface BadgesProps {
  drawn: Drawn;
  what: Pick<ChartContent, 'lines' | 'cursor' | 'map'>;
  subscribe(listener: () => void): () => void;
}

/** Counts of values that the plot cannot show as a line. */
export function Badges({ drawn, what: { lines, cursor, map }, subscribe }: BadgesProps) {
  const first = drawn.nonFinite > 0 ? firstOdd(lines) : null;
  return (
    <>
      {drawn.nonFinite > 0 && (
        <button
          type="button"
          className="rounded bg-bad/15 px-1.5 py-0.5 text-2xs font-semibold text-bad hover:bg-bad/25"
          title={
            first === null
              ? undefined
              : `NaN or infinite values in the range shown. The first is at or after ${describeStep(map, first.from)}: go there.`
          }
          onClick={() => goToFirstOdd(lines, cursor, subscribe)}
        >
          {formatStep(drawn.nonFinite)} NaN/∞
        </button>
      )}
      {drawn.offScale > 0 && (
        <span className="px-1 text-2xs text-dim" title="Places where a line leaves the axis; marked by triangles at the edge.">
          {formatStep(drawn.offScale)} off scale
        </span>
      )}
      {drawn.hiddenByLog > 0 && (
        <span className="px-1 text-2xs text-dim" title="Values of 0 and below have no logarithm: they are not drawn.">
          {formatStep(drawn.hiddenByLog)} ≤ 0
        </span>
      )}
    </>
  );
}

/** Zooms in on the first NaN or infinite value until it is a single step, and pins that step. Gives up when the finer curve does not arrive. */
function goToFirstOdd(lines: readonly LineSpec[], cursor: ChartCursor, subscribe: (listener: () => void) => () => void): void {
  let at = firstOdd(lines);
  if (!at) return;
  const closer = () => {
    const size = at!.to - at!.from;
    if (size > 1) cursor.zoom([Math.max(cursor.startStep(), at!.from - 2 * size), at!.to + 2 * size]);
    cursor.pin(at!.from);
    return size > 1;
  };
  if (!closer()) return;
  const stop = subscribe(() => {
    const next = firstOdd(lines);
    if (!next || next.to - next.from >= at!.to - at!.from) return;
    at = next;
    if (!closer()) done();
  });
  const timer = setTimeout(stop, 5000);
  const done = () => {
    clearTimeout(timer);
    stop();
  };
}

/** Steps [from, to) of the first bucket with a NaN or infinite value. */
function firstOdd(lines: readonly LineSpec[]): { from: number; to: number } | null {
  let out: { from: number; to: number } | null = null;
  for (const line of lines) {
    const curve = line.curve();
    if (!curve) continue;
    for (let i = 0; i < curve.count; i++) {
      if (curve.values.nonFinite[i] === 0) continue;
      const from = curve.steps[i]!;
      if (!out || from < out.from) out = { from, to: curve.lastSteps[i]! + 1 };
      break;
    }
  }
  return out;
}
