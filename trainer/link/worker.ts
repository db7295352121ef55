/**
 * Entry of the link's thread. The thread is started from a file (see `workerUrl` in index.ts): this file under tsx; in a production build a separate bundle named
 * `link/worker.js` (or `worker.js`) beside the bundle of trainer/process/main.ts. esbuild with both entry points, one outdir and one outbase produces that.
 */
import { writeSync } from 'node:fs';
import { type MessagePort, workerData } from 'node:worker_threads';
import type { LinkStart, ToLink } from './messages';
import { Uplink } from './uplink';

const { start, port } = workerData as { start: LinkStart; port: MessagePort };

/** Writes directly to stderr: console.log of a worker goes through the main thread, which may be busy with a long step. */
function log(line: string): void {
  try {
    writeSync(2, `trainer link: ${line}\n`);
  } catch {
    // Nobody reads stderr, or its pipe is full: a lost log line must not end the run.
  }
}

const uplink = new Uplink(start, (message) => port.postMessage(message), log);
port.on('message', (message: ToLink) => uplink.handle(message));
