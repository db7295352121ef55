import { on } from 'node:events';
import type { Worker } from 'node:worker_threads';
import type { Progress } from './jobs';

/** What a thread says that makes one part for each 'more' it is told. */
export type ThreadMessage<P> =
  | { kind: 'part'; part: P }
  | { kind: 'progress'; at: Progress }
  | { kind: 'end' }
  /** `refused`: the message is for whoever asked; otherwise it is a fault of ours. */
  | { kind: 'failed'; refused: boolean; message: string };

/**
 * The parts that a thread makes, one at a time. Leaving the loop ends the thread at once, as does `signal`.
 *
 * @throws what `refusal` makes of the thread's message; Error when the thread broke; AbortError
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

/** Not more often than people can see. */
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

/** Progress as a thread tells it: now and then, and whenever it begins something else. */
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
