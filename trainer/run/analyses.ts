/**
 * Questions about the current parameters, answered by forward passes in evaluation mode: how much each head contributes, and whether the order of the inputs
 * matters. They do not change training. Layers and heads count from 0 here.
 */
import { ablationName } from '~/shared/analyses';
import { formatPercent } from '~/shared/numbers';
import { RandomStream } from '~/trainer/nn/random';
import type { Attended, Batch, HeadOff, Learner, ModelShape } from '~/trainer/types';

/** Named numbers, and one sentence. */
export interface Answer {
  summary: Record<string, number>;
  message: string;
}

type Attending = Pick<Learner, 'shape' | 'attend'>;

/** Number of examples for measuring the loss without heads. */
export const ablationExamples = 64;

/**
 * Loss and accuracy with heads switched off, their output replaced by zero or by its mean over batch and positions. Zero also removes the head's average
 * output, which later layers rely on; the mean removes only the effect of where the head looks.
 *
 * @param together heads to switch off at once; null = every head alone
 * @returns summary: loss, accuracy, and per head `zero.LAYER.HEAD`, `mean.LAYER.HEAD` = loss without the head minus loss; or `zero`, `mean` for all at once,
 *   with `zeroAccuracy`, `meanAccuracy`, `zeroChanged`, `meanChanged` (number of changed answers)
 */
export async function ablate(learner: Attending, batch: Batch, together: readonly HeadPlace[] | null): Promise<Answer> {
  const whole = await learner.attend(batch);
  const summary: Record<string, number> = { examples: batch.size, loss: whole.loss, accuracy: whole.accuracy };
  const without = (heads: readonly HeadPlace[], how: HeadOff['how']) =>
    learner.attend(
      batch,
      heads.map((h) => ({ ...h, how })),
    );
  if (together === null) {
    const { layers, heads } = learner.shape;
    let most = { name: '', dLoss: Number.NEGATIVE_INFINITY };
    for (let layer = 0; layer < layers; layer++)
      for (let head = 0; head < heads; head++)
        for (const how of ['zero', 'mean'] as const) {
          const dLoss = (await without([{ layer, head }], how)).loss - whole.loss;
          summary[ablationName(how, layer, head)] = dLoss;
          if (how === 'mean' && dLoss > most.dLoss) most = { name: nameOf({ layer, head }), dLoss };
        }
    return { summary, message: `every head switched off alone: ${most.name} is worth most, ${show(most.dLoss)} of loss (mean)` };
  }
  const before = answersOf(whole, learner.shape);
  for (const how of ['zero', 'mean'] as const) {
    const off = await without(together, how);
    const after = answersOf(off, learner.shape);
    summary[how] = off.loss - whole.loss;
    summary[`${how}Accuracy`] = off.accuracy;
    summary[`${how}Changed`] = after.filter((a, n) => a !== before[n]).length;
  }
  const say = (how: 'zero' | 'mean') =>
    `${how}: loss ${signed(summary[how]!)}, accuracy ${formatPercent(summary[`${how}Accuracy`]!)}, ${summary[`${how}Changed`]} of ${before.length} answers changed`;
  return {
    summary,
    message: `without ${together.map(nameOf).join(', ')} (loss ${show(whole.loss)}, accuracy ${formatPercent(whole.accuracy)} with all): ${say('mean')}; ${say('zero')}`,
  };
}

export interface HeadPlace {
  layer: number;
  head: number;
}

const nameOf = ({ layer, head }: HeadPlace): string => `layer ${layer + 1} head ${head + 1}`;

/**
 * "all", or heads as people count them, "LAYER.HEAD" from 1, separated by spaces or commas.
 * @returns null for "all"; a sentence that says what would fit if the text is invalid
 */
export function parseHeads(text: string, { layers, heads }: Pick<ModelShape, 'layers' | 'heads'>): HeadPlace[] | null | string {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  if (words.length === 1 && words[0] === 'all') return null;
  const wanted = `give "all" or heads as LAYER.HEAD from 1.1 to ${layers}.${heads}, apart by commas`;
  if (words.length === 0) return `heads: none named; ${wanted}`;
  const places: HeadPlace[] = [];
  for (const word of words) {
    const [layer, head] = (/^(\d+)\.(\d+)$/.exec(word) ?? []).slice(1).map((n) => Number(n) - 1);
    if (layer === undefined || head === undefined || layer < 0 || layer >= layers || head < 0 || head >= heads)
      return `heads: ${JSON.stringify(word).slice(0, 60)} does not fit; ${wanted}`;
    if (!places.some((p) => p.layer === layer && p.head === head)) places.push({ layer, head });
  }
  return places;
}

/** Relative to the largest logit, but at least 1: for smaller logits a difference is measured absolutely. */
const tolerance = 1e-4;
/** Outputs that vary less than this over examples and positions count as constant: the permutation check then says nothing. */
const constantBelow = 1e-3;

/**
 * Shuffles every example's items, runs the model and undoes the shuffle: a model without positions must give the same logits and maps.
 *
 * @returns summary: logitDifference, mapDifference (largest absolute), tolerance (of both), passed (1 or 0), expected (1 = this model must pass: it has no
 *   positions), outputVariation, constantOutput (1 = the outputs do not vary, so that passing says nothing)
 */
export async function permutationCheck(learner: Attending, batch: Batch, seed: number): Promise<Answer> {
  const { shape } = learner;
  const T = shape.seqLen;
  const orders = Array.from({ length: batch.size }, (_, e) => new RandomStream(seed, `permutation/${e}`).permutation(T));
  const first = await learner.attend(batch);
  const second = await learner.attend(permuted(batch, orders, shape));
  const logitDifference = differenceOfLogits(first, second, orders, shape);
  const mapDifference = differenceOfMaps(first, second, orders, shape);
  const size = Math.max(1, largest(first.logits));
  const outputVariation = variation(first.logits, shape);
  const passed = logitDifference <= tolerance * size && mapDifference <= tolerance;
  const expected = !shape.positional;
  const constant = outputVariation < constantBelow;
  const numbers = `${batch.size} examples shuffled (seed ${seed}): logits differ by at most ${show(logitDifference)}, maps by ${show(mapDifference)}`;
  const verdict = constant
    ? '; but the outputs do not vary, so this says nothing about the model'
    : expected
      ? passed
        ? ', within rounding, as a model without positions must'
        : ', though a model without positions must give the same'
      : passed
        ? ', although this model has positions: it does not use them'
        : ', as expected: this model has positions';
  return {
    summary: {
      examples: batch.size,
      logitDifference,
      mapDifference,
      tolerance: tolerance * size,
      passed: Number(passed),
      expected: Number(expected),
      outputVariation,
      constantOutput: Number(constant),
    },
    message: numbers + verdict,
  };
}

/** Item i of the shuffled example is item order[i] of the example. */
function permuted(
  { size, inputs, labels }: Batch,
  orders: readonly ArrayLike<number>[],
  { seqLen: T, input, inputDim, output }: ModelShape,
): Batch {
  const width = input === 'features' ? inputDim : 1;
  const moved = inputs.slice();
  const movedLabels = labels.slice();
  for (let e = 0; e < size; e++)
    for (let i = 0; i < T; i++) {
      const from = (e * T + orders[e]![i]!) * width;
      moved.set(inputs.subarray(from, from + width) as never, (e * T + i) * width);
      if (output === 'position') movedLabels[e * T + i] = labels[e * T + orders[e]![i]!]!;
      else if (orders[e]![i] === labels[e]) movedLabels[e] = i;
    }
  return { size, inputs: moved, labels: movedLabels };
}

function differenceOfLogits(
  a: Attended,
  b: Attended,
  orders: readonly ArrayLike<number>[],
  { seqLen: T, output, outputDim }: ModelShape,
): number {
  const width = output === 'position' ? outputDim : 1;
  let most = 0;
  orders.forEach((order, e) => {
    for (let i = 0; i < T; i++)
      for (let c = 0; c < width; c++)
        most = larger(most, Math.abs(b.logits[(e * T + i) * width + c]! - a.logits[(e * T + order[i]!) * width + c]!));
  });
  return most;
}

function differenceOfMaps(
  a: Attended,
  b: Attended,
  orders: readonly ArrayLike<number>[],
  { seqLen: T, layers, heads }: ModelShape,
): number {
  let most = 0;
  orders.forEach((order, e) => {
    for (let h = 0; h < layers * heads; h++) {
      const at = (e * layers * heads + h) * T * T;
      for (let i = 0; i < T; i++)
        for (let j = 0; j < T; j++)
          most = larger(most, Math.abs(b.maps[at + i * T + j]! - a.maps[at + order[i]! * T + order[j]!]!));
    }
  });
  return most;
}

/** Largest range of a logit over all examples and positions. */
function variation(logits: Float32Array, { output, outputDim }: ModelShape): number {
  const width = output === 'position' ? outputDim : 1;
  let most = 0;
  for (let c = 0; c < width; c++) {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let n = c; n < logits.length; n += width) {
      low = Math.min(low, logits[n]!);
      high = Math.max(high, logits[n]!);
    }
    most = larger(most, high - low);
  }
  return most;
}

function answersOf({ logits }: Attended, { seqLen: T, output, outputDim }: ModelShape): number[] {
  const width = output === 'position' ? outputDim : T;
  return Array.from({ length: logits.length / width }, (_, n) => {
    let best = 0;
    for (let c = 1; c < width; c++) if (logits[n * width + c]! > logits[n * width + best]!) best = c;
    return best;
  });
}

/** NaN counts as larger than everything. */
const larger = (a: number, b: number): number => (Number.isNaN(b) || b > a ? b : a);
const largest = (values: Float32Array): number => values.reduce((most, v) => larger(most, Math.abs(v)), 0);
const show = (v: number): string => (Number.isFinite(v) ? String(Number(v.toPrecision(3))) : String(v));
const signed = (v: number): string => (v >= 0 ? `+${show(v)}` : show(v));
