/** Reads the blob of an attention snapshot (layout: snapshotFile.ts): bytes in, checked arrays out. */
import { z } from 'zod';
import { parseSafetensors, SafetensorsError, type StoredTensor, type TensorData, type TensorFile } from './safetensors';
import {
  type AnswerKind,
  type AxisLabels,
  type LayerShape,
  type SignalSpec,
  type SnapshotDescription,
  snapshotDescription,
} from './snapshotFile';
import { describeOld } from './snapshotOld';
import { joinHigh, joinLow } from './snapshotPack';

/** One example's maps. */
export interface ExampleMaps {
  /** Per layer [H, Tq, Tk]. */
  layers: readonly Float32Array[];
  /** true: bit for bit as recorded; false: rounded (snapshotPack.ts), with a relative error of at most 1/256. */
  exact: boolean;
}

export interface Signal extends SignalSpec {
  /** Per layer [E, H]; null for a layer that lacks the signal. */
  values: readonly (Float32Array | null)[];
}

/** E examples; layer l has H heads, Tq queries, Tk keys of its own; A answers per example, the K likeliest ones of each. */
export interface AttentionSnapshot {
  step: number;
  examples: number;
  layers: readonly LayerShape[];
  causal: boolean;
  /** Per example; null = not read yet. */
  maps: readonly (ExampleMaps | null)[];
  /** Number format of the weights in the file. */
  stored: 'f32' | 'f16' | 'bf16';
  /** A; 0 = no targets and no predictions. */
  answers: number;
  answerKind: AnswerKind;
  /** [E, A]; -1 = none. */
  targets: Int32Array | null;
  /** ids and probabilities [E, A, best], likeliest first. */
  predictions: { ids: Int32Array; probabilities: Float32Array; best: number } | null;
  /** [E, keys] */
  scores: { values: Float32Array; keys: number } | null;
  signals: readonly Signal[];
  exampleLabels: SnapshotDescription['examples'];
  axes: readonly AxisLabels[];
  /** The control that chooses the examples; null = not declared. */
  chosenBy: { control: string; numbered: boolean } | null;
  vocabulary: ReadonlyMap<number, string>;
  words: { item: string; target: string };
  /** [count, side, side, 3] */
  pictures: { data: Uint8Array; count: number; side: number } | null;
  picturesTitle: string | null;
  pictureNames: readonly string[];
  /** Hash of the file that holds the pictures; null when the snapshot has none or carries them itself. */
  picturesFile: string | null;
}

const fail = (why: string): never => {
  throw new SafetensorsError(`attention snapshot: ${why}`);
};

/**
 * Reads a whole snapshot, in the plain form or the form of version 0.1.
 * @param picturesFile the bytes of the file that `picturesFile` names; null: the pictures are left out
 * @throws SafetensorsError naming the tensor or field that is missing or does not match the others
 */
export function parseAttentionSnapshot(bytes: Uint8Array, picturesFile: Uint8Array | null = null): AttentionSnapshot {
  const file = parseSafetensors(bytes);
  const snapshot = readSnapshot(file, 'whole');
  return picturesFile ? withPictures(snapshot, picturesFile) : snapshot;
}

/**
 * @param maps 'whole': the maps are in the file; 'apart': they are read later, one example at a time
 * @throws SafetensorsError as above
 */
export function readSnapshot(file: TensorFile, maps: 'whole' | 'apart'): AttentionSnapshot {
  const { tensors, description } = described(file);
  const { layers, examples: labels, axes } = description;
  const E = labels.length;
  const take = takeFrom(tensors);

  for (const [e, { keys, queries }] of labels.entries())
    for (const axis of [keys, queries])
      if (axis !== null && axis >= axes.length) fail(`examples.${e} names axis ${axis}, there are ${axes.length}`);

  const stored = maps === 'whole' ? readMaps(take, tensors, layers, E) : { stored: 'f32' as const, maps: labels.map(() => null) };
  const targets = tensors.has('targets') ? take('targets', Int32Array, [E, null]) : null;
  const ids = tensors.has('predictions.ids') ? take('predictions.ids', Int32Array, [E, targets?.shape[1] ?? null, null]) : null;
  const probabilities = ids && take('predictions.probabilities', Float32Array, ids.shape);
  const scores = tensors.has('scores') ? take('scores', Float32Array, [E, null]) : null;
  const signals = description.signals.map((spec): Signal => {
    const values = layers.map((layer, l) => {
      const name = `signal.${spec.name}.${l}`;
      return tensors.has(name) ? take(name, Float32Array, [E, layer.heads]).data : null;
    });
    return { ...spec, values };
  });
  const { pictures } = description;
  return {
    step: description.step,
    examples: E,
    layers,
    causal: description.causal,
    ...stored,
    answers: targets?.shape[1] ?? ids?.shape[1] ?? 0,
    answerKind: description.answers ?? { kind: 'numbers' },
    targets: targets?.data ?? null,
    predictions: ids && probabilities && { ids: ids.data, probabilities: probabilities.data, best: ids.shape[2]! },
    scores: scores && { values: scores.data, keys: scores.shape[1]! },
    signals,
    exampleLabels: labels,
    axes,
    chosenBy: description.chosenBy ? { numbered: false, ...description.chosenBy } : null,
    vocabulary: new Map(description.vocabulary),
    words: { item: description.words?.item ?? 'position', target: description.words?.target ?? 'target' },
    pictures: tensors.has('pictures') ? readPictures(take, axes) : null,
    picturesTitle: pictures?.title ?? null,
    pictureNames: pictures?.names ?? [],
    picturesFile: pictures?.file ?? null,
  };
}

/** The tensors under the names of version 2, and the file's description of itself. */
function described(file: TensorFile): { tensors: Map<string, StoredTensor>; description: SnapshotDescription } {
  const own = file.metadata.headroom;
  if (own === undefined) return describeOld(file, fail);
  let json: unknown;
  try {
    json = JSON.parse(own);
  } catch {
    return fail('metadata "headroom" is not JSON');
  }
  const parsed = snapshotDescription.safeParse(json);
  if (!parsed.success) return fail(`metadata "headroom": ${z.prettifyError(parsed.error).slice(0, 500)}`);
  return { tensors: file.tensors, description: parsed.data };
}

type Take = <T extends TensorData>(
  name: string,
  type: new (n: number) => T,
  shape: readonly (number | null)[],
) => { shape: number[]; data: T; dtype: StoredTensor['dtype'] };

const takeFrom =
  (tensors: ReadonlyMap<string, StoredTensor>): Take =>
  <T extends TensorData>(name: string, type: new (n: number) => T, shape: readonly (number | null)[]) => {
    const t = tensors.get(name) ?? fail(`tensor "${name}" is missing`);
    if (!(t.data instanceof type)) fail(`tensor "${name}" has dtype ${t.dtype}`);
    if (t.shape.length !== shape.length || shape.some((n, i) => n !== null && n !== t.shape[i]))
      fail(`tensor "${name}" has shape [${t.shape.join(', ')}], expected [${shape.map((n) => n ?? 'any').join(', ')}]`);
    return { shape: t.shape, data: t.data as T, dtype: t.dtype };
  };

function readMaps(
  take: Take,
  tensors: ReadonlyMap<string, StoredTensor>,
  layers: readonly LayerShape[],
  examples: number,
): Pick<AttentionSnapshot, 'stored' | 'maps'> {
  const joined = joinedMaps(tensors, layers, examples);
  if (joined.length > 0) {
    const all = new Map(joined);
    return { stored: 'f32' as const, maps: readMaps(takeFrom(all), all, layers, examples).maps };
  }
  const whole = layers.map(({ heads, queries, keys }, l) =>
    take(`attention.${l}`, Float32Array, [examples, heads, queries, keys]),
  );
  const dtypes = new Set(layers.map((_, l) => tensors.get(`attention.${l}`)!.dtype));
  const stored = dtypes.has('F16') ? 'f16' : dtypes.has('BF16') ? 'bf16' : 'f32';
  const maps = Array.from({ length: examples }, (_, e): ExampleMaps => {
    const own = whole.map(({ data }) => {
      const size = data.length / examples;
      return data.subarray(e * size, (e + 1) * size);
    });
    return { layers: own, exact: true };
  });
  return { stored, maps };
}

/** `attention.<l>` of a packed file; empty when the file already has them. */
export function joinedMaps(
  tensors: ReadonlyMap<string, StoredTensor>,
  layers: readonly LayerShape[],
  examples: number,
): [string, StoredTensor][] {
  if (!tensors.has('high.0')) return [];
  const whole = layers.map((l) => new Float32Array(examples * l.heads * l.queries * l.keys));
  for (let e = 0; e < examples; e++) {
    const half = (name: string) => tensors.get(`${name}.${e}`)?.data as Uint8Array;
    const weights = joinLow(joinHigh(half('high')), half('low'));
    exampleMaps(layers, weights, true).layers.forEach((own, l) => void whole[l]!.set(own, e * own.length));
  }
  return layers.map(({ heads, queries, keys }, l) => [
    `attention.${l}`,
    { dtype: 'F32', shape: [examples, heads, queries, keys], data: whole[l]! },
  ]);
}

function readPictures(take: Take, axes: readonly AxisLabels[]): AttentionSnapshot['pictures'] {
  const { shape, data } = take('pictures', Uint8Array, [null, null, null, 3]);
  const [count, side, width] = shape as [number, number, number, number];
  if (side !== width) fail(`tensor "pictures" has shape [${shape.join(', ')}]: pictures are square`);
  for (const axis of axes)
    if (axis.kind === 'pictures' && axis.items.some((i) => i >= count))
      fail(`an axis names a picture outside the ${count} of "pictures"`);
  return { data, count, side };
}

/** Adds the pictures of the file that `picturesFile` names. @throws SafetensorsError when the file holds too few, or none */
export function withPictures(s: AttentionSnapshot, file: Uint8Array): AttentionSnapshot {
  return { ...s, pictures: readPictures(takeFrom(parseSafetensors(file).tensors), s.axes) };
}

/** Views of one example's weights, which lie layer after layer in one array. */
export function exampleMaps(layers: readonly LayerShape[], weights: Float32Array, exact: boolean): ExampleMaps {
  let at = 0;
  const views = layers.map(({ heads, queries, keys }) => {
    const from = at;
    at += heads * queries * keys;
    return weights.subarray(from, at);
  });
  if (at !== weights.length) fail(`an example has ${weights.length} weights, its layers ${at}`);
  return { layers: views, exact };
}

/** Whether the maps of an example have been read; null = of all examples. */
export const hasMaps = (s: AttentionSnapshot, example: number | null, exact = false): boolean =>
  example === null
    ? s.maps.every((m) => m !== null && (m.exact || !exact))
    : ((m) => m !== null && m !== undefined && (m.exact || !exact))(s.maps[Math.min(example, s.examples - 1)]);

const mapsAt = (s: AttentionSnapshot, example: number): ExampleMaps => {
  const maps = s.maps[example];
  if (!maps) throw new RangeError(`step ${s.step}: the maps of example ${example} have not been read`);
  return maps;
};

/** All maps of one example, per layer [H, Tq, Tk]: views. @throws RangeError when they have not been read */
export const mapsOf = (s: AttentionSnapshot, example: number): readonly Float32Array[] => mapsAt(s, example).layers;

/** The map of one head of one example, [Tq, Tk]: a view. @throws RangeError when it has not been read */
export function mapOf(s: AttentionSnapshot, example: number, layer: number, head: number): Float32Array {
  const { queries, keys } = s.layers[layer]!;
  return mapsAt(s, example).layers[layer]!.subarray(head * queries * keys, (head + 1) * queries * keys);
}
