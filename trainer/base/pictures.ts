import { z } from 'zod';

/** Where pictures come from: drawn by the program, CIFAR-100 (`npm run data:cifar100`), or a user's folder (`npm run data:features -- --images DIR`). */
export const pictureSource = z.enum(['builtin', 'cifar100', 'folder']);
export type PictureSource = z.infer<typeof pictureSource>;

/** Titles of the picture sources, shown wherever the pictures are shown. */
export const pictureTitles = { builtin: 'built-in demo pictures', cifar100: 'CIFAR-100', folder: 'own pictures' } as const;

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
  /** Title of the pictures, for people. */
  title: string;
  classNames: string[];
  featureDim: number;
  /** To be split into training and validation. */
  train: PicturePart;
  test: PicturePart;
}
