import type { PictureSet, PictureSource } from '~/trainer/base/pictures';
import { preparedPictures } from '~/trainer/data/prepared';
import { builtinPictures, builtinSizes } from './builtin';

/**
 * @param setSize pictures per set; decides how many built-in pictures are drawn
 * @throws Error naming the command that prepares the pictures, when they are missing or broken
 */
export async function loadPictures(source: PictureSource, setSize: number, dataFolder: string): Promise<PictureSet> {
  if (source === 'builtin') return builtinPictures(builtinSizes(setSize), dataFolder);
  return preparedPictures(source, dataFolder);
}
