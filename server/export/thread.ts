import type { Progress } from '~/server/base/jobs';
import { startWorker } from '~/server/base/startWorker';
import { partsOfThread } from '~/server/base/threadParts';
import type { ExportQuery } from './formats';
import { ExportError } from './source';

export interface ExportJob {
  folder: string;
  query: ExportQuery;
  now: number;
}

/**
 * An export made in a thread of its own, part by part as it is read; leaving the loop, or `signal`, ends the thread.
 *
 * @throws ExportError when there is nothing of what is asked for
 */
export function exportInThread(
  job: ExportJob,
  following: { progress?(at: Progress): void; signal?: AbortSignal } = {},
): AsyncGenerator<Uint8Array> {
  const worker = startWorker(import.meta.url, './worker.ts', './exportWorker.js', job);
  return partsOfThread(worker, { refusal: (message) => new ExportError(message), ...following });
}
