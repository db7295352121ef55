/** Which numbers the grid shows: an example's weights, their mean or spread over the probe examples, or how they differ from a reference. */
import { combine, type Map2, type Operation } from '~/shared/attention';
import { type AttentionSnapshot, mapsOf, overExamples } from '~/shared/attentionSnapshot';
import type { Quantity } from './scale';

export type Source = { kind: 'example'; example: number } | { kind: 'mean' | 'spread'; byRole: boolean };

/** Difference = shown minus this. `head` compares every head with one head of the same snapshot. */
export type Reference = { kind: 'snapshot'; snapshot: AttentionSnapshot } | { kind: 'head'; layer: number; head: number };

export interface HeadMaps {
  layers: number;
  heads: number;
  queries: number;
  keys: number;
  /** [L, H, Tq, Tk] */
  values: Float32Array;
  quantity: Quantity;
}

/** @throws RangeError when the reference has other heads, sizes or examples than the snapshot */
export function deriveMaps(snapshot: AttentionSnapshot, source: Source, reference: Reference | null): HeadMaps {
  const { layers, heads, queries, keys } = snapshot;
  const size = { layers, heads, queries, keys };
  const values = sourceMaps(snapshot, source);
  if (!reference) return { ...size, values, quantity: source.kind === 'spread' ? 'spread' : 'weight' };
  const out = new Float32Array(values.length);
  if (reference.kind === 'snapshot') {
    const unlike = incomparable(snapshot, reference.snapshot, source);
    if (unlike) throw new RangeError(unlike);
    const other = sourceMaps(reference.snapshot, source);
    for (let n = 0; n < out.length; n++) out[n] = values[n]! - other[n]!;
  } else {
    const cells = queries * keys;
    const at = (reference.layer * heads + reference.head) * cells;
    for (let n = 0; n < out.length; n++) out[n] = values[n]! - values[at + (n % cells)]!;
  }
  return { ...size, values: out, quantity: 'difference' };
}

/** Why two snapshots' maps cannot be subtracted cell by cell; null when they can. */
export function incomparable(a: AttentionSnapshot, b: AttentionSnapshot, source: Source): string | null {
  const size = (s: AttentionSnapshot) => [s.layers, s.heads, s.queries, s.keys].join(' x ');
  if (size(a) !== size(b))
    return `step ${a.step} has maps ${size(a)} (layers x heads x queries x keys), step ${b.step} ${size(b)}`;
  if (source.kind !== 'example') return null;
  const same = (s: AttentionSnapshot) => s.inputs.subarray(source.example * s.keys, (source.example + 1) * s.keys).join();
  if (source.example >= a.examples || source.example >= b.examples || same(a) !== same(b))
    return `probe example ${source.example + 1} is not the same at steps ${a.step} and ${b.step}`;
  return null;
}

const sourceMaps = (s: AttentionSnapshot, source: Source): Float32Array =>
  source.kind === 'example' ? mapsOf(s, source.example) : overExamples(s, source.kind, source.byRole);

/** One head's map: a view. */
export function headMap(maps: HeadMaps, layer: number, head: number): Float32Array {
  const cells = maps.queries * maps.keys;
  const at = (layer * maps.heads + head) * cells;
  return maps.values.subarray(at, at + cells);
}

/** Several heads as one map. Mean rows of weights sum to 1 again; a maximum's need not. */
export function aggregate(
  maps: HeadMaps,
  heads: readonly (readonly [layer: number, head: number])[],
  operation: Operation,
): { values: Float32Array; quantity: Quantity } {
  const selected: Map2[] = heads.map(([l, h]) => headMap(maps, l, h));
  return { values: combine(selected, operation), quantity: operation === 'std' ? 'spread' : maps.quantity };
}
