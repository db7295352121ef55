/**
 * One side of the comparison, a process of its own: `tsx peer.ts {"task":..,"backend":..,"threads":..,"instrumented":..}`.
 *
 * Prints one JSON line when ready; then, for every line "N" on its input, does N steps and prints {"ms": [N times], "rssMb": ..}. The same lines as
 * peer.py's. Bare: loss, accuracy and gradient norm only. Instrumented: with every parameter's norm and the link; one snapshot in every answer is
 * timed by itself, as `snapshotMs`.
 */
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { profile } from '@tensorflow/tfjs-core';
import type { TaskKind } from '~/shared/config';
import { type BackendName, type CompiledStep, openBackend } from '~/trainer/backends';
import { createLearner } from '~/trainer/learner';
import { encodeSnapshot } from '~/trainer/snapshot';
import type { Batch } from '~/trainer/types';
import { randomBatch } from '../../support/examples';
import { setupOf } from './setups';

export interface PeerOptions {
  task: TaskKind;
  backend: BackendName;
  threads: number | null;
  instrumented: boolean;
}

const probeSize = 8;

const options = JSON.parse(process.argv[2]!) as PeerOptions;
const { shape, batchSize, hyper } = setupOf(options.task);
const opened = await openBackend(options.backend, options.threads ? { threads: options.threads } : {});
let compiled: CompiledStep | null = null;
const backend = {
  compileStep: (fn: Parameters<typeof opened.compileStep>[0]) => {
    const step = opened.compileStep(fn);
    compiled ??= step; // the first one compiled is the step's
    return step;
  },
};
const learner = createLearner({ shape, seed: 1, optimizer: 'adam', backend, paramGradNorms: options.instrumented });
const batches = Array.from({ length: 16 }, (_, at) => randomBatch(shape, batchSize, at));
const probe: Batch = randomBatch(shape, probeSize, 99);
const display = new Int32Array(probeSize * shape.seqLen);
// Stands for the link: takes copies of every step's numbers on a thread of its own.
const link = options.instrumented
  ? new Worker("require('node:worker_threads').parentPort.on('message', () => {})", { eval: true })
  : null;
link?.unref();

let step = 0;
let previous: Float32Array | null = null;

async function once(): Promise<number> {
  const start = performance.now();
  const metrics = await learner.step(batches[step % batches.length]!, hyper, step);
  link?.postMessage({ step, ...metrics });
  step++;
  return performance.now() - start;
}

async function snapshot(to: Worker): Promise<number> {
  const start = performance.now();
  const attended = await learner.attend(probe);
  const { blob, signals } = encodeSnapshot({
    ...{ task: options.task, runId: null, step, shape, attended, previous },
    probe: { batch: probe, display },
  });
  previous = attended.maps;
  to.postMessage({ step, signals, blob }, [blob.buffer as ArrayBuffer]);
  return performance.now() - start;
}

await once();
const { kernelNames: _, kernels } = await profile(() => once() as never);
const ops = (compiled as CompiledStep | null)?.ops ?? kernels.length;
console.log(JSON.stringify({ device: opened.device, version: opened.version, ops }));

for await (const line of createInterface({ input: process.stdin })) {
  const ms: number[] = [];
  for (let left = Number(line); left > 0; left--) ms.push(await once());
  const snapshotMs = link ? await snapshot(link) : null;
  console.log(JSON.stringify({ ms, snapshotMs, rssMb: Math.round(process.memoryUsage().rss / 2 ** 20) }));
}
