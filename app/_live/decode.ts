/** Decodes compressed pieces of snapshots into numbers. Pure; slow for large maps, so decoder.ts runs it in a worker. */
import { isLarge, makeOverview, type Overview } from '~/app/_charts/attention/overview';
import { type AttentionSnapshot, exampleMaps, parseAttentionSnapshot, readSnapshot } from '~/shared/attentionSnapshot';
import { parseSafetensors } from '~/shared/safetensors';
import type { LayerShape } from '~/shared/snapshotFile';
import { isGzip, joinHigh, joinLow } from '~/shared/snapshotPack';

/** The weights of one example, layer after layer, and the overview of each layer with large maps. */
export interface Weights {
  weights: Float32Array;
  overviews: (Overview | null)[];
}

interface Shape {
  layers: readonly LayerShape[];
  causal: boolean;
}

export interface DecodeJobs {
  /** A whole file, compressed or not. */
  whole: { in: { bytes: Uint8Array }; out: AttentionSnapshot };
  /** The piece of a packed file that holds everything but the maps. */
  head: { in: { bytes: Uint8Array }; out: AttentionSnapshot };
  /** The rounded weights of one example. */
  high: { in: { bytes: Uint8Array; shape: Shape }; out: Weights };
  /** The exact weights, computed from the rounded ones. */
  low: { in: { bytes: Uint8Array; shape: Shape; rounded: Float32Array }; out: Weights };
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
      return withOverviews(joinHigh(bytes), job.shape);
    case 'low':
      return withOverviews(joinLow(job.rounded, bytes), job.shape);
  }
}

function withOverviews(weights: Float32Array, { layers, causal }: Shape): Weights {
  const maps = exampleMaps(layers, weights, false).layers;
  return { weights, overviews: layers.map((l, n) => (isLarge(l) ? makeOverview(maps[n]!, l, causal) : null)) };
}

async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  const unzipped = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(unzipped).arrayBuffer());
}
