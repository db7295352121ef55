import { Curve } from '~/app/_charts/curve';
import { formatDuration, formatStep, formatTick } from '~/app/_charts/format';
import { onLog, SECOND, spread, type TimeAnchor, timeline, type XMap, xMap } from '~/app/_charts/xMap';
import { stepAtLoss } from '~/app/_live/equalLoss';
import { formatValue } from '~/shared/numbers';
import { mergeBucket } from '~/shared/pyramid';

/** How several runs are aligned on one axis. */
export const alignments = ['step', 'epoch', 'time', 'equal loss'] as const;
export type Alignment = (typeof alignments)[number];

export interface Aligned {
  runId: string;
  loss: Curve | null;
  /** 0 = unknown. */
  stepsPerEpoch: number;
  /** Epochs at steps, read from the series with the role `epoch`; empty if the run has no such series. */
  epochs?: readonly TimeAnchor[];
  anchors: readonly TimeAnchor[];
}

/** Converts a run's steps to positions on the common axis, and back. */
export interface Place {
  of(step: number): number;
  back(place: number): number;
  /** The mapping changes slightly while a run is live. */
  moves?: true;
}

/** The common axis. Positions are whole numbers, as steps are, so charts treat them as steps. */
export interface Axis {
  map: XMap;
  /** null = the run cannot be shown on this axis. */
  place(runId: string): Place | null;
}

/** Both ends of the common axis: where the charts of its runs begin, and their newest steps. */
export function endsOf(
  { place }: Axis,
  runs: readonly { runId: string; first: number; view: { step: number } }[],
): [number, number] {
  const ends = runs.flatMap(({ runId, first, view }) => {
    const at = place(runId);
    return at ? [{ from: first === 0 ? 0 : at.of(first), to: at.of(view.step) }] : [];
  });
  if (ends.length === 0) return [0, 0];
  return [Math.floor(Math.min(...ends.map((e) => e.from))), Math.ceil(Math.max(...ends.map((e) => e.to)))];
}

const asItIs: Place = { of: (s) => s, back: (p) => p };

/** Positions per epoch. */
const perEpoch = 1000;

/** An axis with positions on both sides of 0 cannot be logarithmic. */
export const canBeLog = (kind: Alignment): boolean => kind !== 'equal loss';

/** Length of the first part of a logarithmic axis, in the axis's own values: one step, a hundredth of an epoch, one second. */
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
          const run = runs.find((r) => r.runId === id);
          const size = run?.stepsPerEpoch ?? 0;
          if (size === 0 && run?.epochs && run.epochs.length > 1) {
            const epochs = timeline(run.epochs);
            return { of: (s) => epochs.of(s) * perEpoch, back: (p) => epochs.stepOf(p / perEpoch), moves: true };
          }
          return size > 0 ? { of: (s) => (s * perEpoch) / size, back: (p) => (p * size) / perEpoch } : null;
        },
      };
    case 'time': {
      // The axis is that of a run that began at 0: positions are ms.
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

/** The run's own steps that correspond to a range of the axis; null = all of them. */
export function ownZoom(place: Place | null, zoom: readonly [number, number] | null): [number, number] | null {
  if (!place || !zoom) return null;
  const [a, b] = [Math.floor(place.back(zoom[0])), Math.ceil(place.back(zoom[1])) + 1];
  // A mapping that changes would give a slightly different range on every refresh: the range is rounded outwards to sixteenths.
  const unit = place.moves ? Math.max(1, 2 ** Math.floor(Math.log2(Math.max(1, b - a))) / 16) : 1;
  const from = Math.floor(a / unit) * unit;
  return [from, Math.max(from + 1, Math.ceil(b / unit) * unit)];
}

/** The curve converted to another axis: the same buckets at their positions there. */
export function carried(curve: Curve, place: Place): Curve {
  if (place === asItIs) return curve;
  const out = new Curve(curve.name, Math.max(2, curve.count), curve.toStep === null ? null : place.of(curve.toStep));
  out.bucketSteps = curve.bucketSteps;
  out.count = curve.count;
  out.total = curve.total;
  for (let i = 0; i < curve.count; i++) {
    out.steps[i] = place.of(curve.steps[i]!);
    out.lastSteps[i] = place.of(curve.lastSteps[i]!);
    mergeBucket(out.values, i, curve.values, i);
  }
  for (const column of ['rows', 'times', 'ema'] as const) out[column].set(curve[column].subarray(0, curve.count));
  return out;
}
