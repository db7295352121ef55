/**
 * `npm run bench -- anomaly [--epochs N] [--model-dim N] [--layers N] [--seeds 1,2,3] [--images builtin|cifar100|folder] [--backend B] [--vs-pytorch]`: accuracy on
 * the anomaly task of our trainer and of PyTorch on the same features and sets.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { dataFolderOf } from '~/shared/dataFolder';
import { metricWithRole } from '~/shared/evaluations';
import { publishedConfig, recipeNamed } from '~/test/support/setups';
import { type BackendName, type OpenedBackend, openBackend, parseBackendName } from '~/trainer/backends';
import type { RunConfig } from '~/trainer/base/config';
import type { PictureSet, PictureSource } from '~/trainer/base/pictures';
import { anomalyTaskOf } from '~/trainer/recipes/anomaly';
import { loadPictures } from '~/trainer/recipes/pictures/pictureSet';
import { train } from '~/trainer/run/train';
import type { Batch, CommandSource } from '~/trainer/types';
import type { BenchResult } from './main';
import { pythonWithTorch } from './python';

interface Reached {
  validation: number;
  test: number;
  seconds: number;
}

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args,
    options: {
      epochs: { type: 'string', default: '4' },
      'model-dim': { type: 'string', default: '64' },
      layers: { type: 'string', default: '2' },
      seeds: { type: 'string', default: '1,2,3' },
      images: { type: 'string', default: 'builtin' },
      data: { type: 'string', default: dataFolderOf(undefined, process.env) },
      backend: { type: 'string', default: 'auto' },
      'vs-pytorch': { type: 'boolean', default: false },
    },
  });
  const seeds = values.seeds.split(',').map(Number);
  const recipe = recipeNamed('anomaly');
  const published = publishedConfig('anomaly');
  const configOf = (seed: number): RunConfig =>
    recipe.parse({
      ...published,
      seed,
      task: { ...published.task, images: values.images },
      model: { ...published.model, layers: Number(values.layers), modelDim: Number(values['model-dim']) },
      epochs: Number(values.epochs),
      snapshotEverySteps: 1_000_000,
      checkpointEverySteps: 1_000_000,
    });
  const config = configOf(seeds[0]!);
  const python = values['vs-pytorch'] ? await pythonWithTorch() : null;
  const setSize = config.task.setSize as number;
  const dataFolder = resolve(values.data);
  const pictures = await loadPictures(values.images as PictureSource, setSize, dataFolder);
  const backend = await openBackend(values.backend === 'auto' ? 'auto' : (parseBackendName(values.backend) as BackendName));

  const sides: Record<string, Reached[]> = { ours: [], ...(python && { pytorch: [] }) };
  const rows: BenchResult['rows'] = [];
  const note = (side: string, seed: number, reached: Reached) => {
    sides[side]!.push(reached);
    const percent = { 'validation%': 100 * reached.validation, 'test%': 100 * reached.test };
    rows.push({ side: side === 'ours' ? `headroom, ${backend.name}` : 'pytorch', seed, ...percent, seconds: reached.seconds });
    console.error(`${side} seed ${seed}: test ${(100 * reached.test).toFixed(2)} %`);
  };
  for (const seed of seeds) {
    note('ours', seed, await ours(configOf(seed), backend, dataFolder));
    if (python) note('pytorch', seed, await theirs(python, configOf(seed), pictures, setSize));
  }
  const notes = [
    `${pictures.title}; ${config.epochs} epochs, ${config.model.layers} layers x ${config.model.heads} heads, width ${config.model.modelDim}; everything else as published (100 epochs, 4 x 4, width 256).`,
    ...Object.entries(sides).map(([side, all]) => `${side}: test ${spread(all.map((r) => r.test))}`),
  ];
  if (sides.pytorch) notes.push(comparison(sides.ours!, sides.pytorch));
  return { title: `Odd one out, ${seeds.length} seeds a side`, rows, notes };
}

const silent: CommandSource = { take: () => [], wait: () => new Promise(() => {}) };

async function ours(config: RunConfig, backend: OpenedBackend, dataFolder: string): Promise<Reached> {
  const start = performance.now();
  const reached = { validation: Number.NaN, test: Number.NaN };
  for await (const { event } of train({
    recipe: recipeNamed('anomaly'),
    config,
    backend,
    commands: silent,
    resume: null,
    startFrom: null,
    dataFolder,
  })) {
    if (event.type === 'evaluation' && event.trigger === 'end' && (event.split === 'validation' || event.split === 'test'))
      reached[event.split] = metricWithRole(event, 'accuracy')!.value;
    if (event.type === 'status' && event.status === 'failed') throw new Error(event.message);
  }
  return { ...reached, seconds: (performance.now() - start) / 1000 };
}

/** PyTorch receives the same sets as picture indices: a task whose only feature is the index draws them. */
async function theirs(python: string, config: RunConfig, set: PictureSet, setSize: number): Promise<Reached> {
  const indexed = (part: PictureSet['train']) => ({ ...part, features: Float32Array.from(part.labels, (_, i) => i) });
  const task = anomalyTaskOf(config.seed, setSize, { ...set, featureDim: 1, train: indexed(set.train), test: indexed(set.test) });
  const stepsPerEpoch = Math.floor(task.sizes.train / config.batchSize);
  const folder = mkdtempSync(join(tmpdir(), 'headroom-bench-'));
  const write = (name: string, data: Float32Array | Int32Array) =>
    writeFileSync(join(folder, name), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const writeSets = (name: string, batches: Batch[]) => {
    write(`${name}.sets`, Int32Array.from(batches.flatMap((b) => [...b.inputs])));
    write(`${name}.labels`, Int32Array.from(batches.flatMap((b) => [...b.labels])));
  };
  try {
    write('train.features', set.train.features);
    write('test.features', set.test.features);
    const epochs = Array.from({ length: config.epochs }, (_, epoch) =>
      task.trainBatch(epoch, 0, stepsPerEpoch * config.batchSize),
    );
    writeSets('train', epochs);
    for (const split of ['validation', 'test'] as const) writeSets(split, [...task.evaluationBatches(split, 256)]);
    const { layers, heads, modelDim, dropout, inputDropout } = config.model;
    const options = {
      seed: config.seed,
      threads: 2,
      setSize,
      featureDim: set.featureDim,
      layers,
      heads,
      modelDim,
      dropout,
      inputDropout,
      stepsPerEpoch,
    };
    const { learningRate } = config.optimizer;
    const { epochs: count, batchSize, schedule, clip } = config;
    const rest = { epochs: count, batchSize, learningRate, warmupSteps: schedule.warmupSteps, clip: clip.threshold };
    writeFileSync(join(folder, 'options.json'), JSON.stringify({ ...options, ...rest }));
    const child = spawn(python, [join(import.meta.dirname, 'anomaly/pytorch.py'), folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    const code = await new Promise((done) => child.on('close', done));
    if (code !== 0) throw new Error(`pytorch.py ended with ${code}`);
    return JSON.parse(out) as Reached;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const meanOf = (x: number[]): number => x.reduce((a, b) => a + b, 0) / x.length;
/** Standard error of the mean, from the sample's spread. */
const errorOf = (x: number[]): number =>
  Math.sqrt(x.reduce((a, b) => a + (b - meanOf(x)) ** 2, 0) / Math.max(1, x.length - 1) / x.length);
const spread = (x: number[]): string => `${(100 * meanOf(x)).toFixed(2)} +- ${(100 * errorOf(x)).toFixed(2)} %`;

function comparison(ours: Reached[], theirs: Reached[]): string {
  const [a, b] = [ours.map((r) => r.test), theirs.map((r) => r.test)];
  const difference = 100 * (meanOf(a) - meanOf(b));
  const noise = 100 * Math.hypot(errorOf(a), errorOf(b));
  const within = Math.abs(difference) <= 2 * noise;
  return `difference ${difference.toFixed(2)} points, standard error ${noise.toFixed(2)}: ${within ? 'within' : 'beyond'} two standard errors`;
}
