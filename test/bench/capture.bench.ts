/**
 * `npm run bench -- capture [--backend B] [--tasks reverse,anomaly]`: the cost of recording a snapshot compared with a step, in published sizes: the forward pass
 * of the probe examples, signals, encoding, hash, and the copy for the link.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { dataFolderOf } from '~/shared/dataFolder';
import { publishedConfig, recipeNamed } from '~/test/support/setups';
import { type BackendName, openBackend, parseBackendName } from '~/trainer/backends';
import { createLearner } from '~/trainer/nn/learner';
import { Output } from '~/trainer/run/output';
import { SnapshotTaker } from '~/trainer/run/snapshotTaker';
import type { BenchResult } from './main';
import { machine, percentile } from './rows';
import type { BenchTask } from './train/setups';

const snapshots = 60;
const seconds = 12;
const cadences = [50, 20] as const;

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args,
    options: {
      backend: { type: 'string', default: process.env.HEADROOM_BACKEND ?? 'auto' },
      tasks: { type: 'string', default: 'reverse,anomaly' },
    },
  });
  const tasks = values.tasks.split(',').map((task) => {
    if (task !== 'reverse' && task !== 'anomaly') throw new RangeError(`--tasks: "${task}" is neither reverse nor anomaly`);
    return task;
  });
  const loadBefore = loadavg()[0]!;
  const rows: BenchResult['rows'] = [];
  for (const task of tasks) rows.push(await capture(task, values.backend === 'auto' ? 'auto' : parseBackendName(values.backend)));
  return {
    title: 'A snapshot beside a step',
    rows,
    notes: [
      machine(loadBefore),
      'Medians; steps and snapshots take turns. Share = capture / (cadence x step); the aim is at most 2 %.',
    ],
  };
}

async function capture(kind: BenchTask, name: 'auto' | BackendName): Promise<BenchResult['rows'][number]> {
  const backend = await openBackend(name);
  const config = publishedConfig(kind);
  const task = await recipeNamed(kind).open(config, dataFolderOf(undefined, process.env));
  const { layers, heads, modelDim, dropout, inputDropout } = config.model;
  const shape = { ...task.shape, layers, heads, modelDim };
  const learner = createLearner({ shape, seed: 1, optimizer: 'adam', backend });
  const output = new Output(learner.params, task, () => performance.now());
  const taker = new SnapshotTaker({ task, shape, learner, probeSize: config.probeSize }, output, null);
  const hyper = { ...config.optimizer, clip: config.clip, dropout, inputDropout };
  const batches = Array.from({ length: 8 }, (_, i) => task.trainBatch(0, i * config.batchSize, config.batchSize));
  const times = { step: [] as number[], capture: [] as number[] };
  let bytes = 0;
  let pictures = 0;
  const started = performance.now();
  for (let n = 0; n < 8 || (n < snapshots && performance.now() - started < 1000 * seconds); n++) {
    for (let i = 0; i < 5; i++) {
      const start = performance.now();
      await learner.step(batches[(5 * n + i) % batches.length]!, hyper, 5 * n + i);
      times.step.push(performance.now() - start);
    }
    const start = performance.now();
    await taker.take(5 * n, null, 'cadence', null);
    for (const { event, blob, pictures: file } of output.drain(true)) {
      // As for the link's thread: a structured clone.
      structuredClone({ event, blob });
      if (event.type === 'snapshot') bytes = event.blob.bytes;
      if (file) pictures = file.length;
    }
    times.capture.push(performance.now() - start);
  }
  learner.dispose();
  // Without the first ones, which compile.
  const [stepMs, captureMs] = [times.step.slice(10), times.capture.slice(2)].map((ms) => percentile(ms, 0.5)) as [number, number];
  return {
    task: kind,
    backend: backend.name,
    stepMs,
    captureMs,
    'captureMs p95': percentile(times.capture.slice(2), 0.95),
    ...Object.fromEntries(cadences.map((steps) => [`% at every ${steps}`, (100 * captureMs) / (steps * stepMs)])),
    snapshotKb: bytes / 1000,
    'pictures once, kB': pictures / 1000,
  };
}
