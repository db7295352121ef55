/** Entry point of the thread that reads an import (bundled as `importWorker.js` beside `main.js`): text and records by the million would hold the server up. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { progressReporter, serveParts } from '~/server/base/threadParts';
import { ImportError } from './importError';
import { importParts, ownBuffers, type ReadJob } from './parts';

const port = parentPort as MessagePort;
serveParts(port, importParts(workerData as ReadJob, progressReporter(port)), {
  isRefusal: (error) => error instanceof ImportError,
  transfer: ownBuffers,
});
