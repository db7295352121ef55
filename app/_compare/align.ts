import { Curve } from '~/app/_charts/curve';
import { formatDuration, formatStep, formatTick, formatValue } from '~/app/_charts/format';
import { onLog, SECOND, spread, type TimeAnchor, timeline, type XMap, xMap } from '~/app/_charts/xMap';
import { stepAtLoss } from '~/app/_live/equalLoss';
import { mergeBucket } from '~/shared/pyramid';

/** What puts several runs on one axis. */
export const alignments = ['step', 'epoch', 'time', 'equal loss'] as const;
export type Alignment = (typeof alignments)[number];

export interface Aligned {
  runId: string;
  loss: Curve | null;
  /** 0 = not known. */
  stepsPerEpoch: number;
  /** Epochs at steps, of the series with that role; empty = there is none. */
  epochs?: readonly TimeAnchor[];
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

/** A run's own steps of a range of the axis; null = all of them. */
export function ownZoom(place: Place | null, zoom: readonly [number, number] | null): [number, number] | null {
  if (!place || !zoom) return null;
  const [a, b] = [Math.floor(place.back(zoom[0])), Math.ceil(place.back(zoom[1])) + 1];
  // Places that move would ask for another range with every look: it is rounded outwards to sixteenths.
  const unit = place.moves ? Math.max(1, 2 ** Math.floor(Math.log2(Math.max(1, b - a))) / 16) : 1;
  const from = Math.floor(a / unit) * unit;
  return [from, Math.max(from + 1, Math.ceil(b / unit) * unit)];
}

/** A curve carried to another axis: its very buckets, at their places there. */
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
