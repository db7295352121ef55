/**
 * Picture sets on disk: `<data>/pictures/<cifar100|folder>/` with pictures.json, train.bin and test.bin (binary.ts), and features.train.safetensors and
 * features.test.safetensors. pictures.json is written last, so that a folder that contains it is complete.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseSafetensors, SafetensorsError } from '~/shared/safetensors';
import type { PicturePart, PictureSet, PictureSource } from '~/trainer/base/pictures';
import { standardize } from '~/trainer/recipes/pictures/standardize';
import { decodePicture, fineLabels, maxClasses, recordBytes, recordsError } from './binary';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const partFacts = z.strictObject({ count: z.int().positive(), sha256 });

/** pictures.json */
export const picturesFile = z.strictObject({
  /** Title of the pictures, for people: "CIFAR-100", "pictures of flowers/". */
  title: z.string().min(1),
  /** Where and when the pictures were obtained. */
  source: z.string(),
  classNames: z.array(z.string().min(1)).min(2).max(maxClasses),
  coarseNames: z.array(z.string()).min(1).max(maxClasses),
  train: partFacts,
  test: partFacts,
});
export type PicturesFile = z.infer<typeof picturesFile>;

export type PreparedSource = Exclude<PictureSource, 'builtin'>;
export type PartName = 'train' | 'test';
export const partNames = ['train', 'test'] as const;

export const picturesFolder = (source: PreparedSource, dataFolder: string): string => join(dataFolder, 'pictures', source);
export const featuresFile = (folder: string, part: PartName): string => join(folder, `features.${part}.safetensors`);
export const binaryFile = (folder: string, part: PartName): string => join(folder, `${part}.bin`);

/** What a person runs to get the pictures, or their features; a package has none of these scripts, a clone has. */
export function prepareCommand(what: 'pictures' | 'features', source: PreparedSource, dataFolder: string): string {
  const flags = source === 'folder' ? '--images DIR ' : '';
  const script = what === 'pictures' && source === 'cifar100' ? 'cifar100' : 'features';
  return `npm run data:${script} -- ${flags}--data "${dataFolder}" (in a clone of Headroom)`;
}

/** @throws Error with the command that prepares the pictures, when they are missing or broken */
export function readPicturesFile(source: PreparedSource, dataFolder: string): PicturesFile {
  const folder = picturesFolder(source, dataFolder);
  let text: string;
  try {
    text = readFileSync(join(folder, 'pictures.json'), 'utf8');
  } catch {
    throw new Error(`task.images: no pictures in ${folder}; to get them: ${prepareCommand('pictures', source, dataFolder)}`);
  }
  const parsed = picturesFile.safeParse(jsonOrNull(text));
  if (!parsed.success)
    throw new Error(
      `task.images: ${join(folder, 'pictures.json')} is broken (${parsed.error.issues[0]?.message}); to make it again: ${prepareCommand('pictures', source, dataFolder)}`,
    );
  return parsed.data;
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @throws Error when train.bin or test.bin is not what pictures.json says */
export function readRecords(source: PreparedSource, dataFolder: string, facts: PicturesFile, part: PartName): Uint8Array {
  const file = binaryFile(picturesFolder(source, dataFolder), part);
  const again = `to make it again: ${prepareCommand('pictures', source, dataFolder)}`;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new Error(`task.images: ${file} cannot be read (${(error as NodeJS.ErrnoException).code}); ${again}`);
  }
  const wrong =
    bytes.length !== facts[part].count * recordBytes
      ? `it has ${bytes.length} bytes, ${facts[part].count} pictures need ${facts[part].count * recordBytes}`
      : recordsError(bytes, facts.coarseNames.length, facts.classNames.length);
  if (wrong) throw new Error(`task.images: ${file} is broken: ${wrong}; ${again}`);
  return bytes;
}

let kept: { key: string; set: PictureSet } | null = null;

/** Pictures with features, ready for the task; the last set is kept for the next run. @throws Error with the command that prepares the missing files */
export function preparedPictures(source: PreparedSource, dataFolder: string): PictureSet {
  const facts = readPicturesFile(source, dataFolder);
  const key = JSON.stringify([picturesFolder(source, dataFolder), facts]);
  if (kept?.key === key) return kept.set;
  const train = readPart(source, dataFolder, facts, 'train');
  const test = readPart(source, dataFolder, facts, 'test');
  if (train.network === 'descriptor' && test.network === 'descriptor') standardize(train.features, test.features);
  else if (train.network !== test.network)
    throw new Error(
      `task.images: training features are of ${train.network}, test features of ${test.network}; to compute them again: ${prepareCommand('features', source, dataFolder)}`,
    );
  const { title, classNames } = facts;
  const set = { title, classNames, featureDim: train.features.length / facts.train.count, train, test };
  kept = { key, set };
  return set;
}

function readPart(
  source: PreparedSource,
  dataFolder: string,
  facts: PicturesFile,
  part: PartName,
): PicturePart & { network: string } {
  const records = readRecords(source, dataFolder, facts, part);
  const file = featuresFile(picturesFolder(source, dataFolder), part);
  return {
    labels: fineLabels(records),
    ...readFeatures(file, facts[part], prepareCommand('features', source, dataFolder)),
    picture: (index) => decodePicture(records, index),
  };
}

/** @throws Error when the file is missing, broken, or of other pictures */
function readFeatures(file: string, facts: PicturesFile['train'], command: string): { features: Float32Array; network: string } {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch {
    throw new Error(`task.images: no features in ${file}; to compute them: ${command}`);
  }
  try {
    const { tensors, metadata } = parseSafetensors(bytes);
    const features = tensors.get('features');
    if (!features || !(features.data instanceof Float32Array) || features.shape.length !== 2 || features.shape[0] !== facts.count)
      throw new SafetensorsError(`it has no tensor "features" of f32 [${facts.count}, n]`);
    if (metadata.picturesSha256 !== facts.sha256) throw new SafetensorsError('it belongs to other pictures');
    return { features: features.data, network: metadata.network ?? 'an unknown network' };
  } catch (error) {
    if (!(error instanceof SafetensorsError)) throw error;
    throw new Error(`task.images: ${file} cannot be used: ${error.message}; to compute it again: ${command}`);
  }
}
