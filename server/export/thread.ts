import { once } from 'node:events';
import { startWorker } from '../startWorker';
import type { ExportQuery } from './formats';
import { ExportError } from './source';

export interface ExportJob {
  folder: string;
  query: ExportQuery;
  now: number;
}
export type ExportPart =
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'end' }
  | { kind: 'failed'; refused: boolean; message: string };

/**
 * An export made in a thread of its own, part by part as it is read; leaving the loop ends the thread.
 *
 * @throws ExportError when there is nothing of what is asked for
 */
export async function* exportInThread(job: ExportJob): AsyncGenerator<Uint8Array> {
  const worker = startWorker(import.meta.url, './worker.ts', './exportWorker.js', job);
  try {
    for (;;) {
      worker.postMessage('more');
      const [part] = (await once(worker, 'message')) as [ExportPart];
      if (part.kind === 'end') return;
      if (part.kind === 'failed') throw part.refused ? new ExportError(part.message) : new Error(part.message);
      yield part.bytes;
    }
  } finally {
    await worker.terminate();
  }
}
