/** Text: a causal language model that predicts the next character of a text file. */
import { z } from 'zod';
import { networkMemory, recipeConfig, usual } from '~/trainer/base/config';
import type { Split } from '~/trainer/base/splits';
import { RandomStream } from '~/trainer/nn/random';
import { distanceSignal, patternSignal } from '~/trainer/nn/signals';
import type { Batch, Task } from '~/trainer/types';
import { accent, drawing, letter, side } from './card';
import { builtinText } from './corpus/builtin';
import { continuations } from './corpus/continuations';
import { type Corpus, loadCorpus } from './corpus/corpus';
import { parseTexts, shown, writeTexts } from './corpus/notation';
import { inductionSignal } from './corpus/signals';
import { defineRecipe } from './define';
import { epochOrders } from './epochOrder';

const task = z.strictObject({
  file: z.string().max(1024).meta({
    title: 'Text file',
    description:
      'Path of a UTF-8 text (.txt, .md and the like) on the trainer’s machine. The first 90 % are for training, then 5 % for validation and 5 % for the test.',
    'x-format': 'file',
    'x-empty': 'the built-in text',
  }),
  seqLen: z
    .int()
    .min(2)
    .max(512)
    .meta({
      title: 'Sequence length',
      description: 'Characters that the network sees at once; each position predicts the character after it.',
      'x-unit': 'characters',
      'x-usual': [16, 128],
    }),
  embedding: z.enum(['onehot', 'learned']).meta({
    title: 'Embedding',
    description: 'onehot: characters as columns of a table; learned: each has a vector of its own.',
  }),
  sampleEverySteps: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .nullable()
    .meta({
      title: 'Write every',
      description: 'How often the network writes a text by itself.',
      'x-unit': 'steps',
      'x-null': 'never',
      'x-group': 'Recording',
      'x-usual': [100, 10_000],
    }),
  sampleLength: z
    .int()
    .min(1)
    .max(2000)
    .meta({
      title: 'Written text',
      description: 'Characters that the network writes; each is one forward pass.',
      'x-unit': 'characters',
      'x-group': 'Recording',
      'x-usual': [20, 300],
    }),
});
type TextConfig = z.infer<typeof task>;

const config = recipeConfig(task);
const published: z.infer<typeof config> = {
  ...usual,
  task: { file: '', seqLen: 64, embedding: 'learned', sampleEverySteps: 500, sampleLength: 120 },
  model: { layers: 2, heads: 4, modelDim: 64, dropout: 0, inputDropout: 0 },
  optimizer: { ...usual.optimizer, learningRate: 3e-3 },
  schedule: { kind: 'cosine', warmupSteps: 50, maxSteps: null },
  clip: { mode: 'norm', threshold: 1 },
  batchSize: 32,
  epochs: 20,
  probeSize: 4,
};

/** The begin of the built-in text, and the character to predict. */
function picture(): string {
  const shown = builtinText().slice(0, 23);
  const [columns, pitch] = [8, side / 8];
  return drawing(
    ...Array.from(shown, (character, i) => letter(character, pitch * ((i % columns) + 0.5), 14 + 16 * Math.floor(i / columns))),
    `<rect x="${side - pitch}" y="36" width="${pitch}" height="14" rx="1" fill="${accent}"/>`,
  );
}

export const text = defineRecipe({
  name: 'text',
  title: 'Next character',
  summary: 'A causal language model on a text file: each position sees what came before it and predicts the next character.',
  picture: picture(),
  config,
  presets: [
    { name: 'built-in', title: 'Built-in text', config: published },
    {
      name: 'quick',
      title: 'Quick look',
      config: {
        ...published,
        task: { ...published.task, seqLen: 32, sampleEverySteps: 100, sampleLength: 60 },
        model: { ...published.model, layers: 1, heads: 2, modelDim: 32 },
        epochs: 2,
      },
    },
  ],
  memory: networkMemory('task.seqLen'),
  open: async ({ config: { task: own }, seed }) => textTask(seed, own, await loadCorpus(own.file)),
});

export function textTask(
  seed: number,
  { seqLen: T, embedding, sampleEverySteps, sampleLength }: TextConfig,
  corpus: Corpus,
): Task {
  const { characters, parts, title } = corpus;
  const classes = characters.length;
  const windows = (split: Split) => Math.floor((parts[split].length - 1) / T);
  // One window fewer than would fit, so that every epoch can begin at another character.
  const sizes: Record<Split, number> = { train: windows('train') - 1, validation: windows('validation'), test: windows('test') };
  for (const split of ['train', 'validation', 'test'] as const)
    if (sizes[split] < 1)
      throw new Error(
        `task.file: ${title} is too short for a sequence length of ${T}: its ${split} part has ${parts[split].length} characters; give a longer text or a smaller length`,
      );
  const orderOf = epochOrders(seed, 'text/order', sizes.train);
  const offsets = new RandomStream(seed, 'text/offset');

  /** Row r begins at character `startOf(r)` of the split. */
  const cut = (split: Split, size: number, startOf: (row: number) => number): Batch => {
    const inputs = new Int32Array(size * T);
    const labels = new Int32Array(size * T);
    for (let row = 0; row < size; row++) {
      const start = startOf(row);
      inputs.set(parts[split].subarray(start, start + T), row * T);
      labels.set(parts[split].subarray(start + 1, start + 1 + T), row * T);
    }
    return { size, inputs, labels };
  };
  const evaluationBatch = (split: Split, first: number, size: number) => cut(split, size, (row) => (first + row) * T);
  const lettersOf = (ids: ArrayLike<number>) => Array.from(ids, (id) => characters[id]!).join('');

  return {
    shape: {
      input: embedding,
      inputDim: classes,
      seqLen: T,
      positional: true,
      causal: true,
      output: 'position',
      outputDim: classes,
    },
    sizes,
    data: title,
    fingerprint: corpus.hash,
    chanceLoss: entropyOf(parts.train, classes),
    mainMetric: 'perplexity',
    derived: [{ name: 'perplexity', unit: '', group: 'perplexity', better: 'lower', of: ({ loss }) => Math.exp(loss) }],
    probeHelp: `Your own texts, one per line, each of at most ${T + 1} characters (\\n = a line break inside a text). A shorter one is filled up at its end, which what stands before does not see.`,
    trainBatch(epoch, index, size) {
      const order = orderOf(epoch, index, size);
      const offset = offsets.integer(epoch, T);
      return cut('train', size, (row) => offset + order[row]! * T);
    },
    *evaluationBatches(split, size) {
      for (let first = 0; first < sizes[split]; first += size)
        yield evaluationBatch(split, first, Math.min(size, sizes[split] - first));
    },
    probe(size, chosen) {
      const batch =
        chosen === null ? evaluationBatch('validation', 0, Math.min(size, sizes.validation)) : own(chosen, T, characters);
      const rows = Array.from({ length: batch.size }, (_, e) => Array.from(batch.inputs.subarray(e * T, (e + 1) * T)));
      return {
        batch,
        describe: {
          examples: rows.map((items, e) => ({
            name: chosen === null ? `validation ${e}` : `text ${e + 1}`,
            labels: { kind: 'tokens' as const, items },
          })),
          answers: { kind: 'tokens' },
          tokenText: (id) => shown(characters[id]!),
          words: { item: 'character' },
          best: Math.min(5, classes),
          signals: [
            patternSignal('previous', { meaning: 'weight on the character before', main: true }),
            patternSignal('diagonal', { meaning: 'weight of each character on itself' }),
            patternSignal('first', { meaning: 'weight on the first character' }),
            inductionSignal(rows),
            distanceSignal,
          ],
        },
      };
    },
    notation: (_split, examples) =>
      writeTexts(examples.map(({ inputs, labels }) => lettersOf(inputs) + characters[labels.at(-1)!]!)),
    ...(sampleEverySteps !== null && {
      sampling: {
        everySteps: sampleEverySteps,
        ...continuations({ prompt: parts.validation.subarray(0, Math.min(T, 32)), characters, T, length: sampleLength, seed }),
      },
    }),
  };
}

function own(chosen: string, T: number, characters: readonly string[]): Batch {
  const texts = parseTexts(chosen, T + 1, characters);
  const inputs = new Int32Array(texts.length * T);
  const labels = new Int32Array(texts.length * T);
  texts.forEach((ids, row) => {
    inputs.set(ids.subarray(0, T), row * T);
    labels.set(ids.subarray(1), row * T);
  });
  return { size: texts.length, inputs, labels };
}

/** Loss of a model that knows the frequency of each character but not the text before it. */
function entropyOf(ids: Uint16Array, classes: number): number {
  const counts = new Float64Array(classes);
  for (const id of ids) counts[id]! += 1;
  let sum = 0;
  for (const count of counts) if (count > 0) sum -= (count / ids.length) * Math.log(count / ids.length);
  return sum;
}
