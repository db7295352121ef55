import type { Progress } from '~/server/base/jobs';
import { startWorker } from '~/server/base/startWorker';
import { partsOfThread } from '~/server/base/threadParts';
import { ImportError } from './importError';
import type { ReadJob } from './readJob';
import type { ImportPart } from './readRuns';
import type { RecordJob, RecordPart } from './recordParts';

interface Following {
  progress?(at: Progress): void;
  signal?: AbortSignal;
}

/**
 * Reads files in its own thread; leaving the loop or aborting `signal` ends the thread.
 *
 * @throws ImportError when a file is invalid
 */
export const readInThread = (job: ReadJob, following: Following = {}): AsyncGenerator<ImportPart> => inThread(job, following);

/** The same for a `.headroom` file. */
export const recordInThread = (job: RecordJob, following: Following = {}): AsyncGenerator<RecordPart> => inThread(job, following);

function inThread<P>(job: ReadJob | RecordJob, following: Following): AsyncGenerator<P> {
  const worker = startWorker(import.meta.url, './worker.ts', './importWorker.js', job);
  return partsOfThread(worker, { refusal: (message) => new ImportError(message), ...following });
}
