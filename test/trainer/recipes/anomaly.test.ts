import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseSafetensors } from '~/shared/safetensors';
import { publishedConfig, recipeNamed } from '~/test/support/setups';
import { gzipPiece } from '~/trainer/base/gzip';
import type { PicturePart, PictureSet } from '~/trainer/base/pictures';
import { RandomStream } from '~/trainer/nn/random';
import { encodePictures, encodeSnapshot } from '~/trainer/nn/snapshot';
import { anomalyTaskOf } from '~/trainer/recipes/anomaly';
import { SetDrawer, splitByClass } from '~/trainer/recipes/anomalySets';
import type { Batch } from '~/trainer/types';

/** `perClass` pictures of each of `classes` classes; the one feature of a picture is its index, so that a batch says which pictures it holds. */
function part(classes: number, perClass: number): PicturePart {
  const count = classes * perClass;
  return {
    labels: Uint8Array.from({ length: count }, (_, i) => i % classes),
    features: Float32Array.from({ length: count }, (_, i) => i),
    picture: (i) => new Uint8Array(2 * 2 * 3).fill(i),
  };
}
const classes = 5;
const set: PictureSet = {
  title: 'test pictures',
  classNames: ['a', 'b', 'c', 'd', 'e'],
  featureDim: 1,
  train: part(classes, 50),
  test: part(classes, 8),
};
const setSize = 5;
const task = anomalyTaskOf(3, setSize, set);

/** The sets of a batch as picture indices, with the odd one's. */
const setsOf = (batch: Batch) =>
  Array.from({ length: batch.size }, (_, row) => {
    const members = [...batch.inputs.subarray(row * setSize, (row + 1) * setSize)];
    return { members, odd: members[batch.labels[row]!]! };
  });
const all = (batches: Iterable<Batch>) => [...batches].flatMap(setsOf);
const epoch = (n: number) => all([task.trainBatch(n, 0, task.sizes.train)]);

describe('the anomaly task', () => {
  it('holds back a tenth of each class for validation; train, validation and test share no picture', () => {
    const { train, validation } = splitByClass(set.train.labels, 0.1, new RandomStream(1, 'split'));
    const perClass = (indices: Int32Array) =>
      Array.from({ length: classes }, (_, c) => indices.filter((i) => set.train.labels[i] === c).length);
    expect([perClass(train), perClass(validation)]).toEqual([Array(5).fill(45), Array(5).fill(5)]);
    expect([...train, ...validation].sort((a, b) => a - b)).toEqual(Array.from({ length: 250 }, (_, i) => i));
    expect(task.sizes).toEqual({ train: 225, validation: 25, test: 40 });
  });

  it('a set is N - 1 different pictures of one class and one of another, in every split', () => {
    for (const { members, odd } of [
      ...epoch(0),
      ...all(task.evaluationBatches('train', 64)),
      ...all(task.evaluationBatches('validation', 7)),
      ...all(task.evaluationBatches('test', 64)),
    ]) {
      const others = members.filter((m) => m !== odd);
      expect(new Set(members).size).toBe(setSize);
      expect(new Set(others.map((m) => m % classes)).size).toBe(1);
      expect(others[0]! % classes).not.toBe(odd % classes);
    }
  });

  it('every training picture is the odd one once per epoch, in sets drawn afresh each epoch', () => {
    const [first, second] = [epoch(0), epoch(1)];
    const { train } = splitByClass(set.train.labels, 0.1, new RandomStream(42, 'anomaly/split'));
    for (const sets of [first, second]) expect(sets.map((s) => s.odd).sort((a, b) => a - b)).toEqual([...train]);
    const othersOf = (sets: typeof first) => new Map(sets.map((s) => [s.odd, String([...s.members].sort())]));
    const [a, b] = [othersOf(first), othersOf(second)];
    // 4 of 45 pictures in one of 4 classes: hardly any of the 225 sets can come twice by chance.
    expect([...a].filter(([odd, members]) => b.get(odd) === members).length).toBeLessThan(3);
  });

  it('the odd one stands at every place about equally often', () => {
    const counts = Array(setSize).fill(0);
    for (let e = 0; e < 8; e++) for (const label of task.trainBatch(e, 0, task.sizes.train).labels) counts[label]++;
    // 1800 sets over 5 places: 360 each, standard deviation 17; five of them either way.
    for (const count of counts) expect(Math.abs(count - 360)).toBeLessThan(85);
  });

  it('every other class serves as the set’s class about equally often', () => {
    const drawer = new SetDrawer(
      set.train.labels,
      Int32Array.from({ length: 250 }, (_, i) => i),
      setSize,
      'train',
    );
    const random = new RandomStream(0, 'test');
    const out = new Int32Array(setSize);
    const counts = Array(classes).fill(0);
    for (let access = 0; access < 2000; access++) {
      const place = drawer.draw(0, random, access, out);
      counts[out[(place + 1) % setSize]! % classes]++;
    }
    // 2000 draws over 4 classes: 500 each, standard deviation 19.
    expect(counts[0]).toBe(0);
    for (const count of counts.slice(1)) expect(Math.abs(count - 500)).toBeLessThan(100);
  });

  it('a batch is a function of epoch and place: read again, in parts or out of order, it is the same', () => {
    const whole = task.trainBatch(2, 0, 100);
    task.trainBatch(7, 3, 10);
    const late = task.trainBatch(2, 60, 40);
    expect(late.inputs).toEqual(whole.inputs.slice(60 * setSize));
    expect(late.labels).toEqual(whole.labels.slice(60));
  });

  it('validation and test sets are the same for every seed; training sets are not', () => {
    const other = anomalyTaskOf(4, setSize, set);
    for (const split of ['validation', 'test'] as const)
      expect([...other.evaluationBatches(split, 16)]).toEqual([...task.evaluationBatches(split, 16)]);
    expect(other.trainBatch(0, 0, 50)).not.toEqual(task.trainBatch(0, 0, 50));
  });

  it('the probe shows the first validation sets, or the sets named, each picture once', () => {
    const probe = task.probe(3, 'test 7 0');
    const sets = all(task.evaluationBatches('test', 64));
    expect(setsOf(probe.batch)).toEqual([sets[7], sets[0]]);
    const display = probe.describe.examples.flatMap((e) => e.labels.items.map(Number));
    const shown = display.map((at) => probe.pictures!.data[at * 12]);
    expect(shown).toEqual([...sets[7]!.members, ...sets[0]!.members]);
    expect(new Set(display).size).toBe(probe.pictures!.data.length / 12);
    expect(probe.describe.pictures).toEqual({
      title: 'test pictures',
      names: [...new Set(shown)].sort((a, b) => a! - b!).map((p) => set.classNames[p! % classes]),
    });
    expect(probe.describe.examples.map((e) => e.name)).toEqual(['test 7', 'test 0']);
    expect(setsOf(task.probe(2, null).batch)).toEqual(all(task.evaluationBatches('validation', 64)).slice(0, 2));
  });

  it.each([
    ['', 'there is no set number in it'],
    ['test', 'there is no set number in it'],
    ['test 40', '"40" is not a set of the test set; give set numbers from 0 to 39'],
    ['25', '"25" is not a set of the validation set; give set numbers from 0 to 24'],
    ['3 x', '"x" is not a set of the validation set'],
    [Array(65).fill('1').join(' '), '65 sets are more than 64'],
  ])('probeExamples %j is refused with what would fit', (text, message) => {
    expect(() => task.probe(8, text)).toThrow(message);
  });

  it('a set size for which the classes are too small is refused with the largest that fits', () => {
    // Validation has 5 pictures of each class: 5 + 1.
    expect(() => anomalyTaskOf(0, 7, set)).toThrow(
      'task.setSize: 7 pictures need 6 of one class, and the validation set has no two classes with so many; give at most 6, or more pictures',
    );
    expect(anomalyTaskOf(0, 6, set).shape.seqLen).toBe(6);
  });

  it('a snapshot says what its pictures are, and names the file that holds them', async () => {
    const probe = task.probe(2, null);
    const shape = { ...task.shape, modelDim: 2, layers: 1, heads: 1 };
    const maps = new Float32Array(2 * setSize * setSize).fill(1 / setSize);
    const attended = { maps, logits: new Float32Array(2 * setSize), loss: 0, accuracy: 0 };
    const { blob } = await encodeSnapshot({
      step: 4,
      shape,
      probe,
      pictures: 'abc',
      attended,
      previous: null,
      gzip: gzipPiece,
    });
    const { tensors, metadata } = parseSafetensors(gunzipSync(blob));
    expect(tensors.has('pictures')).toBe(false);
    expect(parseSafetensors(encodePictures(probe)!).tensors.get('pictures')).toEqual({
      dtype: 'U8',
      shape: [probe.pictures!.data.length / 12, 2, 2, 3],
      data: probe.pictures!.data,
    });
    const { axes, pictures, step } = JSON.parse(metadata.headroom!);
    expect(axes).toEqual(probe.describe.examples.map((e) => e.labels));
    expect([step, pictures.title, pictures.file]).toEqual([4, 'test pictures', 'abc']);
  });

  it('pictures that were never prepared are refused with the command that makes them', async () => {
    const wanted = (images: 'cifar100' | 'folder') =>
      recipeNamed('anomaly').open({ ...publishedConfig('anomaly'), task: { setSize: 10, images } }, '/nowhere');
    await expect(wanted('cifar100')).rejects.toThrow(
      'task.images: no pictures in /nowhere/pictures/cifar100; to get them: npm run data:cifar100 -- --data "/nowhere" (in a clone of Headroom)',
    );
    await expect(wanted('folder')).rejects.toThrow(
      'to get them: npm run data:features -- --images DIR --data "/nowhere" (in a clone',
    );
  });
});
