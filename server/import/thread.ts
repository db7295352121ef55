import type { Progress } from '~/server/base/jobs';
import { startWorker } from '~/server/base/startWorker';
import { partsOfThread } from '~/server/base/threadParts';
import { ImportError } from './importError';
import type { ImportPart, ReadJob } from './parts';

/**
 * Reads a file in a thread of its own; leaving the loop, or `signal`, ends the thread.
 *
 * @throws ImportError when the file is not right
 */
export function readInThread(
  job: ReadJob,
  following: { progress?(at: Progress): void; signal?: AbortSignal } = {},
): AsyncGenerator<ImportPart> {
  const worker = startWorker(import.meta.url, './worker.ts', './importWorker.js', job);
  return partsOfThread(worker, { refusal: (message) => new ImportError(message), ...following });
}
