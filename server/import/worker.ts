/**
 * Entry point of the thread that reads an import (bundled as `importWorker.js` beside `main.js`): millions of lines and records
 * would block the server.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { progressReporter, serveParts } from '~/server/base/threadParts';
import { ImportError } from './importError';
import type { ReadJob } from './readJob';
import { ownBuffers, readImport } from './readRuns';
import { type RecordJob, recordParts } from './recordParts';

const port = parentPort as MessagePort;
const job = workerData as ReadJob | RecordJob;
const report = progressReporter(port);
const isRefusal = (error: unknown) => error instanceof ImportError;
if (job.mode === 'record') serveParts(port, recordParts(job, report), { isRefusal });
else serveParts(port, readImport(job, report), { isRefusal, transfer: ownBuffers });
