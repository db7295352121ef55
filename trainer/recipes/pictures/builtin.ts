/** The picture set that needs no download: drawn from a fixed seed, the same everywhere. Computing its features takes seconds; the data folder caches them. */
import fs from 'node:fs';
import { readFile } from 'node:fs/promises';
import path, { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { makeFolder } from '~/shared/dataFolder';
import { parseSafetensors, serializeSafetensors } from '~/shared/safetensors';
import { writeFileAtomically } from '~/trainer/base/atomicFile';
import { hashOf } from '~/trainer/base/hash';
import { type PicturePart, type PictureSet, pictureTitles } from '~/trainer/base/pictures';
import { RandomStream } from '~/trainer/nn/random';
import { classCount, classTitle, type PictureClass, pictureClasses } from './classes';
import { describePicture, featureDim } from './descriptor';
import { drawPicture, pictureBytes } from './draw';
import { standardize } from './standardize';

export const builtinTitle = pictureTitles.builtin;

/** Pictures per class. A tenth of `train` becomes validation, and a set needs setSize - 1 different pictures of one class. */
export const builtinSizes = (setSize: number): { train: number; test: number } => ({
  train: Math.max(100, 10 * (setSize + 1)),
  test: Math.max(30, setSize - 1),
});

type PartName = 'train' | 'test';
type Features = Record<PartName, Float32Array>;

let kept: { key: string; set: PictureSet } | null = null;

/** @param sizes pictures per class: `builtinSizes` of the set size */
export async function builtinPictures(sizes: { train: number; test: number }, dataFolder: string): Promise<PictureSet> {
  const key = JSON.stringify(sizes);
  if (kept?.key === key) return kept.set;
  const parts = { train: new Drawer('train', sizes.train), test: new Drawer('test', sizes.test) };
  const file = join(dataFolder, 'pictures', 'builtin', `features-${sizes.train}-${sizes.test}.safetensors`);
  // A hash of a few features detects changes in how they are computed: a file of an older program is not used.
  const version = hashOf(new Uint8Array(parts.train.features(20).buffer));
  const features = (await read(file, version, parts)) ?? (await compute(file, version, parts));
  const part = (name: PartName): PicturePart => ({
    labels: Uint8Array.from({ length: parts[name].count }, (_, i) => i % classCount),
    features: features[name],
    picture: (index) => parts[name].picture(index),
  });
  const set = {
    title: builtinTitle,
    classNames: pictureClasses().map(classTitle),
    featureDim,
    train: part('train'),
    test: part('test'),
  };
  kept = { key, set };
  return set;
}

/** One part: picture i belongs to class i % 100, so that the first n of every class are the same for any number of pictures. */
class Drawer {
  readonly count: number;
  readonly #classes: PictureClass[] = pictureClasses();
  readonly #seeds: RandomStream;

  constructor(name: PartName, perClass: number) {
    this.count = classCount * perClass;
    this.#seeds = new RandomStream(0, `pictures/${name}`);
  }

  picture(index: number, out = new Uint8Array(pictureBytes)): Uint8Array {
    drawPicture(this.#classes[index % classCount]!, this.#seeds.bits(index), out);
    return out;
  }

  /** Descriptors of `count` pictures. */
  features(count: number, first = 0): Float32Array {
    const out = new Float32Array(count * featureDim);
    const rgb = new Uint8Array(pictureBytes);
    for (let i = 0; i < count; i++)
      describePicture(this.picture(first + i, rgb), out.subarray(i * featureDim, (i + 1) * featureDim));
    return out;
  }
}

/** Features of all pictures: seconds of work, in pieces, so that a run being trained meanwhile continues. */
async function featuresOf(part: Drawer): Promise<Float32Array> {
  const out = new Float32Array(part.count * featureDim);
  const piece = 32;
  for (let first = 0; first < part.count; first += piece) {
    out.set(part.features(Math.min(piece, part.count - first), first), first * featureDim);
    await setImmediate();
  }
  return out;
}

async function compute(file: string, version: string, parts: Record<PartName, Drawer>): Promise<Features> {
  const features = { train: await featuresOf(parts.train), test: await featuresOf(parts.test) };
  standardize(features.train, features.test);
  const tensors = Object.entries(features).map(
    ([name, data]) => [name, { shape: [data.length / featureDim, featureDim], data }] as const,
  );
  // Only a cache: a folder that cannot be written costs the next start a few seconds.
  try {
    makeFolder(path.dirname(file), fs, path);
    await writeFileAtomically(file, serializeSafetensors(tensors, { pictures: builtinTitle, version }));
  } catch {}
  return features;
}

/** null when there is no complete file of this version. */
async function read(file: string, version: string, parts: Record<PartName, Drawer>): Promise<Features | null> {
  try {
    const { tensors, metadata } = parseSafetensors(await readFile(file));
    const [train, test] = [tensors.get('train')!.data, tensors.get('test')!.data];
    const fits =
      metadata.version === version &&
      train.length === parts.train.count * featureDim &&
      test.length === parts.test.count * featureDim;
    return fits && train instanceof Float32Array && test instanceof Float32Array ? { train, test } : null;
  } catch {
    return null;
  }
}
