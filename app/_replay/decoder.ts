/** Replaces _live/decoder.ts in the bundle of a replay: a page in a single file starts no worker. */
export { type DecodeJob, decode as decodeAside } from '~/app/_live/decode';
