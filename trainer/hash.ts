import { createHash } from 'node:crypto';
import type { BlobRef } from '~/shared/ids';

/** A blob's address: SHA-256 of its bytes. */
export const blobRefOf = (bytes: Uint8Array): BlobRef => ({
  hash: createHash('sha256').update(bytes).digest('hex'),
  bytes: bytes.length,
});
