/** The declared signals of every head, from the exact f32 maps. E examples, L layers, H heads, T positions; maps [E, L, H, T, T], rows are queries. */
import type { HeadMap, ProbeSignal } from './signals';

export interface SignalInput {
  maps: Float32Array;
  layers: number;
  heads: number;
  /** T */
  positions: number;
  causal: boolean;
  /** Maps of the same examples in the previous snapshot; null when there is none. */
  previous: Float32Array | null;
  signals: readonly ProbeSignal[];
}

export interface SignalValues {
  signal: ProbeSignal;
  /** [E, L, H] */
  values: Float32Array;
}

/** A signal that needs a previous snapshot, like drift, is left out when there is none. */
export function headSignals({ maps, layers, heads, positions: T, causal, previous, signals }: SignalInput): SignalValues[] {
  const cells = T * T;
  const all = maps.length / cells;
  const at: HeadMap = { queries: T, keys: T, causal, example: 0, layer: 0, head: 0, previous: null };
  const out = signals.map((signal) => ({ signal, values: new Float32Array(all) }));
  for (let n = 0; n < all; n++) {
    const own = (from: Float32Array) => from.subarray(n * cells, (n + 1) * cells);
    const place = {
      ...at,
      example: Math.floor(n / (layers * heads)),
      layer: Math.floor(n / heads) % layers,
      head: n % heads,
      previous: previous && own(previous),
    };
    const map = own(maps);
    for (const { signal, values } of out) values[n] = signal.of(map, place);
  }
  return previous ? out : out.filter(({ signal }) => !signal.needsPrevious);
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
