import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const compress = promisify(gzip);

/** Compresses one piece of a snapshot outside the loop's thread. The lower halves of weights are nearly noise: the lowest level is enough for them. */
export const gzipPiece = async (bytes: Uint8Array, squeeze: boolean): Promise<Uint8Array> =>
  await compress(bytes, { level: squeeze ? 6 : 1 });
