/** The picture set that needs no download: drawn from a seed, in seconds, the same everywhere. */
import { RandomStream } from '../../random';
import { classCount, classTitle, pictureClasses } from './classes';
import { describePicture, featureDim } from './descriptor';
import { drawPicture, pictureBytes } from './draw';
import type { PicturePart, PictureSet } from './pictureSet';
import { standardise } from './standardise';

export const builtinTitle = 'built-in demo pictures';

/** Pictures per class. A tenth of `train` becomes validation, and a set takes setSize - 1 different pictures of one class. */
export const builtinSizes = (setSize: number): { train: number; test: number } => ({
  train: Math.max(100, 10 * (setSize + 1)),
  test: Math.max(30, setSize - 1),
});

let kept: { sizes: string; set: PictureSet } | null = null;

export function builtinPictures(setSize: number): PictureSet {
  const sizes = builtinSizes(setSize);
  const key = JSON.stringify(sizes);
  if (kept?.sizes === key) return kept.set;
  const train = part('train', sizes.train);
  const test = part('test', sizes.test);
  standardise(train.features, test.features);
  const set: PictureSet = { title: builtinTitle, classNames: pictureClasses().map(classTitle), featureDim, train, test };
  kept = { sizes: key, set };
  return set;
}

function part(name: string, perClass: number): PicturePart {
  const classes = pictureClasses();
  const seeds = new RandomStream(0, `pictures/${name}`);
  const count = classCount * perClass;
  const labels = new Uint8Array(count);
  const pixels = new Uint8Array(count * pictureBytes);
  const features = new Float32Array(count * featureDim);
  const picture = (index: number) => pixels.subarray(index * pictureBytes, (index + 1) * pictureBytes);
  // Picture by picture through the classes: the first n of every class are the same whatever `perClass` is.
  for (let i = 0; i < count; i++) {
    labels[i] = i % classCount;
    drawPicture(classes[i % classCount]!, seeds.bits(i), picture(i));
    describePicture(picture(i), features.subarray(i * featureDim, (i + 1) * featureDim));
  }
  return { labels, features, picture };
}
