import { on } from 'node:events';
import type { Worker } from 'node:worker_threads';
import type { Progress } from './jobs';

/** Messages of a worker that makes a stream of parts; it sends the next part for each 'more'. */
export type ThreadMessage<P> =
  | { kind: 'part'; part: P }
  | { kind: 'progress'; at: Progress }
  | { kind: 'end' }
  /** `refused`: the client caused the error; otherwise it is a defect of the server. */
  | { kind: 'failed'; refused: boolean; message: string };

/**
 * The parts that a thread makes, one at a time. Leaving the loop or aborting `signal` ends the thread immediately.
 *
 * @throws the error that `refusal` makes from the thread's message; Error when the thread failed; AbortError
 */
export async function* partsOfThread<P>(
  worker: Worker,
  options: { refusal(message: string): Error; progress?(at: Progress): void; signal?: AbortSignal },
): AsyncGenerator<P> {
  try {
    const messages = on(worker, 'message', { signal: options.signal, close: ['exit'] });
    worker.postMessage('more');
    for await (const [message] of messages as AsyncIterable<[ThreadMessage<P>]>) {
      if (message.kind === 'progress') {
        options.progress?.(message.at);
        continue;
      }
      if (message.kind === 'end') return;
      if (message.kind === 'failed') throw message.refused ? options.refusal(message.message) : new Error(message.message);
      yield message.part;
      worker.postMessage('more');
    }
    throw new Error('the thread ended in the middle of its work');
  } finally {
    await worker.terminate();
  }
}

/** More often than this people could not see. */
const REPORT_MS = 100;

/** The thread's side: answers each 'more' with the next of `parts`; `transfer` names buffers that need not be copied. */
export function serveParts<P>(
  port: import('node:worker_threads').MessagePort,
  parts: AsyncGenerator<P>,
  options: { isRefusal(error: unknown): boolean; transfer?(part: P): ArrayBuffer[]; close?(): void },
): void {
  const say = (message: ThreadMessage<P>, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  port.on('message', async () => {
    try {
      const { value, done } = await parts.next();
      if (!done) return say({ kind: 'part', part: value }, options.transfer?.(value));
      say({ kind: 'end' });
    } catch (error) {
      say({ kind: 'failed', refused: options.isRefusal(error), message: (error as Error).message });
    }
    options.close?.();
    port.close();
  });
}

/** Reports a thread's progress: at intervals, and whenever a new activity begins. */
export function progressReporter(port: import('node:worker_threads').MessagePort): (at: Progress) => void {
  let reportedAt = 0;
  let doing = '';
  return (at) => {
    const now = performance.now();
    if (at.doing === doing && now - reportedAt < REPORT_MS) return;
    reportedAt = now;
    doing = at.doing;
    port.postMessage({ kind: 'progress', at } satisfies ThreadMessage<never>);
  };
}
