import { Curve } from '~/app/_charts/curve';
import { formatDuration, formatStep, formatTick, formatValue } from '~/app/_charts/format';
import { middle } from '~/app/_charts/strokes';
import { onLog, SECOND, spread, type TimeAnchor, timeline, type XMap, xMap } from '~/app/_charts/xMap';
import { mergeBucket } from '~/shared/pyramid';

/** What puts several runs on one axis. */
export const alignments = ['step', 'epoch', 'time', 'equal loss'] as const;
export type Alignment = (typeof alignments)[number];

export interface Aligned {
  runId: string;
  loss: Curve | null;
  stepsPerEpoch: number;
  anchors: readonly TimeAnchor[];
}

/** Where a run's steps lie on the common axis, and back. */
export interface Place {
  of(step: number): number;
  back(place: number): number;
  /** Moves a little as a live run goes on. */
  moves?: true;
}

/** The common axis: places on it are whole numbers, as steps are, so that charts need to know nothing of it. */
export interface Axis {
  map: XMap;
  /** null = the run cannot be put on this axis. */
  place(runId: string): Place | null;
}

const asItIs: Place = { of: (s) => s, back: (p) => p };

/** Places per epoch. */
const perEpoch = 1000;

/** Places on both sides of 0 have no logarithm. */
export const canBeLog = (kind: Alignment): boolean => kind !== 'equal loss';

/** What the first stretch of a logarithmic axis is, in its own values: a step, a hundredth of an epoch, a second. */
const firstUnit: Record<Alignment, number> = { step: 1, epoch: 0.01, time: SECOND, 'equal loss': 1 };

export function axisOf(kind: Alignment, runs: readonly Aligned[], lossLevel: number | null, log = false): Axis {
  const axis = plainAxis(kind, runs, lossLevel);
  return log && canBeLog(kind) ? { ...axis, map: onLog(axis.map, firstUnit[kind]) } : axis;
}

function plainAxis(kind: Alignment, runs: readonly Aligned[], lossLevel: number | null): Axis {
  switch (kind) {
    case 'step':
      return { map: xMap('step', 0, []), place: () => asItIs };
    case 'epoch':
      return {
        map: {
          ...scaled('epoch', perEpoch),
          tick: formatTick,
          ticks: spread,
          say: (v) => `epoch ${formatValue(v / perEpoch, 4)}`,
        },
        place: (id) => {
          const size = runs.find((r) => r.runId === id)?.stepsPerEpoch ?? 0;
          return size > 0 ? { of: (s) => (s * perEpoch) / size, back: (p) => (p * size) / perEpoch } : null;
        },
      };
    case 'time': {
      // The axis is that of any run that began at 0: places are ms.
      const clock = xMap('relative', 0, [
        { step: 0, at: 0 },
        { step: 1, at: 1 },
      ]);
      return {
        map: { ...clock, ...scaled('time', 1), tick: formatDuration, say: (v) => formatDuration(v) },
        place: (id) => {
          const anchors = runs.find((r) => r.runId === id)?.anchors ?? [];
          if (anchors.length < 2) return null;
          const times = timeline(anchors);
          const first = Math.min(...anchors.map((a) => a.step));
          const begin = times.of(first);
          return { of: (s) => times.of(s) - begin, back: (p) => times.stepOf(p + begin), moves: true };
        },
      };
    }
    case 'equal loss': {
      const reached = new Map(runs.map((r) => [r.runId, r.loss && lossLevel !== null ? stepAtLoss(r.loss, lossLevel) : null]));
      const latest = Math.max(0, ...[...reached.values()].filter((s) => s !== null));
      return {
        map: {
          ...scaled('steps', 1, latest),
          tick: formatTick,
          ticks: (a, b, n) => spread(a, b, n).filter(Number.isInteger),
          say: (v) => `${formatStep(v - latest)} steps from equal loss`,
        },
        place: (id) => {
          const own = reached.get(id) ?? null;
          return own === null ? null : { of: (s) => s - own + latest, back: (p) => p + own - latest };
        },
      };
    }
  }
}

const scaled = (label: string, factor: number, shift = 0) => ({
  kind: 'step' as const,
  places: true as const,
  label,
  of: (v: number) => (v - shift) / factor,
  stepOf: (x: number) => x * factor + shift,
});

/** Where the loss stands at the end of a bucket: its moving average, which a single lucky batch does not move much; the bucket's mean where there is none. */
const lossAt = (loss: Curve, i: number): number => (Number.isNaN(loss.ema[i]!) ? loss.mean(i) : loss.ema[i]!);

/** First step by which the (smoothed) loss is at or below `level`; null = never. */
export function stepAtLoss(loss: Curve, level: number): number | null {
  for (let i = 0; i < loss.count; i++) if (loss.rows[i]! > 0 && lossAt(loss, i) <= level) return Math.round(middle(loss, i));
  return null;
}

/** The lowest (smoothed) loss that every run has reached; null when one has none. */
export function commonLoss(runs: readonly Aligned[]): number | null {
  let worst = Number.NEGATIVE_INFINITY;
  for (const { loss } of runs) {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < (loss?.count ?? 0); i++) if (loss!.rows[i]! > 0 && lossAt(loss!, i) < best) best = lossAt(loss!, i);
    worst = Math.max(worst, best);
  }
  return Number.isFinite(worst) ? worst : null;
}

/** A run's own steps of a range of the axis; null = all of them. */
export function ownZoom(place: Place | null, zoom: readonly [number, number] | null): [number, number] | null {
  if (!place || !zoom) return null;
  const [a, b] = [Math.max(0, Math.floor(place.back(zoom[0]))), Math.ceil(place.back(zoom[1])) + 1];
  // Places that move would ask for another range with every look: it is rounded outwards to sixteenths.
  const unit = place.moves ? Math.max(1, 2 ** Math.floor(Math.log2(Math.max(1, b - a))) / 16) : 1;
  const from = Math.floor(a / unit) * unit;
  return [from, Math.max(from + 1, Math.ceil(b / unit) * unit)];
}

/** A curve carried to another axis: its buckets in new, equally wide ones, each extreme kept. */
export function carried(curve: Curve, place: Place): Curve {
  if (place === asItIs) return curve;
  const from = place.of(curve.firstStep);
  const to = place.of(Math.max(curve.headStep, curve.firstStep + 1));
  const out = new Curve(curve.name, Math.max(2, curve.count), curve.toStep === null ? null : place.of(curve.toStep), from);
  out.bucketSteps = Math.max((to - from) / Math.max(1, (curve.headStep - curve.firstStep) / curve.bucketSteps), Number.MIN_VALUE);
  out.headStep = to;
  // Where the pace changes some of the new buckets stay empty; a step that the run lacks still breaks the line.
  const first = curve.rows.findIndex((n) => n > 0);
  out.sparse = !curve.rows.subarray(first, curve.count).includes(0);
  for (let i = 0; i < curve.count; i++) {
    if (curve.rows[i] === 0) continue;
    const at = (place.of(middle(curve, i)) - from) / out.bucketSteps;
    const j = Math.min(out.capacity - 1, Math.max(0, Math.floor(at + 1e-9)));
    mergeBucket(out.values, j, curve.values, i);
    if (!Number.isNaN(curve.ema[i]!)) out.ema[j] = curve.ema[i]!;
    out.rows[j]! += curve.rows[i]!;
    out.count = Math.max(out.count, j + 1);
  }
  return out;
}
