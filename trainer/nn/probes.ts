/**
 * Numbers that describe a head's map, from the exact f32 values. E examples, L layers, H heads, T positions; maps [E, L, H, T, T] row-major, rows are
 * queries and sum to 1; A = one head's map of one example. Formulas: research/attention-views.md section 5, by the numbers given below.
 */
import type { Example, Signal } from '~/trainer/types';

/** Per example [E, L, H]. */
export type Signals = Record<string, Float32Array>;

export interface SignalInput {
  maps: Float32Array;
  /** T */
  positions: number;
  /** Row t attends to keys 0 .. t only. */
  causal?: boolean;
  /** L * H */
  headsPerExample: number;
  /** Maps of the same examples in the snapshot before; null when there is none. */
  previous: Float32Array | null;
  /** The task's own, and the examples that they look at: [E]. */
  own: readonly Signal[];
  examples: readonly Pick<Example, 'inputs' | 'labels'>[];
}

/** Those that every snapshot has, beside the task's own. */
export const commonSignals = (T: number, causal = false): Omit<Signal, 'of'>[] => [
  {
    name: 'entropy',
    title: 'entropy',
    meaning: 'How widely a head looks, mean over its queries: 1 = evenly at every key it can see, 0 = at one key.',
    range: [0, 1],
    baseline: 1,
  },
  {
    name: 'confidence',
    title: 'confidence',
    meaning: 'The largest weight of each query, mean over the queries.',
    range: [0, 1],
    baseline: evenConfidence(T, causal),
  },
  {
    name: 'drift',
    title: 'drift',
    meaning:
      'How far the map moved since the snapshot before (total variation, mean over the queries): 0 = not at all, 1 = to other keys entirely.',
    range: [0, 1],
    baseline: null,
  },
];

export function headSignals({
  maps,
  positions: T,
  causal = false,
  headsPerExample,
  previous,
  own,
  examples,
}: SignalInput): Signals {
  const cells = T * T;
  const heads = maps.length / cells;
  const perHead = (of: (at: number, head: number) => number) => Float32Array.from({ length: heads }, (_, h) => of(h * cells, h));
  const signals: Signals = {
    entropy: perHead((at) => entropy(maps, at, T, causal)),
    confidence: perHead((at) => confidence(maps, at, T)),
    ...(previous && { drift: perHead((at) => drift(maps, previous, at, T, causal)) }),
  };
  for (const { name, of } of own)
    signals[name] = perHead((at, h) => of(maps.subarray(at, at + cells), T, examples[Math.floor(h / headsPerExample)]!));
  return signals;
}

/**
 * #1: -sum_j A ln A / ln n, mean over rows; n = keys that the row can see. 1 = uniform, 0 = one key takes all. A row that sees a single key has no choice and
 * does not count; where all are such, the map is uniform.
 */
function entropy(a: Float32Array, at: number, T: number, causal: boolean): number {
  if (T === 1) return 1;
  if (!causal) {
    let sum = 0;
    for (let c = at; c < at + T * T; c++) {
      const p = a[c]!;
      if (p !== 0) sum -= p * Math.log(p);
    }
    return sum / (T * Math.log(T));
  }
  let sum = 0;
  for (let i = 1; i < T; i++) {
    let row = 0;
    for (let c = at + i * T; c <= at + i * T + i; c++) {
      const p = a[c]!;
      if (p !== 0) row -= p * Math.log(p);
    }
    sum += row / Math.log(i + 1);
  }
  return sum / (T - 1);
}

/** #3: mean over rows of the largest entry. 1/T = uniform. */
function confidence(a: Float32Array, at: number, T: number): number {
  let sum = 0;
  for (let row = at; row < at + T * T; row += T) {
    let most = 0;
    for (let c = row; c < row + T; c++) most = Math.max(most, a[c]!);
    sum += most;
  }
  return sum / T;
}

/** #8: total variation to the snapshot before, mean over the rows that see more than one key. 0 = the same map, 1 = disjoint. */
function drift(a: Float32Array, before: Float32Array, at: number, T: number, causal: boolean): number {
  let sum = 0;
  for (let c = at; c < at + T * T; c++) sum += Math.abs(a[c]! - before[c]!);
  return sum / (2 * (causal ? Math.max(1, T - 1) : T));
}

/** Confidence of a head that attends evenly to every key it can see. */
function evenConfidence(T: number, causal: boolean): number {
  if (!causal) return 1 / T;
  let sum = 0;
  for (let i = 0; i < T; i++) sum += 1 / (i + 1);
  return sum / T;
}

/** [E, L, H] -> mean over the examples, [L x H]. */
export function meanOverExamples(perExample: Float32Array, headsPerExample: number): number[] {
  const examples = perExample.length / headsPerExample;
  return Array.from({ length: headsPerExample }, (_, h) => {
    let sum = 0;
    for (let e = 0; e < examples; e++) sum += perExample[e * headsPerExample + h]!;
    return sum / examples;
  });
}
