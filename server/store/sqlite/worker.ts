/**
 * Entry point of the store's threads (bundled as `storeWorker.js` beside `main.js`): one writes, one reads, so that neither an
 * fsync nor a long read ever delays the sockets. Calls arrive as messages and are answered by id.
 *
 * The writer puts all waiting calls into one transaction (group commit): the longer a commit takes, the more calls the next one
 * contains. A call that fails undoes only its own changes.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { BudgetError, FencedError, StaleHeadError } from '~/server/store';
import { openAverages } from './averages';
import type { Answer, Call, Failure, Notice, WorkerData } from './calls';
import { Lanes } from './lanes';
import { openReads } from './read';
import { openForReading, openForWriting } from './schema';
import { openWrites, type Writes } from './write';

/** Most calls of one transaction; keeps a commit short even when thousands wait. */
const GROUP = 256;

const port = parentPort as MessagePort;
const { role, folder } = workerData as WorkerData;

try {
  if (role === 'writer') serveWrites();
  else serveReads();
  port.postMessage({ id: 0, ok: true, value: undefined } satisfies Answer);
} catch (error) {
  port.postMessage({ id: 0, ok: false, error: failure(error) } satisfies Answer);
  port.close();
}

function serveWrites(): void {
  const { db, unlock } = openForWriting(folder, (notice) => port.postMessage({ notice } satisfies Notice));
  const writes = openWrites(db);
  const one = db.transaction((call: Call) => (writes[call.method as keyof Writes] as (...args: unknown[]) => void)(...call.args));
  const all = db.transaction((calls: Call[], answers: Answer[]) => {
    for (const call of calls) {
      try {
        one(call);
        answers.push({ id: call.id, ok: true, value: undefined });
      } catch (error) {
        // A full disk or a broken file ends the whole transaction; the other calls fail as well.
        if (!db.inTransaction) throw error;
        answers.push({ id: call.id, ok: false, error: failure(error) });
      }
    }
  });

  port.on('message', (first: Call) => {
    const calls = [first];
    for (let next = receiveMessageOnPort(port); next; next = calls.length < GROUP ? receiveMessageOnPort(port) : undefined)
      calls.push(next.message as Call);
    const closing = calls.findIndex((c) => c.method === 'close');
    const writing = closing < 0 ? calls : calls.slice(0, closing);
    let answers: Answer[] = [];
    try {
      if (writing.length > 0) all.immediate(writing, answers);
    } catch (error) {
      answers = writing.map(({ id }) => ({ id, ok: false, error: failure(error) }));
    }
    for (const answer of answers) port.postMessage(answer);
    if (closing < 0) return;
    try {
      db.pragma('wal_checkpoint(TRUNCATE)');
    } catch {
      // A full disk: what is in the write-ahead log stays there, and the next start reads it.
    }
    db.close();
    unlock();
    port.postMessage({ id: calls[closing]!.id, ok: true, value: undefined } satisfies Answer);
    port.close();
  });
}

function serveReads(): void {
  // The first call opens a connection: the writer, which starts at the same time, may still be creating the file.
  const averages = openAverages();
  const open = () => {
    const db = openForReading(folder);
    return { db, reads: openReads(db, averages) };
  };
  const lanes = new Lanes(open, {
    answer: (id, value) => port.postMessage({ id, ok: true, value } satisfies Answer, [...buffersOf(value)]),
    fail: (id, error) => port.postMessage({ id, ok: false, error: failure(error) } satisfies Answer),
  });
  port.on('message', (call: Call) => {
    if (call.method === 'cancel') return lanes.cancel(call.args[0] as number);
    if (call.method !== 'close') return lanes.take(call);
    lanes.close(() => {
      port.postMessage({ id: call.id, ok: true, value: undefined } satisfies Answer);
      port.close();
    });
  });
}

/** Smaller buffers are copied: moving costs more than that, and grows with their number. */
const MOVED_BYTES = 4096;

/** Large arrays of numbers move to the other thread instead of being copied; series of one stream share some of them. */
function buffersOf(value: unknown, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  if (value instanceof Float64Array || value instanceof Int32Array) {
    if (value.buffer.byteLength >= MOVED_BYTES) found.add(value.buffer as ArrayBuffer);
  } else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value))
    for (const inner of Object.values(value)) buffersOf(inner, found);
  return found;
}

function failure(error: unknown): Failure {
  if (error instanceof FencedError) return { name: 'FencedError', args: [error.runId, error.attempt, error.stored] };
  if (error instanceof StaleHeadError) return { name: 'StaleHeadError', args: [error.runId, error.after, error.stored] };
  if (error instanceof BudgetError) return { name: 'BudgetError', args: [error.numbers] };
  return { name: 'Error', args: [error instanceof Error ? error.message : String(error)] };
}
