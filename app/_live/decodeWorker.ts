/** The worker that decodes snapshots (decoder.ts). */
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';
import { type DecodeJob, decode, type Weights } from './decode';

export interface Asked {
  id: number;
  job: DecodeJob;
}
export type Answered = { id: number } & ({ ok: true; value: unknown } | { ok: false; message: string });

const host = self as unknown as {
  onmessage: ((event: MessageEvent<Asked>) => void) | null;
  postMessage(message: Answered, transfer: Transferable[]): void;
};

host.onmessage = async ({ data: { id, job } }) => {
  try {
    const value = await decode(job);
    host.postMessage({ id, ok: true, value }, buffersOf(value));
  } catch (e) {
    host.postMessage({ id, ok: false, message: e instanceof Error ? e.message : String(e) }, []);
  }
};

/** Buffers that are transferred instead of copied: the memory of the weights. */
function buffersOf(value: AttentionSnapshot | Weights): ArrayBuffer[] {
  const arrays =
    'weights' in value
      ? [value.weights, ...value.overviews.flatMap((o) => (o ? [o.tiles] : []))]
      : value.maps.flatMap((m) => m?.layers ?? []);
  return [...new Set(arrays.map((a) => a.buffer as ArrayBuffer))];
}
