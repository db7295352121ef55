/** The folder that `npm run setup:tensorflow` fills and the backend loads from. */
import { existsSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Path of the repository; works from this source file and from a bundle that contains it. */
function repository(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

/**
 * `.tensorflow/` in the repository, git-ignored: `site/` (libtensorflow, its headers and, with --gpu, CUDA, laid out as in Python's
 * site-packages because that is where libtensorflow looks), `package/` (tfjs-node and the addon built here), `setup.json` (last, so
 * that its presence means a finished set-up).
 */
export const setupFolder = join(repository(), '.tensorflow') + sep;

/** What `setup.json` holds. */
export interface Setup {
  /** The wheel's version, e.g. "2.21.0". */
  version: string;
  gpu: boolean;
}
