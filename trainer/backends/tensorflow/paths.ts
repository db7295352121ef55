/** The folder that `npm run setup:tensorflow` fills and the backend loads from. */
import { fileURLToPath } from 'node:url';

/**
 * `.tensorflow/` in the repository, git-ignored: `site/` (libtensorflow, its headers and, with --gpu, CUDA, laid out as in Python's
 * site-packages because that is where libtensorflow looks), `package/` (tfjs-node and the addon built here), `setup.json` (last, so
 * that its presence means a finished set-up).
 */
export const setupFolder = fileURLToPath(new URL('../../../.tensorflow/', import.meta.url));

/** What `setup.json` holds. */
export interface Setup {
  /** The wheel's version, e.g. "2.21.0". */
  version: string;
  gpu: boolean;
}
