import { describe, expect, it } from 'vitest';
import { publishedConfig, recipeNamed } from '~/test/support/setups';
import { builtinRecipes } from '~/trainer/recipes';
import { epochOrders } from '~/trainer/recipes/epochOrder';
import { parseSequences, reverseTask } from '~/trainer/recipes/reverse';
import type { Batch } from '~/trainer/types';

type ReverseConfig = Parameters<typeof reverseTask>[1];
const small: ReverseConfig = {
  seqLen: 5,
  numClasses: 7,
  embedding: 'learned',
  trainSize: 23,
  validationSize: 6,
  testSize: 9,
};

const examples = ({ size, inputs, labels }: Batch) => {
  const T = inputs.length / size;
  return Array.from({ length: size }, (_, e) => ({
    inputs: [...inputs.subarray(e * T, (e + 1) * T)],
    labels: [...labels.subarray(e * T, (e + 1) * T)],
  }));
};

describe('reverse', () => {
  it('has the published sizes and shape by default', async () => {
    const task = await recipeNamed('reverse').open(publishedConfig('reverse'), 'unused');
    expect(task.sizes).toEqual({ train: 50_000, validation: 1_000, test: 10_000 });
    expect(task.shape).toEqual({
      input: 'onehot',
      inputDim: 10,
      seqLen: 16,
      positional: true,
      output: 'position',
      outputDim: 10,
    });
    // drop-last: 390 whole batches of 128
    expect(Math.floor(task.sizes.train / 128)).toBe(390);
    expect(task.trainBatch(3, 389 * 128, 128).inputs).toHaveLength(128 * 16);
  });

  it('labels every example with its digits written backwards', () => {
    for (const { inputs, labels } of examples(reverseTask(7, small).trainBatch(0, 0, 23)))
      expect(labels).toEqual([...inputs].reverse());
  });

  it('shows every training example once an epoch, in an order of its own per epoch, whatever the batches', () => {
    const task = reverseTask(7, small);
    const epoch = (n: number) => examples(task.trainBatch(n, 0, 23)).map((e) => e.inputs.join(''));
    expect(epoch(1)).not.toEqual(epoch(0));
    expect([...epoch(1)].sort()).toEqual([...epoch(0)].sort());
    const inParts = [task.trainBatch(1, 0, 10), task.trainBatch(1, 10, 12), task.trainBatch(1, 22, 1)].flatMap(examples);
    expect(inParts.map((e) => e.inputs.join(''))).toEqual(epoch(1));
    // A function of seed and place: asked for again, or by another process, it is the same.
    expect(examples(reverseTask(7, small).trainBatch(1, 4, 3))).toEqual(inParts.slice(4, 7));
    expect(examples(reverseTask(8, small).trainBatch(1, 4, 3))).not.toEqual(inParts.slice(4, 7));
  });

  it('keeps validation and test apart from training and in fixed order; the last batch may be smaller', () => {
    const task = reverseTask(7, small);
    const batches = [...task.evaluationBatches('test', 4)];
    expect(batches.map((b) => b.size)).toEqual([4, 4, 1]);
    expect(batches.flatMap(examples)).toEqual([...task.evaluationBatches('test', 9)].flatMap(examples));
    const of = (split: 'train' | 'validation' | 'test') => examples([...task.evaluationBatches(split, 6)][0]!);
    expect(of('validation')).not.toEqual(of('test'));
    expect(of('validation')).not.toEqual(of('train'));
  });

  it('draws all numbers about equally often', () => {
    const counts = new Array(10).fill(0);
    const task = reverseTask(42, publishedConfig('reverse').task as ReverseConfig);
    const { inputs } = task.trainBatch(0, 0, 5_000);
    for (const digit of inputs) counts[digit]++;
    // 80,000 draws: 8,000 each, standard deviation 85; the seed is fixed.
    for (const n of counts) expect(Math.abs(n - 8_000)).toBeLessThan(4 * 85);
  });

  it('draws the same examples of a training set too large to keep', () => {
    // 5 digits x 900,000 examples are more than 2^22.
    const large = reverseTask(7, { ...small, trainSize: 900_000 });
    const order = epochOrders(7, 'reverse/order', 900_000)(0);
    const orderOfSmall = [...epochOrders(7, 'reverse/order', 23)(0)];
    const ofSmall = examples(reverseTask(7, small).trainBatch(0, 0, 23));
    for (const example of [0, 11, 22])
      expect(examples(large.trainBatch(0, order.indexOf(example), 1))).toEqual([ofSmall[orderOfSmall.indexOf(example)]]);
  });

  it('refuses a batch outside the training set', () => {
    expect(() => reverseTask(7, small).trainBatch(0, 20, 4)).toThrow('examples 20 to 23 lie outside the training set of 23');
  });

  it('probes the first of the validation set, or what people wrote', () => {
    const task = reverseTask(7, small);
    const first = task.probe(4, null);
    expect(examples(first.batch)).toEqual(examples([...task.evaluationBatches('validation', 4)][0]!));
    expect(first.describe.examples.flatMap((e) => [...e.labels.items])).toEqual([...first.batch.inputs]);
    expect(task.probe(50, null).batch.size).toBe(6);
    expect(examples(task.probe(4, ' 0 1 2 3 4;6,5, 4,3,2\n\n1 1 1 1 1 ').batch)).toEqual([
      { inputs: [0, 1, 2, 3, 4], labels: [4, 3, 2, 1, 0] },
      { inputs: [6, 5, 4, 3, 2], labels: [2, 3, 4, 5, 6] },
      { inputs: [1, 1, 1, 1, 1], labels: [1, 1, 1, 1, 1] },
    ]);
  });

  it.each([
    ['', 'there is no example in it'],
    [' ; ;\n', 'there is no example in it'],
    ['0 1 2', 'example 1 has 3 numbers'],
    ['0 1 2 3 4; 1', 'example 2 has 1 number'],
    ['0 1 2 3 7', '"7" in example 1 does not fit'],
    ['0 1 2 3 4; 0 1 x 3 4', '"x" in example 2 does not fit'],
    ['0 1 2 3 -1', '"-1" in example 1 does not fit'],
    ['0 1 2 3 1.5', '"1.5" in example 1 does not fit'],
    [Array(65).fill('0 1 2 3 4').join(';'), '65 examples are more than 64'],
  ])('refuses %j with a sentence that says what would do', (text, why) => {
    expect(() => parseSequences(text, 5, 7)).toThrow(
      new RangeError(`probeExamples: ${why}; give 5 numbers from 0 to 6 per example, examples apart by ";"`),
    );
  });
});

it('the order of an epoch is a permutation, kept while the epoch lasts', () => {
  const orderOf = epochOrders(3, 'test', 100);
  const order = orderOf(2);
  expect(orderOf(2).buffer).toBe(order.buffer);
  expect(orderOf(2, 90, 10)).toEqual(order.subarray(90));
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(orderOf(3)).not.toEqual(order);
});

it.each(builtinRecipes.map(({ spec }) => [spec.name, spec] as const))(
  'the card of %s has one sentence and a picture of its own examples',
  (_, { summary, picture = '' }) => {
    expect(summary).toMatch(/^[A-Z][^.]*\.$/);
    if (picture.startsWith('data:image/png;base64,')) {
      const file = Buffer.from(picture.slice(22), 'base64');
      // Signature, then the header with width and height.
      expect(file.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
      expect([file.readUInt32BE(16), file.readUInt32BE(20)]).toEqual([50, 50]);
    } else expect(picture).toMatch(/^<svg .*<text .*<\/svg>$/);
  },
);
