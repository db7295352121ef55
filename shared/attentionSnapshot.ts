/** Reads the blob of an attention snapshot (layout: snapshotFile.ts): bytes in, checked arrays out. */
import { oddLast, reorder } from './attention';
import { parseSafetensors, SafetensorsError, type StoredTensor, serializeSafetensors } from './safetensors';

/** E examples, L layers, H heads, Tq queries, Tk keys, C classes. */
export interface AttentionSnapshot {
  task: 'reverse' | 'anomaly';
  step: number;
  examples: number;
  layers: number;
  heads: number;
  queries: number;
  keys: number;
  /** [E, L, H, Tq, Tk] */
  attention: Float32Array;
  /** [E, T] digits, or indices into `pictures`. */
  inputs: Int32Array;
  /** Answers per example: T for reverse, 1 for sets. */
  answers: number;
  /** [E, answers] */
  labels: Int32Array;
  predictions: Int32Array;
  /** [E, answers, choices] */
  probabilities: Float32Array;
  choices: number;
  /** Per signal [E, L, H]. */
  signals: Record<string, Float32Array>;
  /** [n, side, side, 3] */
  pictures: { data: Uint8Array; count: number; side: number } | null;
  metadata: Record<string, string>;
  /** What keeping it costs. */
  bytes: number;
}

/** The file that holds the snapshot's pictures, by hash; null when it has none, or carries them itself. */
export const picturesNamed = (bytes: Uint8Array): string | null => parseSafetensors(bytes).metadata.pictures ?? null;

/** The snapshot as one file that carries its pictures, for those who take it elsewhere. */
export function withPictures(bytes: Uint8Array, picturesFile: Uint8Array): Uint8Array {
  const { tensors, metadata } = parseSafetensors(bytes);
  const { pictures: _named, ...rest } = metadata;
  return serializeSafetensors([...tensors, ...parseSafetensors(picturesFile).tensors], rest);
}

/**
 * @param picturesFile the bytes that `picturesNamed` names
 * @throws SafetensorsError naming the tensor that is missing or does not fit the others
 */
export function parseAttentionSnapshot(bytes: Uint8Array, picturesFile: Uint8Array | null = null): AttentionSnapshot {
  const { tensors, metadata } = parseSafetensors(bytes);
  const fail = (why: string): never => {
    throw new SafetensorsError(`attention snapshot: ${why}`);
  };
  const take = <T extends StoredTensor['data']>(
    name: string,
    type: new (n: number) => T,
    rank: number,
  ): { shape: number[]; data: T } => {
    const t = tensors.get(name) ?? fail(`tensor "${name}" is missing`);
    if (!(t.data instanceof type)) fail(`tensor "${name}" has dtype ${t.dtype}`);
    if (t.shape.length !== rank) fail(`tensor "${name}" has shape [${t.shape.join(', ')}], ${rank} dimensions are needed`);
    return { shape: t.shape, data: t.data as T };
  };
  const same = (name: string, shape: readonly number[], wanted: readonly number[]) => {
    if (shape.join() !== wanted.join()) fail(`tensor "${name}" has shape [${shape.join(', ')}], expected [${wanted.join(', ')}]`);
  };

  const task =
    metadata.task === 'reverse' || metadata.task === 'anomaly'
      ? metadata.task
      : fail(`task ${JSON.stringify(metadata.task)} is not known`);
  const step = Number(metadata.step);
  if (!Number.isSafeInteger(step) || step < 0) fail(`step ${JSON.stringify(metadata.step)} is not a step`);

  const attention = take('attention', Float32Array, 5);
  const [examples, layers, heads, queries, keys] = attention.shape as [number, number, number, number, number];
  if (attention.data.length === 0) fail(`tensor "attention" has shape [${attention.shape.join(', ')}]: nothing in it`);
  const inputs = take('inputs', Int32Array, 2);
  same('inputs', inputs.shape, [examples, keys]);
  const perPosition = task === 'reverse';
  const labels = take('labels', Int32Array, perPosition ? 2 : 1);
  const answers = perPosition ? labels.shape[1]! : 1;
  same('labels', labels.shape, perPosition ? [examples, queries] : [examples]);
  const predictions = take('predictions', Int32Array, labels.shape.length);
  same('predictions', predictions.shape, labels.shape);
  const probabilities = take('probabilities', Float32Array, perPosition ? 3 : 2);
  const choices = probabilities.shape.at(-1)!;
  same('probabilities', probabilities.shape, [...labels.shape, perPosition ? choices : keys]);

  const signals: Record<string, Float32Array> = {};
  for (const name of tensors.keys())
    if (name.startsWith('signal.')) {
      const signal = take(name, Float32Array, 3);
      same(name, signal.shape, [examples, layers, heads]);
      signals[name.slice('signal.'.length)] = signal.data;
    }

  let pictures: AttentionSnapshot['pictures'] = null;
  const apart = picturesFile && parseSafetensors(picturesFile).tensors.get('pictures');
  if (apart) tensors.set('pictures', apart);
  else if (metadata.pictures) fail(`its pictures, file ${metadata.pictures.slice(0, 12)}..., are missing`);
  if (tensors.has('pictures')) {
    const p = take('pictures', Uint8Array, 4);
    const [count, side] = p.shape as [number, number, number, number];
    same('pictures', p.shape, [count, side, side, 3]);
    if (inputs.data.some((i) => i < 0 || i >= count)) fail(`tensor "inputs" names a picture outside the ${count} of "pictures"`);
    pictures = { data: p.data, count, side };
  }
  return {
    task,
    step,
    examples,
    layers,
    heads,
    queries,
    keys,
    attention: attention.data,
    inputs: inputs.data,
    answers,
    labels: labels.data,
    predictions: predictions.data,
    probabilities: probabilities.data,
    choices,
    signals,
    pictures,
    metadata,
    bytes: bytes.length,
  };
}

/** The map of one head of one example: a view, not a copy. */
export function mapOf(s: AttentionSnapshot, example: number, layer: number, head: number): Float32Array {
  const cells = s.queries * s.keys;
  const at = ((example * s.layers + layer) * s.heads + head) * cells;
  return s.attention.subarray(at, at + cells);
}

/** All maps of one example, [L, H, Tq, Tk]: a view. */
export function mapsOf(s: AttentionSnapshot, example: number): Float32Array {
  const size = s.layers * s.heads * s.queries * s.keys;
  return s.attention.subarray(example * size, (example + 1) * size);
}

/** Answers that are wrong: per example how many. */
export function mistakes(s: AttentionSnapshot): Int32Array {
  const out = new Int32Array(s.examples);
  for (let n = 0; n < s.labels.length; n++) if (s.labels[n] !== s.predictions[n]) out[Math.floor(n / s.answers)]! += 1;
  return out;
}

/** Place of the odd item per example; null for tasks without one. */
export const oddPositions = (s: AttentionSnapshot): Int32Array | null => (s.task === 'anomaly' ? s.labels : null);

/**
 * Mean or spread (population standard deviation) of all maps over the probe examples, [L, H, Tq, Tk].
 * @param byRole sets only: every example's odd item is moved to the last row and column first, so that equal roles meet
 */
export function overExamples(s: AttentionSnapshot, operation: 'mean' | 'spread', byRole: boolean): Float32Array {
  const odd = byRole ? oddPositions(s) : null;
  const cells = s.queries * s.keys;
  const size = s.layers * s.heads * cells;
  const sum = new Float64Array(size);
  const squares = operation === 'spread' ? new Float64Array(size) : null;
  for (let e = 0; e < s.examples; e++) {
    const order = odd && oddLast(s.keys, odd[e]!);
    for (let h = 0; h < s.layers * s.heads; h++) {
      const at = e * size + h * cells;
      const raw = s.attention.subarray(at, at + cells);
      const map = order ? reorder(raw, s, order) : raw;
      for (let n = 0; n < cells; n++) {
        const v = map[n]!;
        sum[h * cells + n]! += v;
        if (squares) squares[h * cells + n]! += v * v;
      }
    }
  }
  return Float32Array.from(sum, (total, n) => {
    const mean = total / s.examples;
    return squares ? Math.sqrt(Math.max(0, squares[n]! / s.examples - mean * mean)) : mean;
  });
}
