import { Worker } from 'node:worker_threads';

/**
 * Starts a thread of the server. As a bundle its entry is `bundled`, beside main.js; from source it is TypeScript, which a new thread reads only after
 * registering tsx itself.
 *
 * @param from the caller's import.meta.url, to which both names are relative
 */
export function startWorker(from: string, source: string, bundled: string, workerData: unknown): Worker {
  if (!from.endsWith('.ts')) return new Worker(new URL(bundled, from), { workerData });
  const tsx = import.meta.resolve('tsx/esm/api');
  const entry = new URL(source, from).href;
  const code = `import(${JSON.stringify(tsx)}).then(({ register }) => { register(); return import(${JSON.stringify(entry)}); })`;
  return new Worker(code, { eval: true, workerData, execArgv: [] });
}
