/** Decodes compressed pieces of snapshots into numbers. Pure; slow for large maps, so decoder.ts runs it in a worker. */
import { type AttentionSnapshot, parseAttentionSnapshot, readSnapshot } from '~/shared/attentionSnapshot';
import { parseSafetensors } from '~/shared/safetensors';
import { isGzip, joinHigh, joinLow } from '~/shared/snapshotPack';

export interface DecodeJobs {
  /** A whole file, compressed or not. */
  whole: { in: { bytes: Uint8Array }; out: AttentionSnapshot };
  /** The piece of a packed file that holds everything but the maps. */
  head: { in: { bytes: Uint8Array }; out: AttentionSnapshot };
  /** The rounded weights of one example. */
  high: { in: { bytes: Uint8Array }; out: Float32Array };
  /** The exact weights, computed from the rounded ones. */
  low: { in: { bytes: Uint8Array; rounded: Float32Array }; out: Float32Array };
}
export type DecodeJob = { [K in keyof DecodeJobs]: { kind: K } & DecodeJobs[K]['in'] }[keyof DecodeJobs];

/** @throws Error with a readable message when the piece is damaged */
export async function decode<J extends DecodeJob>(job: J): Promise<DecodeJobs[J['kind']]['out']> {
  const bytes = isGzip(job.bytes) ? await gunzip(job.bytes) : job.bytes;
  switch (job.kind) {
    case 'whole':
      return parseAttentionSnapshot(bytes);
    case 'head':
      return readSnapshot(parseSafetensors(bytes, 'beginning'), 'apart');
    case 'high':
      return joinHigh(bytes);
    case 'low':
      return joinLow(job.rounded, bytes);
  }
}

async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  const unzipped = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(unzipped).arrayBuffer());
}
