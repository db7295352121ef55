/** In a replay's bundle, in place of _live/decoder.ts: a page that is one file starts no thread. */
export { type DecodeJob, decode as decodeAside } from '../_live/decode';
