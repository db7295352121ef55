/**
 * `npm run build`: builds what `npm start` runs: pages into .next/; the server, the trainer and their threads as bundles into
 * .build/, so that each finds its threads beside it. Packages stay in node_modules. A stamp of all inputs lets an unchanged build
 * finish in milliseconds.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compressFiles } from '~/server/web/staticFiles';
import { buildReplayPage } from './buildReplay';
import { commands } from './commands';
import { readEnv } from './env';

const root = fileURLToPath(new URL('../..', import.meta.url));
const lockFile = join(root, '.build/lock');

const sources = ['app', 'server', 'shared', 'trainer'];
/** Folders in them that are not built: Python writes into its own whenever it runs. */
const notBuilt = ['trainer/python/', 'app/_screenshots/'];
const settings = ['package.json', 'package-lock.json', 'tsconfig.json', 'next.config.mjs', 'postcss.config.mjs'];

/** Entry files by the name of their bundle. */
const bundles = {
  'server/headroom': 'server/process/headroom.ts',
  ...Object.fromEntries(Object.values(commands).map(({ bundle, source }) => [bundle, source])),
  'server/client': 'server/mcp/client.ts',
  'server/storeWorker': 'server/store/sqlite/worker.ts',
  'server/exportWorker': 'server/export/worker.ts',
  'server/importWorker': 'server/import/worker.ts',
  'trainer/link/worker': 'trainer/link/worker.ts',
};

/** Files that a bundle reads from its own folder. */
const assets = Object.fromEntries(
  ['kernels.wasm', 'kernelsFma.wasm'].map((file) => [`trainer/${file}`, `trainer/backends/wasm/${file}`]),
);

/**
 * Builds what changed since the last build, and reports progress to `say`. One process at a time: a second one waits, and finds the
 * build done.
 *
 * @param basePath prefix of the pages' paths (HEADROOM_BASE_PATH); it is compiled into the pages
 * @param pages folder of the pages, so that those for two base paths can lie side by side
 */
export async function build(say: (line: string) => void, basePath = '', pages = '.next'): Promise<void> {
  const release = await lock();
  try {
    const startedAt = performance.now();
    const sources = stampOf();
    const programs = await unlessStamped('.build/stamp', sources, async () => {
      say('building the server and the trainer ...');
      await Promise.all([bundle(), buildReplayPage()]);
    });
    const dashboard = await unlessStamped(`${pages}/stamp`, `${sources}${basePath}`, async () => {
      say('building the dashboard (once after each change; under a minute) ...');
      await buildPages(basePath, pages);
      await compressFiles(join(root, pages, 'static'));
    });
    if (programs || dashboard) say(`built in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  } finally {
    release();
  }
}

/** Does `work` unless `file` holds this stamp; afterwards it does. @returns whether there was work */
async function unlessStamped(file: string, stamp: string, work: () => Promise<void>): Promise<boolean> {
  const path = join(root, file);
  if (existsSync(path) && readFileSync(path, 'utf8') === stamp) return false;
  // A failed build must not look complete.
  rmSync(path, { force: true });
  await work();
  writeFileSync(path, stamp);
  return true;
}

/** @returns a function that releases the lock; the lock of a process that has ended is taken over */
async function lock(): Promise<() => void> {
  mkdirSync(join(root, '.build'), { recursive: true });
  for (;;) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
      return () => rmSync(lockFile, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (gone(lockFile)) rmSync(lockFile, { force: true });
    else await setTimeout(200);
  }
}

function gone(file: string): boolean {
  try {
    // An empty file belongs to a process that is about to write its id.
    const pid = Number(readFileSync(file, 'utf8') || process.pid);
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

async function bundle(): Promise<void> {
  const { build: esbuild } = await import('esbuild');
  await esbuild({
    absWorkingDir: root,
    entryPoints: bundles,
    outdir: '.build',
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: true,
    logLevel: 'warning',
  });
  for (const [to, from] of Object.entries(assets)) copyFileSync(join(root, from), join(root, '.build', to));
}

/** @throws Error with Next's output when the build fails */
function buildPages(basePath: string, pages: string): Promise<void> {
  const next = createRequire(import.meta.url).resolve('next/dist/bin/next');
  const child = spawn(process.execPath, [next, 'build'], {
    cwd: root,
    env: {
      ...process.env,
      NODE_ENV: 'production',
      NEXT_TELEMETRY_DISABLED: '1',
      NEXT_PUBLIC_BASE_PATH: basePath,
      HEADROOM_PAGES: pages,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`next build ended with ${signal ?? code}:\n${printed}`));
    });
  });
}

/** Changes with the content or the name of any input, and with Node's version. */
function stampOf(): string {
  const hash = createHash('sha256').update(process.version);
  const add = (file: string) => hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  for (const file of settings) add(file);
  for (const folder of sources)
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((e) => e.isFile())
      .map((e) => join(e.parentPath, e.name).slice(root.length))
      .filter((entry) => !notBuilt.some((folder) => entry.startsWith(join(folder))))
      .sort())
      add(entry);
  return hash.digest('hex');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  Promise.resolve()
    .then(() => build((line) => console.log(line), readEnv(process.env).basePath))
    .catch((error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      process.exit(1);
    });
}
