/** Entry point of the thread that reads a table (bundled as `importWorker.js` beside `main.js`): text and records by the million would hold the server up. */
import { parentPort, workerData } from 'node:worker_threads';
import { readCsv } from './csv';
import { ImportError } from './importError';
import { readTensorboard } from './tensorboard';
import type { TableAnswer, TableJob } from './thread';

const { file, kind } = workerData as TableJob;
try {
  const table = await (kind === 'csv' ? readCsv(file) : readTensorboard(file));
  const arrays = [table.steps, ...(table.timesMs ? [table.timesMs] : []), ...table.series.map((s) => s.values)];
  parentPort?.postMessage(
    { ok: true, table } satisfies TableAnswer,
    arrays.map((a) => a.buffer as ArrayBuffer),
  );
} catch (error) {
  const refused = error instanceof ImportError;
  parentPort?.postMessage({ ok: false, refused, message: (error as Error).message } satisfies TableAnswer);
}
