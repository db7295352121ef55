/** Signals of a run's snapshots over time: one value per head, whose number may change from one snapshot to the next. */
import { headCount, type LayerShape } from './snapshotFile';

/** Most snapshots of one question for their signals. */
export const SIGNALS_PER_QUESTION = 1000;

export interface SignalHistory {
  /** [n], ascending. */
  steps: Float64Array;
  /** [n] */
  seqs: Float64Array;
  /** The distinct shapes, and the index of each snapshot's shape, [n]. */
  shapes: LayerShape[][];
  shape: Int32Array;
  /** Values by snapshot, then layer, then head; NaN where a snapshot lacks the signal. */
  signals: { name: string; values: Float64Array }[];
}

interface Recorded {
  seq: number;
  step: number;
  layers: readonly LayerShape[];
  signals: readonly { name: string; values: readonly number[] }[];
}

/** @param snapshots ascending by step */
export function signalHistory(snapshots: readonly Recorded[]): SignalHistory {
  const keys = new Map<string, number>();
  const shapes: LayerShape[][] = [];
  const shape = Int32Array.from(snapshots, ({ layers }) => {
    const key = JSON.stringify(layers);
    const known = keys.get(key);
    if (known !== undefined) return known;
    keys.set(key, shapes.length);
    return shapes.push([...layers]) - 1;
  });
  const starts = startsOf({ shapes, shape });
  const found = new Map<string, Float64Array>();
  for (const [n, { signals }] of snapshots.entries())
    for (const { name, values } of signals) {
      const all = found.get(name) ?? new Float64Array(starts.at(-1)!).fill(Number.NaN);
      found.set(name, all);
      all.set(values.slice(0, starts[n + 1]! - starts[n]!), starts[n]!);
    }
  return {
    steps: Float64Array.from(snapshots, (s) => s.step),
    seqs: Float64Array.from(snapshots, (s) => s.seq),
    shapes,
    shape,
    signals: [...found].map(([name, values]) => ({ name, values })),
  };
}

/** Index of each snapshot's first value, then the total number of values: [n + 1]. */
export function startsOf({ shapes, shape }: Pick<SignalHistory, 'shapes' | 'shape'>): Float64Array {
  const widths = shapes.map(headCount);
  const starts = new Float64Array(shape.length + 1);
  for (let n = 0; n < shape.length; n++) starts[n + 1] = starts[n]! + widths[shape[n]!]!;
  return starts;
}

/** One signal as a block [n, most layers, most heads] for tools that need one; NaN where a snapshot lacks the head. */
export function signalBlock(all: SignalHistory, name: string): { shape: number[]; data: Float64Array } | null {
  const values = all.signals.find((s) => s.name === name)?.values;
  if (!values) return null;
  const layers = Math.max(0, ...all.shapes.map((s) => s.length));
  const heads = Math.max(0, ...all.shapes.flatMap((s) => s.map((l) => l.heads)));
  const data = new Float64Array(all.steps.length * layers * heads).fill(Number.NaN);
  let from = 0;
  for (let n = 0; n < all.steps.length; n++)
    for (const [l, { heads: own }] of all.shapes[all.shape[n]!]!.entries()) {
      data.set(values.subarray(from, from + own), (n * layers + l) * heads);
      from += own;
    }
  return { shape: [all.steps.length, layers, heads], data };
}
