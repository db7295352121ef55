import { paths } from '~/shared/protocol';
import { atBase } from './base';
import { reach, refusalOf } from './reach';

/** Part of a blob; `end` is exclusive. */
export interface BlobRange {
  start: number;
  end: number;
}

export type FetchBlob = (hash: string, range?: BlobRange) => Promise<Uint8Array>;

/** Fetches a blob or a part of it. @throws Error with the server's message */
export const fetchBlob: FetchBlob = async (hash, range) => {
  const headers = range ? { range: `bytes=${range.start}-${range.end - 1}` } : undefined;
  const response = await reach(atBase(`${paths.blobs}/${hash}`), headers && { headers });
  if (!response.ok) throw await refusalOf(response);
  const bytes = new Uint8Array(await response.arrayBuffer());
  // A proxy may not support ranges and return the whole blob.
  return range && response.status === 200 ? bytes.subarray(range.start, range.end) : bytes;
};
