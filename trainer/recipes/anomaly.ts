/** Anomaly: the network finds the odd one in a set of pictures (feature vectors), all of one class except one. */
import { z } from 'zod';
import { maxProbeExamples, networkMemory, recipeConfig, usual } from '~/trainer/base/config';
import { type PicturePart, type PictureSet, pictureSource, pictureTitles } from '~/trainer/base/pictures';
import { type Split, split as splitName } from '~/trainer/base/splits';
import { RandomStream } from '~/trainer/nn/random';
import { itemSignal, patternSignal } from '~/trainer/nn/signals';
import type { Batch, Task } from '~/trainer/types';
import { SetDrawer, splitByClass } from './anomalySets';
import { mosaic } from './card';
import { defineRecipe } from './define';
import { epochOrders } from './epochOrder';
import { pictureClasses } from './pictures/classes';
import { drawPicture, pictureBytes, side } from './pictures/draw';
import { loadPictures } from './pictures/pictureSet';

/** Split and evaluation sets are the same for every run, so that results can be compared; only training sets depend on the run's seed. */
const commonSeed = 42;

const task = z.strictObject({
  setSize: z.int().min(3).max(64).meta({
    title: 'Pictures per set',
    description: 'The odd one included.',
    'x-unit': 'pictures',
    'x-source': 'UvA deep learning tutorial 6 (P. Lippe)',
  }),
  images: pictureSource.meta({
    title: 'Pictures',
    description:
      'Built-in pictures need no download; CIFAR-100 and your own are prepared in a clone of Headroom (npm run data:features).',
    'x-titles': pictureTitles,
    'x-pictures': true,
  }),
});

const published: z.infer<ReturnType<typeof recipeConfig<typeof task>>> = {
  ...usual,
  task: { setSize: 10, images: 'builtin' },
  model: { layers: 4, heads: 4, modelDim: 256, dropout: 0.1, inputDropout: 0.1 },
  schedule: { kind: 'cosine', warmupSteps: 100, maxSteps: null },
  clip: { mode: 'norm', threshold: 2 },
  batchSize: 64,
  epochs: 100,
};
const small = { ...published, model: { ...published.model, modelDim: 128 } };

/** A set of nine built-in pictures at half their size, the odd one in the middle. */
function picture(): string {
  // Classes of one large object are the clearest at this size.
  const [same, odd] = pictureClasses().filter((c) => c.arrangement === 0);
  const small = Array.from({ length: 9 }, (_, i) => {
    const rgb = new Uint8Array(pictureBytes);
    drawPicture((i === 4 ? odd : same)!, i, rgb);
    const out = new Uint8Array((side / 2) ** 2 * 4).fill(255);
    for (const at of Array((side / 2) ** 2).keys()) {
      const first = (2 * side * Math.floor(at / (side / 2)) + 2 * (at % (side / 2))) * 3;
      for (const channel of [0, 1, 2])
        out[4 * at + channel] = [0, 3, 3 * side, 3 * side + 3].reduce((sum, next) => sum + rgb[first + next + channel]!, 0) / 4;
    }
    return out;
  });
  return mosaic(small, side / 2, 3);
}

export const anomaly = defineRecipe({
  name: 'anomaly',
  title: 'Odd one out',
  summary: 'Finds the one picture that is of another class than the rest of its set, by attention without positions.',
  picture: picture(),
  config: recipeConfig(task),
  presets: [
    { name: 'published', title: 'Published set-up', config: published },
    { name: 'small', title: 'Half the width', config: small, demo: true },
    { name: 'quick', title: 'Quick look', config: { ...small, model: { ...small.model, layers: 2 }, epochs: 3 } },
  ],
  memory: networkMemory('task.setSize'),
  open: async ({ config, seed, dataFolder }) => {
    const { setSize, images } = config.task;
    return anomalyTaskOf(seed, setSize, await loadPictures(images, setSize, dataFolder));
  },
});

interface SplitSets {
  part: PicturePart;
  indices: Int32Array;
  drawer: SetDrawer;
  /** Order of the evaluation sets. */
  order: Uint32Array;
  evaluation: RandomStream;
}

export function anomalyTaskOf(seed: number, setSize: number, set: PictureSet): Task {
  const { featureDim } = set;
  const halves = splitByClass(set.train.labels, 0.1, new RandomStream(commonSeed, 'anomaly/split'));
  const all = Int32Array.from(set.test.labels, (_, i) => i);
  const splitSets = (name: Split, part: PicturePart, indices: Int32Array): SplitSets => ({
    part,
    indices,
    drawer: new SetDrawer(part.labels, indices, setSize, name),
    order: new RandomStream(commonSeed, `anomaly/order/${name}`).permutation(indices.length),
    evaluation: new RandomStream(commonSeed, `anomaly/sets/${name}`),
  });
  const sets: Record<Split, SplitSets> = {
    train: splitSets('train', set.train, halves.train),
    validation: splitSets('validation', set.train, halves.validation),
    test: splitSets('test', set.test, all),
  };
  const sizes = { train: halves.train.length, validation: halves.validation.length, test: all.length };
  const orderOf = epochOrders(seed, 'anomaly/order', sizes.train);
  let fresh = { epoch: -1, random: new RandomStream(seed, '') };

  /** Row r is the set whose odd one is picture `which(r)` of the split; `members` receives the picture indices [size, setSize]. */
  const draw = (from: SplitSets, random: RandomStream, size: number, which: (row: number) => number) => {
    const members = new Int32Array(size * setSize);
    const labels = new Int32Array(size);
    for (let row = 0; row < size; row++) {
      const at = which(row);
      labels[row] = from.drawer.draw(from.indices[at]!, random, at, members.subarray(row * setSize, (row + 1) * setSize));
    }
    return { members, labels };
  };
  const toBatch = (part: PicturePart, { members, labels }: { members: Int32Array; labels: Int32Array }): Batch => {
    const inputs = new Float32Array(members.length * featureDim);
    for (let i = 0; i < members.length; i++)
      inputs.set(part.features.subarray(members[i]! * featureDim, (members[i]! + 1) * featureDim), i * featureDim);
    return { size: labels.length, inputs, labels };
  };
  const evaluationSet = (name: Split, number: number) => sets[name].order[number]!;

  return {
    shape: { input: 'features', inputDim: featureDim, seqLen: setSize, positional: false, output: 'set', outputDim: 1 },
    sizes,
    data: set.title,
    probeHelp: 'Numbers of validation sets, or of others after a word: "test 3 14 15".',
    chanceLoss: Math.log(setSize),
    trainBatch(epoch, index, size) {
      if (fresh.epoch !== epoch) fresh = { epoch, random: new RandomStream(seed, `anomaly/fresh/${epoch}`) };
      const order = orderOf(epoch, index, size);
      return toBatch(
        set.train,
        draw(sets.train, fresh.random, size, (row) => order[row]!),
      );
    },
    *evaluationBatches(name, size) {
      const from = sets[name];
      for (let first = 0; first < sizes[name]; first += size) {
        const count = Math.min(size, sizes[name] - first);
        yield toBatch(
          from.part,
          draw(from, from.evaluation, count, (row) => evaluationSet(name, first + row)),
        );
      }
    },
    probe(size, chosen) {
      const { split, numbers } =
        chosen === null
          ? { split: 'validation' as const, numbers: Array.from({ length: Math.min(size, sizes.validation) }, (_, i) => i) }
          : parseSetNumbers(chosen, sizes);
      const from = sets[split];
      const drawn = draw(from, from.evaluation, numbers.length, (row) => evaluationSet(split, numbers[row]!));
      const { display, pictures, names } = picturesOf(set, from.part, drawn.members);
      return {
        batch: toBatch(from.part, drawn),
        pictures,
        describe: {
          examples: numbers.map((n, e) => ({
            name: `${split} ${n}`,
            labels: { kind: 'pictures' as const, items: display.slice(e * setSize, (e + 1) * setSize) },
          })),
          numbered: true,
          words: { item: 'image', target: 'odd one' },
          pictures: { title: set.title, names },
          signals: [
            itemSignal(
              { name: 'oddMass', title: 'odd one', meaning: 'weight that the other images put on the odd one', main: true },
              (example) => drawn.labels[example]!,
            ),
            patternSignal('diagonal', { meaning: 'weight of each image on itself' }),
          ],
        },
      };
    },
    notation: (split, examples) => [split, ...examples.map((e) => e.number)].join(' '),
  };
}

/** The pictures of a probe, each once with its class name, and the picture at each position. */
function picturesOf(set: PictureSet, part: PicturePart, members: Int32Array) {
  const different = [...new Set(members)].sort((a, b) => a - b);
  const indexOf = new Map(different.map((picture, i) => [picture, i]));
  const first = part.picture(different[0]!);
  const data = new Uint8Array(different.length * first.length);
  different.forEach((picture, i) => {
    data.set(part.picture(picture), i * first.length);
  });
  return {
    display: Array.from(members, (picture) => indexOf.get(picture)!),
    pictures: { data, side: Math.sqrt(first.length / 3) },
    names: different.map((picture) => set.classNames[part.labels[picture]!]!),
  };
}

/**
 * "test 3 14 15" or "3 14 15": numbers of evaluation sets; of the validation set unless the text names another.
 * @throws RangeError that names what does not fit and what would
 */
export function parseSetNumbers(text: string, sizes: Record<Split, number>): { split: Split; numbers: number[] } {
  const words = text.split(/[\s,;]+/).filter((word) => word !== '');
  const named = splitName.safeParse(words[0]);
  const split = named.success ? named.data : 'validation';
  const rest = named.success ? words.slice(1) : words;
  const fail = (why: string): never => {
    throw new RangeError(
      `probeExamples: ${why}; give set numbers from 0 to ${sizes[split] - 1}, after the word train, validation or test if you like: "test 3 14 15"`,
    );
  };
  if (rest.length === 0) fail('there is no set number in it');
  if (rest.length > maxProbeExamples) fail(`${rest.length} sets are more than ${maxProbeExamples}`);
  const numbers = rest.map((word) => {
    if (!/^\d{1,9}$/.test(word) || Number(word) >= sizes[split]) fail(`"${word}" is not a set of the ${split} set`);
    return Number(word);
  });
  return { split, numbers };
}
