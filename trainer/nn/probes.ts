/**
 * Numbers that describe a head's map, from the exact f32 values. E examples, L layers, H heads, T positions; maps [E, L, H, T, T] row-major, rows are
 * queries and sum to 1; A = one head's map of one example. Formulas: research/attention-views.md section 5, by the numbers given below.
 */
import type { SignalName } from '~/shared/snapshotFile';

/** Per example [E, L, H]. */
export type Signals = Partial<Record<SignalName, Float32Array>>;

export interface SignalInput {
  maps: Float32Array;
  /** T */
  positions: number;
  /** Maps of the same examples in the snapshot before; null when there is none. */
  previous: Float32Array | null;
  /** Which of the task's own signals there are: `labels` [E] are the odd item's places for `odd`. */
  own: { kind: 'antiDiagonal' } | { kind: 'oddMass'; odd: Int32Array; headsPerExample: number };
}

export function headSignals({ maps, positions: T, previous, own }: SignalInput): Signals {
  const cells = T * T;
  const heads = maps.length / cells;
  const perHead = (of: (at: number, head: number) => number) => Float32Array.from({ length: heads }, (_, h) => of(h * cells, h));
  return {
    entropy: perHead((at) => entropy(maps, at, T)),
    confidence: perHead((at) => confidence(maps, at, T)),
    ...(previous && { drift: perHead((at) => drift(maps, previous, at, T)) }),
    ...(own.kind === 'antiDiagonal'
      ? { antiDiagonal: perHead((at) => antiDiagonal(maps, at, T)) }
      : { oddMass: perHead((at, h) => oddMass(maps, at, T, own.odd[Math.floor(h / own.headsPerExample)]!)) }),
  };
}

/** #1: -sum_j A ln A / ln T, mean over rows. 1 = uniform, 0 = one key takes all; a single key is uniform. */
function entropy(a: Float32Array, at: number, T: number): number {
  if (T === 1) return 1;
  let sum = 0;
  for (let c = at; c < at + T * T; c++) {
    const p = a[c]!;
    if (p !== 0) sum -= p * Math.log(p);
  }
  return sum / (T * Math.log(T));
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

/** #8: total variation to the snapshot before, mean over rows. 0 = the same map, 1 = disjoint. */
function drift(a: Float32Array, before: Float32Array, at: number, T: number): number {
  let sum = 0;
  for (let c = at; c < at + T * T; c++) sum += Math.abs(a[c]! - before[c]!);
  return sum / (2 * T);
}

/** #4: share of the mass on query i -> key T-1-i, where a reversing head looks. 1/T = uniform. */
function antiDiagonal(a: Float32Array, at: number, T: number): number {
  let on = 0;
  let all = 0;
  for (let i = 0; i < T; i++) on += a[at + i * T + T - 1 - i]!;
  for (let c = at; c < at + T * T; c++) all += a[c]!;
  return on / all;
}

/** #5: mean over the other items of what they give to the odd one. 1/T = uniform. */
function oddMass(a: Float32Array, at: number, T: number, odd: number): number {
  let sum = 0;
  for (let i = 0; i < T; i++) if (i !== odd) sum += a[at + i * T + odd]!;
  return sum / (T - 1);
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
