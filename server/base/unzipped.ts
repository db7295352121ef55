import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { isGzip } from '~/shared/snapshotPack';

const inflate = promisify(gunzip);
/** What a snapshot may become: a small file can hold a lot of nothing. */
const mostBytes = 2 ** 30;

/** The bytes, unpacked where they are compressed. @throws Error when they are damaged, or would be too many */
export const unzipped = async (bytes: Uint8Array): Promise<Uint8Array> =>
  isGzip(bytes) ? await inflate(bytes, { maxOutputLength: mostBytes }) : bytes;
