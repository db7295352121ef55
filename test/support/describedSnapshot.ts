/** Snapshots in the plain form of version 2, as any client may write them. */
import { serializeSafetensors, type TensorData } from '~/shared/safetensors';
import type { LayerShape, SnapshotDescription } from '~/shared/snapshotFile';
import { seeded } from '~/test/support/seeded';

type Tensor = { data: Int32Array; shape: number[] };

export interface Described extends Partial<Omit<SnapshotDescription, 'layers' | 'version'>> {
  layers: LayerShape[];
  /** One array per layer, [E, H, Tq, Tk]; default: random rows that sum to 1, masked if causal. */
  weights?: Float32Array[];
  targets?: Tensor;
  predictions?: { ids: Int32Array; probabilities: Float32Array; shape: number[] };
  scores?: Float32Array;
  /** One array per signal and layer, [E, H]. */
  signalValues?: Record<string, Float32Array[]>;
  seed?: number;
}

/** Softmax rows over the keys that each query may look at. */
export function randomWeights(
  { heads, queries, keys }: LayerShape,
  examples: number,
  causal: boolean,
  seed: number,
): Float32Array {
  const random = seeded(seed);
  const out = new Float32Array(examples * heads * queries * keys);
  for (let row = 0; row < examples * heads * queries; row++) {
    const visible = causal ? Math.max(1, Math.min(keys, (row % queries) + 1 + keys - queries)) : keys;
    const exps = Array.from({ length: visible }, () => Math.exp(3 * random()));
    const sum = exps.reduce((a, b) => a + b, 0);
    for (let j = 0; j < visible; j++) out[row * keys + j] = exps[j]! / sum;
  }
  return out;
}

export function describedSnapshot(d: Described): Uint8Array {
  const { layers, weights, targets, predictions, scores, signalValues = {}, seed = 1, ...rest } = d;
  const description: SnapshotDescription = {
    version: 2,
    step: 0,
    causal: false,
    examples: [{ keys: null, queries: null }],
    axes: [],
    signals: [],
    ...rest,
    layers,
  };
  const E = description.examples.length;
  const tensors: [string, { shape: number[]; data: TensorData }][] = layers.map((layer, l) => [
    `attention.${l}`,
    {
      shape: [E, layer.heads, layer.queries, layer.keys],
      data: weights?.[l] ?? randomWeights(layer, E, description.causal, seed + l),
    },
  ]);
  if (targets) tensors.push(['targets', targets]);
  if (predictions) {
    tensors.push(['predictions.ids', { shape: predictions.shape, data: predictions.ids }]);
    tensors.push(['predictions.probabilities', { shape: predictions.shape, data: predictions.probabilities }]);
  }
  if (scores) tensors.push(['scores', { shape: [E, scores.length / E], data: scores }]);
  for (const [name, values] of Object.entries(signalValues))
    values.forEach((data, l) => void tensors.push([`signal.${name}.${l}`, { shape: [E, layers[l]!.heads], data }]));
  return serializeSafetensors(tensors, { headroom: JSON.stringify(description) });
}
