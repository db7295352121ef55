/**
 * Entry point of an export's thread (bundled as `exportWorker.js` beside `main.js`). It reads through its own connection, so that
 * neither long reads nor formatting delay the server, and makes one part for each 'more'.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { progressReporter, serveParts } from '~/server/base/threadParts';
import { openBlobReader } from '~/server/store/blobs';
import { sizeOf, wholeBlob } from '~/server/store/postgres/blobs';
import { Database } from '~/server/store/postgres/database';
import { atOnce, openReads } from '~/server/store/sqlite/read';
import { openForReading } from '~/server/store/sqlite/schema';
import { writeExport } from './formats';
import { ExportError, type RecordSource } from './source';
import type { ExportJob } from './thread';

const port = parentPort as MessagePort;
const { folder, query, now, nodes } = workerData as ExportJob;
/** Has the blobs that the folder of one of several nodes lacks. */
const shared = nodes && (await Database.open({ url: nodes.databaseUrl, blobUrl: nodes.blobUrl, onTrouble() {} }));
const db = openForReading(folder);
const reads = openReads(db);
const source: RecordSource = {
  runs: async () => reads.runs(),
  entries: async (q) => reads.entries(q),
  range: async (q) => atOnce(db, reads.range(q)),
  rows: async (q) => atOnce(db, reads.rows(q)),
  streams: async (runId) => atOnce(db, reads.streams(runId)),
  signals: async (runId, seqs) => atOnce(db, reads.signals(runId, seqs)),
  view: async (runId) => reads.view(runId),
  list: async (q) => reads.list(q),
  item: async (q) => reads.item(q),
  near: async (q) => reads.near(q),
  console: async (q) => reads.console(q),
  setting: async (key) => reads.setting(key),
  chainAt: async (runId, seq) => reads.chainAt(runId, seq),
  progress: progressReporter(port),
  blobs: openBlobReader(
    folder,
    { smallBlob: async (hash) => reads.smallBlob(hash) ?? (shared && wholeBlob(shared, hash)) },
    async (hash) => reads.smallBlob(hash)?.length ?? (shared && sizeOf(shared, hash)),
  ),
};
function close(): void {
  db.close();
  void shared?.close();
}
const isRefusal = (error: unknown) => error instanceof ExportError;
serveParts(port, writeExport(source, query, now), { isRefusal, close });
