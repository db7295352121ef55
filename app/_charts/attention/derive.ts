/** The numbers that the grid shows: weights of one example, their mean or spread over the probe examples, or the difference from a reference. */
import { formatStep } from '~/app/_charts/format';
import { exampleKey, overExamples } from '~/shared/aboutSnapshot';
import { combine, type Map2, type MapSize, type Operation } from '~/shared/attention';
import { type AttentionSnapshot, mapsOf } from '~/shared/attentionSnapshot';
import type { LayerShape } from '~/shared/snapshotFile';
import type { Quantity } from './scale';

export type Source = { kind: 'example'; example: number } | { kind: 'mean' | 'spread'; byTarget: boolean };

/** Difference = maps shown minus this. `head` compares every head whose map has the same size with one head of the same snapshot. */
export type Reference = { kind: 'snapshot'; snapshot: AttentionSnapshot } | { kind: 'head'; layer: number; head: number };

/** Every head's map. Each layer has its own number of heads and map size. */
export interface HeadMaps {
  layers: readonly LayerShape[];
  causal: boolean;
  /** Per layer [H, Tq, Tk]. */
  values: readonly Float32Array[];
  quantity: Quantity;
}

/** @throws RangeError when the reference has other heads, sizes or examples than the snapshot, or maps have not been read */
export function deriveMaps(snapshot: AttentionSnapshot, source: Source, reference: Reference | null): HeadMaps {
  const { layers, causal } = snapshot;
  const values = sourceMaps(snapshot, source);
  const shown: HeadMaps = { layers, causal, values, quantity: source.kind === 'spread' ? 'spread' : 'weight' };
  if (!reference) return shown;
  if (reference.kind === 'snapshot') {
    const unlike = incomparable(snapshot, reference.snapshot, source);
    if (unlike) throw new RangeError(unlike);
    return minus(shown, sourceMaps(reference.snapshot, source));
  }
  const other = headMap(shown, reference.layer, reference.head);
  const size = layers[reference.layer]!;
  return {
    ...shown,
    quantity: 'difference',
    // A map of another size cannot be compared: it stays blank.
    values: values.map((own, l) =>
      sameSize(layers[l]!, size)
        ? own.map((v, n) => v - other[n % other.length]!)
        : new Float32Array(own.length).fill(Number.NaN),
    ),
  };
}

/** Maps minus others of the same shape, cell by cell. */
export const minus = (maps: HeadMaps, others: readonly Float32Array[]): HeadMaps => ({
  ...maps,
  quantity: 'difference',
  values: maps.values.map((own, l) => own.map((v, n) => v - others[l]![n]!)),
});

export const sameSize = (a: MapSize, b: MapSize): boolean => a.queries === b.queries && a.keys === b.keys;

/** Whether all maps of all layers have one size, and the layers one number of heads. */
export const allAlike = (layers: readonly LayerShape[]): boolean =>
  layers.every((l) => l.heads === layers[0]!.heads && sameSize(l, layers[0]!));

export const sameShape = (a: readonly LayerShape[], b: readonly LayerShape[]): boolean =>
  a.length === b.length && a.every((l, i) => l.heads === b[i]!.heads && sameSize(l, b[i]!));

/** The same shape and names: a layout made for one snapshot is right for the other. */
export const sameLayers = (a: readonly LayerShape[], b: readonly LayerShape[]): boolean =>
  sameShape(a, b) && a.every((l, i) => l.name === b[i]!.name);

/** What lines are drawn from: a spread is not a weight, the mean is used instead. */
export const asWeights = (source: Source): Source => (source.kind === 'spread' ? { ...source, kind: 'mean' } : source);

const shapeWords = ({ layers }: AttentionSnapshot): string => {
  const of = (l: LayerShape) => `${l.heads} heads of ${l.queries} × ${l.keys}`;
  return allAlike(layers) ? `${layers.length} layers of ${of(layers[0]!)}` : layers.map((l) => `${l.name}: ${of(l)}`).join('; ');
};

/** Why the maps of two snapshots cannot be subtracted cell by cell; null when they can. */
export function incomparable(a: AttentionSnapshot, b: AttentionSnapshot, source: Source): string | null {
  if (!sameShape(a.layers, b.layers))
    return `step ${formatStep(a.step)} has ${shapeWords(a)}, step ${formatStep(b.step)} has ${shapeWords(b)}`;
  if (source.kind !== 'example') return null;
  const { example } = source;
  if (example >= a.examples || example >= b.examples || exampleKey(a, example) !== exampleKey(b, example))
    return `probe example ${example + 1} is not the same at steps ${a.step} and ${b.step}`;
  return null;
}

const sourceMaps = (s: AttentionSnapshot, source: Source): readonly Float32Array[] =>
  source.kind === 'example' ? mapsOf(s, source.example) : overExamples(s, source.kind, source.byTarget);

/** One head's map, as a view on `maps`. */
export function headMap(maps: HeadMaps, layer: number, head: number): Float32Array {
  const { queries, keys } = maps.layers[layer]!;
  const cells = queries * keys;
  return maps.values[layer]!.subarray(head * cells, (head + 1) * cells);
}

/** Size of a layer's maps, and whether they are causal. */
export const mapSize = (maps: Pick<HeadMaps, 'layers' | 'causal'>, layer: number): Required<MapSize> => {
  const { queries, keys } = maps.layers[layer]!;
  return { queries, keys, causal: maps.causal };
};

type Head = readonly [layer: number, head: number];

/** The heads, of those given, that share the most common map size; of two equally common sizes, the later layer's. */
function ofOneSize(maps: Pick<HeadMaps, 'layers'>, heads: readonly Head[]): { layer: number; heads: readonly Head[] } {
  const groups = new Map<string, Head[]>();
  for (const head of heads) {
    const { queries, keys } = maps.layers[head[0]]!;
    const key = `${queries}x${keys}`;
    groups.set(key, [...(groups.get(key) ?? []), head]);
  }
  const largest = [...groups.values()].reduce<Head[]>((most, group) => (group.length >= most.length ? group : most), []);
  return { layer: largest.at(-1)?.[0] ?? 0, heads: largest };
}

/** Combines heads with maps of equal size into one map. Rows of a mean of weights sum to 1 again; rows of a maximum need not. */
export function aggregate(
  maps: HeadMaps,
  heads: readonly Head[],
  operation: Operation,
): { values: Float32Array; quantity: Quantity } {
  const selected: Map2[] = heads.map(([l, h]) => headMap(maps, l, h));
  return { values: combine(selected, operation), quantity: operation === 'std' ? 'spread' : maps.quantity };
}

/** The map of one head; without one, of several combined: those of the given heads that share the most common size. */
export function mapOfHeads(
  maps: HeadMaps,
  head: { layer: number; head: number } | null,
  given: readonly Head[],
  operation: Operation,
): { layer: number; heads: readonly Head[]; values: Float32Array; quantity: Quantity } {
  if (head)
    return {
      layer: head.layer,
      heads: [[head.layer, head.head]],
      values: headMap(maps, head.layer, head.head),
      quantity: maps.quantity,
    };
  const alike = ofOneSize(maps, given);
  return { ...alike, ...aggregate(maps, alike.heads, operation) };
}
