/** Entry point of the thread that reads an import (bundled as `importWorker.js` beside `main.js`): text and records by the million would hold the server up. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { progressReporter, serveParts } from '~/server/base/threadParts';
import { ImportError } from './importError';
import { ownBuffers, type ReadJob, readImport } from './readRuns';
import { type RecordJob, recordParts } from './recordParts';

const port = parentPort as MessagePort;
const job = workerData as ReadJob | RecordJob;
const report = progressReporter(port);
const isRefusal = (error: unknown) => error instanceof ImportError;
if (job.mode === 'record') serveParts(port, recordParts(job, report), { isRefusal });
else serveParts(port, readImport(job, report), { isRefusal, transfer: ownBuffers });
