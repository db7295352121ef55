import type { PictureSet, PictureSource } from '~/trainer/base/pictures';
import { preparedPictures } from '~/trainer/data/prepared';
import { builtinPictures, builtinSizes } from './builtin';

/**
 * @param setSize pictures per set: the built-in pictures are drawn in a number that suits it
 * @throws Error naming the command that prepares the pictures, when they are missing or broken
 */
export async function loadPictures(source: PictureSource, setSize: number, dataFolder: string): Promise<PictureSet> {
  if (source === 'builtin') return builtinPictures(builtinSizes(setSize), dataFolder);
  return preparedPictures(source, dataFolder);
}
