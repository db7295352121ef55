import { builtinPictures, builtinSizes } from './builtin';
import type { PictureSource } from './sources';

export type { PictureSource } from './sources';

/** Pictures with their classes and features. */
export interface PicturePart {
  /** Class of each picture, an index into `classNames`: [n] */
  labels: Uint8Array | Int32Array;
  /** [n, featureDim] */
  features: Float32Array;
  /** RGB of one picture for people to look at: [32, 32, 3] */
  picture(index: number): Uint8Array;
}

export interface PictureSet {
  /** What people are told the pictures are. */
  title: string;
  classNames: string[];
  featureDim: number;
  /** To be split into training and validation. */
  train: PicturePart;
  test: PicturePart;
}

/**
 * @param setSize pictures per set: the built-in pictures are drawn in a number that suits it
 * @throws Error naming the command that prepares the pictures, when they are missing or broken
 */
export async function loadPictures(source: PictureSource, setSize: number, dataFolder: string): Promise<PictureSet> {
  if (source === 'builtin') return builtinPictures(builtinSizes(setSize), dataFolder);
  const { preparedPictures } = await import('~/trainer/data/prepared');
  return preparedPictures(source, dataFolder);
}
