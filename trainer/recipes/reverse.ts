/** Reverse: the network writes a sequence of digits backwards. Every example is a function of (seed, split, index). */
import { z } from 'zod';
import { maxProbeExamples, networkMemory, recipeConfig, usual } from '~/trainer/base/config';
import type { Split } from '~/trainer/base/splits';
import { RandomStream } from '~/trainer/nn/random';
import { distanceSignal, patternSignal } from '~/trainer/nn/signals';
import type { Batch, Task } from '~/trainer/types';
import { accent, drawing, ink, letter, side } from './card';
import { defineRecipe } from './define';
import { epochOrders } from './epochOrder';

const size = (title: string, most: number) =>
  z.int().min(1).max(most).meta({ title, 'x-unit': 'examples', 'x-source': tutorial });
const tutorial = 'UvA deep learning tutorial 6 (P. Lippe)';

const task = z.strictObject({
  seqLen: z
    .int()
    .min(1)
    .max(512)
    .meta({ title: 'Sequence length', 'x-unit': 'numbers', 'x-usual': [4, 64], 'x-source': tutorial }),
  numClasses: z.int().min(2).max(256).meta({
    title: 'Different numbers',
    'x-flag': 'classes',
    description: 'A sequence is made of 0 to one less than this.',
    'x-source': tutorial,
  }),
  embedding: z.enum(['onehot', 'learned']).meta({
    title: 'Embedding',
    description: 'onehot: numbers as columns of a table; learned: each has a vector of its own.',
  }),
  trainSize: size('Training examples', 10_000_000),
  validationSize: size('Validation examples', 1_000_000),
  testSize: size('Test examples', 1_000_000),
});

const config = recipeConfig(task, { batchSize: { 'x-atMost': 'task.trainSize' } });
type ReverseConfig = z.infer<typeof task>;

const published: z.infer<typeof config> = {
  ...usual,
  task: { seqLen: 16, numClasses: 10, embedding: 'onehot', trainSize: 50_000, validationSize: 1_000, testSize: 10_000 },
  model: { layers: 1, heads: 1, modelDim: 32, dropout: 0, inputDropout: 0 },
  schedule: { kind: 'cosine', warmupSteps: 50, maxSteps: null },
  clip: { mode: 'norm', threshold: 5 },
  batchSize: 128,
  epochs: 10,
};

/** The first numbers of the training examples, and the same backwards. */
function picture(): string {
  const numbers = Array.from({ length: 5 }, (_, t) => String(new RandomStream(usual.seed, 'reverse/train').integer(t, 10)));
  const x = (t: number) => (side * (t + 0.5)) / numbers.length;
  return drawing(
    ...numbers.map(
      (_, t) =>
        `<line x1="${x(t)}" y1="15" x2="${x(numbers.length - 1 - t)}" y2="41" stroke="${accent}" stroke-opacity="0.8" stroke-width="1.5"/>`,
    ),
    ...numbers.flatMap((number, t) => [letter(number, x(t), 11, ink), letter(number, x(numbers.length - 1 - t), 53, accent)]),
  );
}

export const reverse = defineRecipe({
  name: 'reverse',
  title: 'Reverse',
  summary: 'Writes a sequence of numbers backwards: the smallest task that needs attention, learned to 100 % within a minute.',
  picture: picture(),
  config,
  presets: [
    { name: 'published', title: 'Published set-up', config: published, demo: true },
    {
      name: 'quick',
      title: 'Quick look',
      config: { ...published, task: { ...published.task, trainSize: 10_000, testSize: 1_000 }, epochs: 2 },
    },
  ],
  memory: networkMemory('task.seqLen'),
  open: ({ config, seed }) => reverseTask(seed, config.task),
});

export function reverseTask(seed: number, config: ReverseConfig): Task {
  const { seqLen, numClasses } = config;
  const sizes: Record<Split, number> = { train: config.trainSize, validation: config.validationSize, test: config.testSize };
  const streams: Record<Split, RandomStream> = {
    train: new RandomStream(seed, 'reverse/train'),
    validation: new RandomStream(seed, 'reverse/validation'),
    test: new RandomStream(seed, 'reverse/test'),
  };
  const kept = keptDigits(streams.train, sizes.train * seqLen, numClasses);
  const orderOf = epochOrders(seed, 'reverse/order', config.trainSize);

  /** Example `indexOf(row)` of the split in each row; ids [size, T], labels the ids backwards. */
  const examples = (split: Split, size: number, indexOf: (row: number) => number): Batch => {
    const inputs = new Int32Array(size * seqLen);
    for (let row = 0; row < size; row++) {
      const first = indexOf(row) * seqLen;
      for (let t = 0; t < seqLen; t++) inputs[row * seqLen + t] = streams[split].integer(first + t, numClasses);
    }
    return { size, inputs, labels: backwards(inputs, seqLen) };
  };

  return {
    shape: {
      input: config.embedding,
      inputDim: numClasses,
      seqLen,
      positional: true,
      output: 'position',
      outputDim: numClasses,
    },
    sizes,
    data: null,
    probeHelp: `${seqLen} numbers from 0 to ${numClasses - 1} per example, examples apart by ";".`,
    chanceLoss: Math.log(numClasses),
    trainBatch(epoch, index, size) {
      const order = orderOf(epoch, index, size);
      if (!kept) return examples('train', size, (row) => order[row]!);
      const inputs = new Int32Array(size * seqLen);
      for (let row = 0; row < size; row++) {
        const first = order[row]! * seqLen;
        for (let t = 0; t < seqLen; t++) inputs[row * seqLen + t] = kept[first + t]!;
      }
      return { size, inputs, labels: backwards(inputs, seqLen) };
    },
    *evaluationBatches(split, size) {
      for (let first = 0; first < sizes[split]; first += size)
        yield examples(split, Math.min(size, sizes[split] - first), (row) => first + row);
    },
    probe(size, chosen) {
      const batch =
        chosen === null
          ? examples('validation', Math.min(size, sizes.validation), (row) => row)
          : written(parseSequences(chosen, seqLen, numClasses), seqLen);
      return {
        batch,
        describe: {
          examples: Array.from({ length: batch.size }, (_, e) => {
            const items = Array.from(batch.inputs.subarray(e * seqLen, (e + 1) * seqLen));
            return { labels: { kind: 'numbers' as const, items } };
          }),
          words: { item: 'position' },
          signals: [
            patternSignal('antiDiagonal', { meaning: 'weight on the mirrored position: what reversing needs', main: true }),
            patternSignal('diagonal'),
            patternSignal('previous'),
            patternSignal('next'),
            patternSignal('first'),
            distanceSignal,
          ],
        },
      };
    },
    notation: (_split, examples) => examples.map(({ inputs }) => inputs.join(' ')).join('; '),
  };
}

function written(sequences: number[][], seqLen: number): Batch {
  const inputs = Int32Array.from(sequences.flat());
  return { size: sequences.length, inputs, labels: backwards(inputs, seqLen) };
}

function backwards(inputs: Int32Array, seqLen: number): Int32Array {
  const labels = new Int32Array(inputs.length);
  for (let first = 0; first < inputs.length; first += seqLen)
    for (let t = 0; t < seqLen; t++) labels[first + t] = inputs[first + seqLen - 1 - t]!;
  return labels;
}

/** Drawing 2,048 digits takes 0.2 ms, 3 % of a step; a set that fits is drawn once instead. null = too large to keep. */
function keptDigits(stream: RandomStream, count: number, numClasses: number): Uint8Array | null {
  if (count > 2 ** 22) return null;
  const digits = new Uint8Array(count);
  for (let i = 0; i < count; i++) digits[i] = stream.integer(i, numClasses);
  return digits;
}

/**
 * "3 1 4 1; 5 9 2 6": examples separated by ";" or a new line, numbers by spaces or commas.
 * @throws RangeError that names the example, what is wrong with it and what would fit
 */
export function parseSequences(text: string, seqLen: number, numClasses: number): number[][] {
  const fail = (why: string): never => {
    throw new RangeError(
      `probeExamples: ${why}; give ${seqLen} numbers from 0 to ${numClasses - 1} per example, examples apart by ";"`,
    );
  };
  const lines = text
    .split(/[;\n]/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (lines.length === 0) fail('there is no example in it');
  if (lines.length > maxProbeExamples) fail(`${lines.length} examples are more than ${maxProbeExamples}`);
  return lines.map((line, i) => {
    const words = line.split(/[\s,]+/).filter((word) => word !== '');
    const numbers = words.map((word) => {
      if (!/^\d+$/.test(word) || Number(word) >= numClasses) fail(`"${word}" in example ${i + 1} does not fit`);
      return Number(word);
    });
    if (numbers.length !== seqLen) fail(`example ${i + 1} has ${numbers.length} number${numbers.length === 1 ? '' : 's'}`);
    return numbers;
  });
}
