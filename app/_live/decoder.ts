import { type DecodeJob, type DecodeJobs, decode } from './decode';
import type { Answered, Asked } from './decodeWorker';

export type Decode = <J extends DecodeJob>(job: J) => Promise<DecodeJobs[J['kind']]['out']>;

type Settle = { resolve: (value: unknown) => void; reject: (error: Error) => void };

/** Decodes in a worker that starts with the first job; in this thread where workers are not available. */
function createDecoder(): Decode {
  const waiting = new Map<number, Settle & { job: DecodeJob }>();
  let worker: Worker | null | undefined;
  let next = 0;

  const start = (): Worker | null => {
    if (typeof Worker === 'undefined') return null;
    try {
      const made = new Worker(new URL('./decodeWorker.ts', import.meta.url), { type: 'module' });
      made.onmessage = ({ data }: MessageEvent<Answered>) => {
        const asked = waiting.get(data.id);
        waiting.delete(data.id);
        if (data.ok) asked?.resolve(data.value);
        else asked?.reject(new Error(data.message));
      };
      // The worker cannot start: its jobs, and all later ones, run in this thread.
      made.onerror = () => {
        worker = null;
        made.terminate();
        const left = [...waiting.values()];
        waiting.clear();
        for (const { job, resolve, reject } of left) decode(job).then(resolve, reject);
      };
      return made;
    } catch {
      return null;
    }
  };

  return (job) => {
    if (worker === undefined) worker = start();
    const thread = worker;
    if (thread === null) return decode(job);
    return new Promise((resolve, reject) => {
      const id = next++;
      waiting.set(id, { job, resolve: resolve as Settle['resolve'], reject });
      // A piece is a view of a larger buffer: send a copy of its own bytes only.
      const bytes = job.bytes.slice();
      thread.postMessage({ id, job: { ...job, bytes } } satisfies Asked, [bytes.buffer]);
    });
  };
}

export const decodeAside: Decode = createDecoder();
