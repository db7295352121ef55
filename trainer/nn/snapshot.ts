/** One attention snapshot as a file (layout: shared/snapshotFile.ts) and as the numbers that go into the log. */
import { serializeSafetensors, type TensorData } from '~/shared/safetensors';
import type { Attended, Batch, Example, ModelShape, Probe } from '~/trainer/types';
import { headSignals, meanOverExamples } from './probes';
import { commonSignals } from './signals';
import { softmaxRows } from './softmax';

export interface SnapshotInput {
  /** Name of the recipe. */
  recipe: string;
  runId: string | null;
  step: number;
  shape: ModelShape;
  probe: Probe;
  /** The file that holds the probe's pictures (`encodePictures`), by hash; null or left out when it has none. */
  pictures?: string | null;
  attended: Attended;
  /** Maps of the same probe in the snapshot before; null when there is none. */
  previous: Float32Array | null;
}

export interface EncodedSnapshot {
  blob: Uint8Array;
  /** Per signal [layers x heads], mean over the probe examples. */
  signals: Record<string, number[]>;
}

export function encodeSnapshot({
  recipe,
  runId,
  step,
  shape,
  probe,
  pictures,
  attended,
  previous,
}: SnapshotInput): EncodedSnapshot {
  const { layers, heads, seqLen: T, outputDim: C } = shape;
  const { size: E, labels } = probe.batch;
  const perExample = headSignals({
    maps: attended.maps,
    layers,
    heads,
    positions: T,
    causal: shape.causal ?? false,
    previous,
    signals: [...commonSignals, ...probe.describe.signals],
  });
  const perPosition = shape.output === 'position';
  const answers = perPosition ? [E, T] : [E];
  const { probabilities, argmax } = softmaxRows(attended.logits, perPosition ? C : T);
  const tensors: [string, { shape: number[]; data: TensorData }][] = [
    ['attention', { shape: [E, layers, heads, T, T], data: attended.maps }],
    ['inputs', { shape: [E, T], data: Int32Array.from(probe.describe.examples.flatMap((e) => e.labels.items.map(Number))) }],
    ['labels', { shape: answers, data: labels }],
    ['predictions', { shape: answers, data: argmax }],
    ['probabilities', { shape: perPosition ? [E, T, C] : [E, T], data: probabilities }],
  ];
  const signals: Record<string, number[]> = {};
  for (const { signal, values } of perExample) {
    const { name } = signal;
    tensors.push([`signal.${name}`, { shape: [E, layers, heads], data: values }]);
    signals[name] = meanOverExamples(values, layers * heads);
  }
  const { examples, pictures: shown } = probe.describe;
  const metadata = {
    ...(shown?.title !== undefined && { pictureSet: shown.title }),
    ...(shown?.names && { pictureClasses: JSON.stringify(shown.names) }),
    ...(examples.some((e) => e.name !== undefined) && { examples: JSON.stringify(examples.map((e) => e.name)) }),
    task: recipe,
    step: String(step),
    ...(pictures !== null && { pictures }),
    ...(runId !== null && { runId }),
  };
  return { blob: serializeSafetensors(tensors, metadata), signals };
}

/** @param first number of the batch's first example in its split */
export function examplesOf({ size, inputs, labels }: Batch, shape: ModelShape, first = 0): Example[] {
  const perInput = shape.seqLen * (shape.input === 'features' ? shape.inputDim : 1);
  const perLabel = shape.output === 'set' ? 1 : shape.seqLen;
  return Array.from({ length: size }, (_, row) => ({
    number: first + row,
    inputs: inputs.subarray(row * perInput, (row + 1) * perInput),
    labels: labels.subarray(row * perLabel, (row + 1) * perLabel),
  }));
}

/** The pictures of a probe as a file; null when it has none. */
export function encodePictures({ pictures }: Probe): Uint8Array | null {
  if (!pictures) return null;
  const { data, side } = pictures;
  return serializeSafetensors([['pictures', { shape: [data.length / (3 * side * side), side, side, 3], data }]], {});
}
