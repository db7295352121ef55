import { once } from 'node:events';
import { startWorker } from '../startWorker';
import { ImportError } from './importError';
import type { Table } from './table';

export interface TableJob {
  file: string;
  kind: 'csv' | 'tensorboard';
}
export type TableAnswer = { ok: true; table: Table } | { ok: false; refused: boolean; message: string };

/**
 * Reads a table in a thread of its own.
 *
 * @throws ImportError when the file is not right
 */
export async function readTable(job: TableJob): Promise<Table> {
  const worker = startWorker(import.meta.url, './worker.ts', './importWorker.js', job);
  try {
    const [answer] = (await once(worker, 'message')) as [TableAnswer];
    if (answer.ok) return answer.table;
    throw answer.refused ? new ImportError(answer.message) : new Error(answer.message);
  } finally {
    await worker.terminate();
  }
}
