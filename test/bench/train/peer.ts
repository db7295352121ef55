/**
 * One side of the comparison, in a separate process: `tsx peer.ts {"task":..,"backend":..,"threads":..,"watched":..}`.
 *
 * Prints one JSON line when ready; then, for every line "N" on its input, runs N steps and prints {"ms": [N times], "rssMb": ..}, like
 * peer.py.
 */

import { createInterface } from 'node:readline';
import { profile } from '@tensorflow/tfjs-core';
import { type BackendName, openBackend } from '~/trainer/backends';
import type { CompiledStep } from '~/trainer/nn/compileStep';
import type { BenchTask } from './setups';
import { trainee } from './trainee';

export interface PeerOptions {
  task: BenchTask;
  backend: BackendName;
  threads: number | null;
  watched: boolean;
}

const { task, backend, threads, watched } = JSON.parse(process.argv[2]!) as PeerOptions;
const opened = await openBackend(backend, threads ? { threads } : {});
let compiled: CompiledStep | null = null;
const { step } = trainee(
  task,
  {
    compileStep: (fn) => {
      const made = opened.compileStep(fn);
      compiled ??= made; // the first compiled function is the step
      return made;
    },
  },
  watched,
);

await step();
const { kernels } = await profile(() => step() as never);
const ops = (compiled as CompiledStep | null)?.ops ?? kernels.length;
console.log(JSON.stringify({ device: opened.device, version: opened.version, ops }));

for await (const line of createInterface({ input: process.stdin })) {
  const ms: number[] = [];
  for (let left = Number(line); left > 0; left--) ms.push(await step());
  console.log(JSON.stringify({ ms, rssMb: Math.round(process.memoryUsage().rss / 2 ** 20) }));
}
