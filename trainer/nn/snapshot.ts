/** One attention snapshot as a file (layout: shared/snapshotFile.ts) and as numbers for the log. */
import type { SnapshotEvent } from '~/shared/events';
import { serializeSafetensors } from '~/shared/safetensors';
import type { LayerShape, SnapshotDescription } from '~/shared/snapshotFile';
import { type NamedTensor, packSnapshot } from '~/shared/snapshotPack';
import type { Attended, Batch, Example, ModelShape, Probe } from '~/trainer/types';
import { headSignals, meanOverExamples, type SignalValues } from './probes';
import { commonSignals } from './signals';
import { softmaxRows } from './softmax';

export interface SnapshotInput {
  step: number;
  shape: ModelShape;
  probe: Probe;
  /** Hash of the file with the probe's pictures (`encodePictures`); left out when the probe has none. */
  pictures?: string | null;
  attended: Attended;
  /** Maps of the same probe in the previous snapshot; null when there is none. */
  previous: Float32Array | null;
  /** Compresses one piece of the file; `squeeze`: with more effort. */
  gzip(bytes: Uint8Array, squeeze: boolean): Promise<Uint8Array>;
}

export interface EncodedSnapshot extends Pick<SnapshotEvent, 'layers' | 'examples' | 'signals'> {
  blob: Uint8Array;
}

export async function encodeSnapshot(input: SnapshotInput): Promise<EncodedSnapshot> {
  const { step, shape, probe, attended, previous } = input;
  const { heads, seqLen: T } = shape;
  const { size: E } = probe.batch;
  const perExample = headSignals({
    maps: attended.maps,
    layers: shape.layers,
    heads,
    positions: T,
    causal: shape.causal ?? false,
    previous,
    signals: [...commonSignals, ...probe.describe.signals],
  });
  const layers = Array.from({ length: shape.layers }, (_, l): LayerShape => {
    return { name: `layer ${l + 1}`, heads, queries: T, keys: T };
  });
  const answers = answersOf(input);
  const tensors: NamedTensor[] = [...answers.tensors];
  for (const { signal, values } of perExample)
    for (let l = 0; l < shape.layers; l++)
      tensors.push([`signal.${signal.name}.${l}`, { shape: [E, heads], data: ofLayer(values, l, shape) }]);
  const description = describe(input, layers, perExample, answers.ids);
  const cells = attended.maps.length / E;
  const maps = Array.from({ length: E }, (_, e) => attended.maps.subarray(e * cells, (e + 1) * cells));
  return {
    blob: await packSnapshot({ description, tensors, maps }, input.gzip),
    layers,
    examples: E,
    signals: perExample.map(({ signal: { name, role }, values }) => ({
      name,
      ...(role && { role }),
      values: meanOverExamples(values, shape.layers * heads),
    })),
  };

  function describe(
    { probe: { describe: own, pictures: data }, pictures }: SnapshotInput,
    shapes: LayerShape[],
    signals: readonly SignalValues[],
    ids: readonly Int32Array[],
  ): SnapshotDescription {
    const size = { queries: T, keys: T, causal: shape.causal ?? false };
    const kind = own.answers ?? { kind: shape.output === 'set' ? ('keys' as const) : ('numbers' as const) };
    const used = new Set<number>();
    for (const { labels } of own.examples) if (labels.kind === 'tokens') for (const id of labels.items) used.add(id);
    if (kind.kind === 'tokens') for (const list of ids) for (const id of list) if (id >= 0) used.add(id);
    const { tokenText } = own;
    return {
      version: 2,
      step,
      layers: shapes,
      causal: size.causal,
      examples: own.examples.map(({ name }, e) => ({ ...(name !== undefined && { name }), keys: e, queries: e })),
      axes: own.examples.map(({ labels }) => labels),
      ...(tokenText && { vocabulary: [...used].sort((a, b) => a - b).map((id): [number, string] => [id, tokenText(id)]) }),
      answers: kind,
      chosenBy: { control: 'probeExamples', ...(own.numbered && { numbered: true }) },
      ...(own.words && { words: own.words }),
      signals: signals.map(({ signal: { name, title, meaning, range, baseline, names, role, main } }) => ({
        name,
        title,
        meaning,
        range,
        baseline: baseline(size),
        ...(names && { names }),
        ...(role && { role }),
        ...(main && { main }),
      })),
      ...((data || own.pictures) && {
        pictures: {
          ...(own.pictures?.title !== undefined && { title: own.pictures.title }),
          ...(own.pictures?.names && { names: [...own.pictures.names] }),
          ...(pictures && { file: pictures }),
        },
      }),
    };
  }
}

/** [E, L, H] -> one layer's [E, H]. */
function ofLayer(values: Float32Array, layer: number, { layers, heads }: ModelShape): Float32Array {
  const examples = values.length / (layers * heads);
  const out = new Float32Array(examples * heads);
  for (let e = 0; e < examples; e++) {
    const at = (e * layers + layer) * heads;
    out.set(values.subarray(at, at + heads), e * heads);
  }
  return out;
}

/** Targets, likeliest answers and, for sets, the score of every item. */
function answersOf({ shape, probe, attended }: SnapshotInput): { tensors: NamedTensor[]; ids: Int32Array[] } {
  const { size: E, labels } = probe.batch;
  const ofSet = shape.output === 'set';
  const width = ofSet ? shape.seqLen : shape.outputDim;
  const A = ofSet ? 1 : shape.seqLen;
  const best = Math.min(width, probe.describe.best ?? 1);
  const { probabilities } = softmaxRows(attended.logits, width);
  const likeliest = topOf(attended.logits, probabilities, width, best);
  const tensors: NamedTensor[] = [
    ['targets', { shape: [E, A], data: labels }],
    ['predictions.ids', { shape: [E, A, best], data: likeliest.ids }],
    ['predictions.probabilities', { shape: [E, A, best], data: likeliest.probabilities }],
  ];
  if (ofSet) tensors.push(['scores', { shape: [E, width], data: probabilities }]);
  return { tensors, ids: [labels, likeliest.ids] };
}

/** The `best` largest of each row of `width`, largest first; of equal values the first one first. */
function topOf(
  logits: Float32Array,
  probabilities: Float32Array,
  width: number,
  best: number,
): { ids: Int32Array; probabilities: Float32Array } {
  const rows = logits.length / width;
  const out = { ids: new Int32Array(rows * best), probabilities: new Float32Array(rows * best) };
  const order: number[] = [];
  for (let r = 0; r < rows; r++) {
    const at = r * width;
    order.length = 0;
    // Insertion into a short list, because `best` is small compared with the width.
    for (let c = 0; c < width; c++) {
      let i = order.length;
      while (i > 0 && logits[at + c]! > logits[at + order[i - 1]!]!) i--;
      if (i >= best) continue;
      order.splice(i, 0, c);
      if (order.length > best) order.pop();
    }
    order.forEach((c, i) => {
      out.ids[r * best + i] = c;
      out.probabilities[r * best + i] = probabilities[at + c]!;
    });
  }
  return out;
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
