/** Maps with known answers, and whole snapshots made of them. */
import { serializeSafetensors } from '~/shared/safetensors';
import { softmaxRows } from './softmax';

export const identity = (T: number) => Float32Array.from({ length: T * T }, (_, n) => (Math.floor(n / T) === n % T ? 1 : 0));
export const mirror = (T: number) =>
  Float32Array.from({ length: T * T }, (_, n) => (Math.floor(n / T) + (n % T) === T - 1 ? 1 : 0));
export const uniform = (Tq: number, Tk = Tq) => new Float32Array(Tq * Tk).fill(1 / Tk);
export const column = (T: number, key: number) => Float32Array.from({ length: T * T }, (_, n) => (n % T === key ? 1 : 0));
/** Every query looks at the previous position; the first query looks at itself. */
export const shifted = (T: number) =>
  Float32Array.from({ length: T * T }, (_, n) => (n % T === Math.max(0, Math.floor(n / T) - 1) ? 1 : 0));

/** Rows are the softmax of normal logits. */
export function noise(Tq: number, Tk: number, random: () => number, spread = 1): Float32Array {
  const logits = Float32Array.from(
    { length: Tq * Tk },
    () => spread * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
  return softmaxRows(logits, Tk);
}

export interface SnapshotParts {
  task?: 'reverse' | 'anomaly';
  step?: number;
  layers: number;
  heads: number;
  keys: number;
  /** Number of queries; default: the number of keys. */
  queries?: number;
  /** One array per example, [L, H, Tq, Tk]. */
  examples: Float32Array[];
  inputs?: number[][];
  labels?: number[][];
  predictions?: number[][];
  signals?: Record<string, number[]>;
  pictures?: { data: Uint8Array; count: number; side: number };
  /** Hash of the pictures' file. */
  picturesFile?: string;
}

/** A snapshot's blob as the trainer writes it. Defaults: inputs 0, 1, 2 ..., the right label, and an equal prediction. */
export function snapshotBytes(p: SnapshotParts): Uint8Array {
  const { task = 'reverse', step = 0, layers, heads, keys: T, queries: Q = p.keys } = p;
  const E = p.examples.length;
  const inputs = p.inputs ?? p.examples.map(() => Array.from({ length: T }, (_, i) => i % 10));
  const labels =
    p.labels ??
    (task === 'reverse'
      ? inputs.map((row) => Array.from({ length: Q }, (_, i) => row[(T - 1 - i + Q * T) % T]!))
      : inputs.map((_, e) => [e % T]));
  const predictions = p.predictions ?? labels;
  const answers = task === 'reverse' ? Q : 1;
  const choices = task === 'reverse' ? 10 : T;
  const probabilities = new Float32Array(E * answers * choices);
  for (const [n, right] of predictions.flat().entries())
    for (let c = 0; c < choices; c++) probabilities[n * choices + c] = c === right ? 0.91 : 0.09 / (choices - 1);
  const attention = new Float32Array(E * layers * heads * Q * T);
  p.examples.forEach((maps, e) => {
    attention.set(maps, e * layers * heads * Q * T);
  });
  const answerShape = task === 'reverse' ? [E, Q] : [E];
  return serializeSafetensors(
    [
      ['attention', { shape: [E, layers, heads, Q, T], data: attention }],
      ['inputs', { shape: [E, T], data: Int32Array.from(inputs.flat()) }],
      ['labels', { shape: answerShape, data: Int32Array.from(labels.flat()) }],
      ['predictions', { shape: answerShape, data: Int32Array.from(predictions.flat()) }],
      ['probabilities', { shape: [...answerShape, choices], data: probabilities }],
      ...Object.entries(p.signals ?? {}).map(
        ([name, values]) => [`signal.${name}`, { shape: [E, layers, heads], data: Float32Array.from(values) }] as const,
      ),
      ...(p.pictures
        ? [['pictures', { shape: [p.pictures.count, p.pictures.side, p.pictures.side, 3], data: p.pictures.data }] as const]
        : []),
    ],
    { task, step: String(step), ...(p.picturesFile && { pictures: p.picturesFile }) },
  );
}

export const joined = (...maps: Float32Array[]): Float32Array => {
  const out = new Float32Array(maps.reduce((n, m) => n + m.length, 0));
  let at = 0;
  for (const m of maps) {
    out.set(m, at);
    at += m.length;
  }
  return out;
};
