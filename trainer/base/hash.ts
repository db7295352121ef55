import { createHash } from 'node:crypto';
import type { BlobRef } from '~/shared/ids';

/** SHA-256, in hex. */
export const hashOf = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** A blob's address: SHA-256 of its bytes. */
export const blobRefOf = (bytes: Uint8Array): BlobRef => ({
  hash: hashOf(bytes),
  bytes: bytes.length,
});
