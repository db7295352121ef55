import { once } from 'node:events';
import { startWorker } from '~/server/base/startWorker';
import { BudgetError, FencedError, StaleHeadError } from '~/server/store';
import type { Answer, Call, Failure, Notice, WorkerData } from './calls';

/** One of the store's threads, as functions that answer with promises. */
export interface Thread {
  call(method: string, ...args: unknown[]): Promise<unknown>;
  /** A query that its signal can cancel. @throws the signal's reason then */
  ask(signal: AbortSignal | undefined, method: string, ...args: unknown[]): Promise<unknown>;
  /** Waits for the calls made so far, then ends the thread. */
  close(): Promise<void>;
}

/**
 * @param onNotice called with the thread's messages for people while it starts
 * @throws the problem that the thread found at its start: folder, lock, database
 */
export async function startThread(data: WorkerData, onNotice: (text: string) => void = () => {}): Promise<Thread> {
  const worker = startWorker(import.meta.url, './worker.ts', './storeWorker.js', data);
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  let gone: Error | null = null;
  const opened = new Promise((resolve, reject) => waiting.set(0, { resolve, reject }));
  const exited = once(worker, 'exit');
  exited.catch(() => {});

  worker.on('message', (answer: Answer | Notice) => {
    if ('notice' in answer) return onNotice(answer.notice);
    const call = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (answer.ok) call?.resolve(answer.value);
    else call?.reject(revive(answer.error));
  });
  const fail = (error: Error) => {
    gone ??= error;
    for (const { reject } of waiting.values()) reject(gone);
    waiting.clear();
  };
  worker.on('error', (error: Error) => fail(new Error(`the store's ${data.role} stopped: ${error.message}`)));
  worker.on('exit', () => fail(new Error('the store is closed')));

  const call = (method: string, ...args: unknown[]): Promise<unknown> => ask(undefined, method, ...args);
  const ask = (signal: AbortSignal | undefined, method: string, ...args: unknown[]): Promise<unknown> => {
    if (gone) return Promise.reject(gone);
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const id = ++lastId;
      const callOff = () => {
        if (!waiting.delete(id)) return;
        worker.postMessage({ id: 0, method: 'cancel', args: [id] } satisfies Call);
        reject(signal!.reason);
      };
      signal?.addEventListener('abort', callOff, { once: true });
      const settled = () => signal?.removeEventListener('abort', callOff);
      waiting.set(id, {
        resolve: (value) => {
          settled();
          resolve(value);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      try {
        worker.postMessage({ id, method, args } satisfies Call);
      } catch (error) {
        waiting.delete(id);
        reject(error);
      }
    });
  };

  await opened;
  return {
    call,
    ask,
    async close() {
      if (gone) return;
      await call('close');
      await exited;
    },
  };
}

function revive({ name, args }: Failure): Error {
  switch (name) {
    case 'FencedError':
      return new FencedError(...args);
    case 'StaleHeadError':
      return new StaleHeadError(...args);
    case 'BudgetError':
      return new BudgetError(...args);
    case 'Error':
      return new Error(args[0]);
  }
}
