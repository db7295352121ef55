import type { Progress } from '~/server/base/jobs';
import { startWorker } from '~/server/base/startWorker';
import { partsOfThread } from '~/server/base/threadParts';
import type { ExportQuery } from './formats';
import { ExportError } from './source';

export interface ExportJob {
  folder: string;
  /** What several nodes share; null: there is one server. */
  nodes: { databaseUrl: string; blobUrl: string | null } | null;
  query: ExportQuery;
  now: number;
}

/**
 * An export made in its own thread, which sends each part as soon as it is read; leaving the loop or aborting `signal` ends the
 * thread.
 *
 * @throws ExportError when the requested content does not exist
 */
export function exportInThread(
  job: ExportJob,
  following: { progress?(at: Progress): void; signal?: AbortSignal } = {},
): AsyncGenerator<Uint8Array> {
  const worker = startWorker(import.meta.url, './worker.ts', './exportWorker.js', job);
  return partsOfThread(worker, { refusal: (message) => new ExportError(message), ...following });
}
