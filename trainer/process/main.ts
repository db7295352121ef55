/** The trainer process: registers with the server named in the environment (settings.ts) and trains the assigned runs until SIGTERM. */
import fs from 'node:fs';
import { hostname, totalmem } from 'node:os';
import path, { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { nanoid } from 'nanoid';
import { makeFolder } from '~/shared/dataFolder';
import { pathProblem } from '~/shared/pathProblem';
import { VERSION } from '~/shared/protocol';
import { unknownSettings } from '~/shared/settingNames';
import { openBackend } from '~/trainer/backends/index';
import { selfTest } from '~/trainer/backends/selfTest';
import { serve } from '~/trainer/link/host';
import { Link, workerUrl } from '~/trainer/link/index';
import { passedOver, sweepSpools, withoutBackends } from '~/trainer/link/start';
import { loadRecipes } from '~/trainer/recipes/load';
import { CheckpointQueries } from '~/trainer/run/checkpointQueries';
import { readSettings } from '~/trainer/run/settings';
import { SystemMetrics, thisMachine } from '~/trainer/run/system';
import { train } from '~/trainer/run/train';
import { survivesItsReaders, watchParent } from './orphan';

const log = (line: string) => console.error(`trainer: ${line}`);

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  // The server that starts a trainer has said it already.
  if (process.env.HEADROOM_PARENT === undefined) unknownSettings(process.env).forEach(log);
  survivesItsReaders();
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());

  const spools = join(settings.dataFolder, 'spool');
  try {
    makeFolder(spools, fs, path);
  } catch (error) {
    throw new Error(`HEADROOM_DATA ${spools}: ${pathProblem(error, 'write')}`);
  }
  sweepSpools(spools);
  const options = { log, ...(settings.threads === null ? {} : { threads: settings.threads }) };
  const recipes = await loadRecipes(settings.recipes);
  let backend = await openBackend(settings.backend, options);

  const trainerId = nanoid();
  const link = new Link(
    {
      server: settings.server,
      token: settings.token,
      spoolFolder: join(spools, `${process.pid}-${trainerId}`),
      spoolBytes: settings.spoolBytes,
      registration: {
        version: VERSION,
        trainerId,
        name: settings.name,
        host: hostname(),
        pid: process.pid,
        recipes: withoutBackends(recipes.specs, passedOver(settings.backend, backend)),
        memoryBytes: totalmem(),
        answers: true,
      },
    },
    workerUrl(import.meta.url),
  );
  const checkpointQueries = new CheckpointQueries({
    backend: () => backend,
    recipes,
    dataFolder: settings.dataFolder,
    bytes: (hash, signal) => link.blob(hash, { dropped: null }, signal),
    report: link,
  });
  link.onQuestion = checkpointQueries;
  const orphan = watchParent({
    parent: process.env.HEADROOM_PARENT,
    ppid: () => process.ppid,
    withoutServerMs: () => link.withoutServerMs(),
    leave(message) {
      log(message);
      stop.abort();
    },
  });
  const own = backend;
  const open = async (wanted: 'auto' | typeof own.name) => {
    const name = wanted === 'auto' ? own.name : wanted;
    if (name !== backend.name) backend = await openBackend(name, options);
    return name === own.name ? { ...backend, tried: own.tried } : backend;
  };
  try {
    const host = {
      train,
      open,
      check: () => selfTest(backend),
      recipes,
      dataFolder: settings.dataFolder,
      system: () => new SystemMetrics(thisMachine(settings.dataFolder, gpuBytes), () => performance.now()),
      turns: checkpointQueries.turns,
      unneeded: orphan.unneeded,
      log,
    };
    await serve(link, host, stop.signal);
    log('stopping');
  } finally {
    orphan.close();
    const unsent = await link.close(4000);
    if (unsent > 0) log(`${unsent} events could not be sent; the run goes on from its last checkpoint`);
  }
}

/** Bytes of tensors on a GPU; null if the backend does not count them. */
function gpuBytes(): number | null {
  const known = tf.memory() as ReturnType<typeof tf.memory> & { numBytesInGPU?: number };
  return known.numBytesInGPU ?? null;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    log(error instanceof Error ? error.message : String(error));
    process.exit(1);
  },
);
