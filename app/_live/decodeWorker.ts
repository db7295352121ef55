/** The worker that decodes snapshots (decoder.ts). */
import { type DecodeJob, decode } from './decode';

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
function buffersOf(value: unknown): ArrayBuffer[] {
  if (value instanceof Float32Array) return [value.buffer as ArrayBuffer];
  const { maps } = value as { maps: readonly ({ layers: readonly Float32Array[] } | null)[] };
  return [...new Set(maps.flatMap((m) => m?.layers.map((l) => l.buffer as ArrayBuffer) ?? []))];
}
