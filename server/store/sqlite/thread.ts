import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { FencedError, StaleHeadError } from '../../store';
import type { Answer, Call, Failure, WorkerData } from './calls';

/** One of the store's threads, as functions that answer with promises. */
export interface Thread {
  call(method: string, ...args: unknown[]): Promise<unknown>;
  /** Waits for the calls made so far, then ends the thread. */
  close(): Promise<void>;
}

/** @throws what the thread found wrong at its start: folder, lock, database */
export async function startThread(data: WorkerData): Promise<Thread> {
  const worker = startWorker(data);
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  let gone: Error | null = null;
  const opened = new Promise((resolve, reject) => waiting.set(0, { resolve, reject }));
  const exited = once(worker, 'exit');
  exited.catch(() => {});

  worker.on('message', (answer: Answer) => {
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

  const call = (method: string, ...args: unknown[]): Promise<unknown> => {
    if (gone) return Promise.reject(gone);
    return new Promise((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
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
    async close() {
      if (gone) return;
      await call('close');
      await exited;
    },
  };
}

/** As a bundle the entry is storeWorker.js beside this code; from source it is TypeScript, which a new thread reads only after registering tsx itself. */
function startWorker(workerData: WorkerData): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./storeWorker.js', import.meta.url), { workerData });
  const entry = new URL('./worker.ts', import.meta.url).href;
  const code = `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => { register(); return import(${JSON.stringify(entry)}); })`;
  return new Worker(code, { eval: true, workerData, execArgv: [] });
}

function revive({ name, args }: Failure): Error {
  switch (name) {
    case 'FencedError':
      return new FencedError(...args);
    case 'StaleHeadError':
      return new StaleHeadError(...args);
    case 'Error':
      return new Error(args[0]);
  }
}
