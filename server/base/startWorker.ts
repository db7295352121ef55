import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

/** Bundles that this process has made, by entry. */
const bundles = new Map<string, URL>();

/**
 * Starts a thread of the server. In a build, its entry is `bundled`, beside main.js; from source, the entry is TypeScript and is
 * bundled here first, into .build/threads: a thread that compiles its own modules would take seconds on a busy machine.
 *
 * @param from the caller's import.meta.url, to which both names are relative
 */
export function startWorker(from: string, source: string, bundled: string, workerData: unknown): Worker {
  if (!from.endsWith('.ts')) return new Worker(new URL(bundled, from), { workerData });
  const entry = fileURLToPath(new URL(source, from));
  const known = bundles.get(entry);
  const file = known && existsSync(known) ? known : bundle(entry);
  bundles.set(entry, file);
  return new Worker(file, { workerData, execArgv: [] });
}

function bundle(entry: string): URL {
  const { buildSync } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild');
  const { outputFiles } = buildSync({
    entryPoints: [entry],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    write: false,
  });
  const bytes = outputFiles[0]!.contents;
  const folder = fileURLToPath(new URL('../../.build/threads/', import.meta.url));
  const file = `${folder}${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}.mjs`;
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true });
    // Several processes may do this concurrently.
    const own = `${file}.${process.pid}`;
    writeFileSync(own, bytes);
    renameSync(own, file);
  }
  return pathToFileURL(file);
}
