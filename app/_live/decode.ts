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
  /** The exact weights of one example, from the two pieces: sending the rounded weights themselves would copy a hundred times as much. */
  low: { in: { bytes: Uint8Array; high: Uint8Array }; out: Float32Array };
}
export type DecodeJob = { [K in keyof DecodeJobs]: { kind: K } & DecodeJobs[K]['in'] }[keyof DecodeJobs];

/** @throws Error with a readable message when the piece is damaged */
export async function decode<J extends DecodeJob>(job: J): Promise<DecodeJobs[J['kind']]['out']> {
  const bytes = await plain(job.bytes);
  switch (job.kind) {
    case 'whole':
      return parseAttentionSnapshot(bytes);
    case 'head':
      return readSnapshot(parseSafetensors(bytes, 'beginning'), 'apart');
    case 'high':
      return joinHigh(bytes);
    case 'low':
      return joinLow(joinHigh(await plain(job.high)), bytes);
  }
}

const plain = async (bytes: Uint8Array): Promise<Uint8Array> => (isGzip(bytes) ? gunzip(bytes) : bytes);

async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  const unzipped = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(unzipped).arrayBuffer());
}
