import { embedded } from './recording';

/** In a replay's bundle, in place of _live/fetchBlob.ts. */
export const fetchBlob = (hash: string): Promise<Uint8Array> => embedded(`blob-${hash}`);
