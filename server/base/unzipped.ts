import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { isGzip } from '~/shared/snapshotPack';

const inflate = promisify(gunzip);
/** Most bytes of an unpacked snapshot: a small file can expand to a huge one. */
const mostBytes = 2 ** 30;

/** The bytes, unpacked where they are compressed. @throws Error when they are damaged, or too many when unpacked */
export const unzipped = async (bytes: Uint8Array): Promise<Uint8Array> =>
  isGzip(bytes) ? await inflate(bytes, { maxOutputLength: mostBytes }) : bytes;
