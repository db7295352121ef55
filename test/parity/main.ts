/**
 * `npm run parity -- FILE.safetensors... [--backend B]`: compares this trainer's numbers with recorded numbers of PyTorch.
 *
 * A file holds, in f32 unless said otherwise: `init.*` (parameters under PyTorch's names), `batches` (ids [steps, batch, T] i32 or features
 * [steps, batch, T, I]), `labels` i32; for the first batch `logits`, `attention.L`, `grad.*`, `loss`, `accuracy`; for all steps `trajectory.loss`,
 * `.grad_norm`, `.lr`, and after them `final.*`; in its metadata the set-up as JSON under `case` (test/fixtures/reference.py writes such files).
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { backendNames } from '~/shared/backends';
import { parseSafetensors, type TensorFile } from '~/shared/safetensors';
import { rateAt } from '~/shared/schedule';
import { type OpenedBackend, openBackend, parseBackendName } from '~/trainer/backends';
import { batchTensors } from '~/trainer/nn/batch';
import { createLearner, lossAndGradients } from '~/trainer/nn/learner';
import { type OptimizerKind, unflatten } from '~/trainer/nn/optimizer';
import { paramCount, paramSpecs } from '~/trainer/nn/params';
import type { Batch, Hyper, ModelShape, ParamSpec } from '~/trainer/types';

/** Largest differences with which a file passes: relative to the largest reference number of its group (all gradients are one group). */
const tolerances = { logits: 1e-4, attention: 1e-4, loss: 1e-4, accuracy: 1e-4, gradient: 1e-4, trajectory: 1e-3 } as const;

const help = `npm run parity -- FILE.safetensors... [--backend ${['auto', ...backendNames].join('|')}]
Compares logits, attention, loss, gradients and a training trajectory with PyTorch's numbers in FILE. Exit code: 0 all within tolerance
(${tolerances.logits} on one batch, ${tolerances.trajectory} on the trajectory), 1 past it, 2 a file or flag that cannot be used.`;

const count = z.int().min(1);
const share = z.number().min(0).lt(1);
const caseSchema = z.object({
  input_dim: count,
  model_dim: count,
  num_heads: count,
  num_layers: count,
  num_classes: count,
  seq_len: count,
  batch: count,
  steps: count,
  lr: z.number().positive(),
  warmup: z.int().min(0),
  max_iters: count,
  clip: z.number(),
  positional: z.boolean(),
  causal: z.boolean().default(false),
  embedding: z.enum(['onehot', 'learned']).optional(),
  optimizer: z.enum(['adam', 'adamw', 'sgd']).default('adam'),
  beta1: share.default(0.9),
  beta2: share.default(0.999),
  eps: z.number().positive().default(1e-8),
  weight_decay: z.number().min(0).default(0),
  momentum: share.default(0.9),
  schedule: z.enum(['cosine', 'linear', 'constant']).default('cosine'),
  clip_mode: z.enum(['norm', 'value']).default('norm'),
});
/** Keys that describe a case and do not change its numbers. */
const silent = ['task', 'seed', 'name', 'title', 'notes'];

/** The file is not a complete reference case. */
export class ParityFileError extends Error {
  override name = 'ParityFileError';
}

/** One line of the report. */
export interface Comparison {
  name: string;
  /** Largest |ours - theirs|; NaN or infinite if one of the numbers is. */
  absolute: number;
  /** `absolute` divided by the largest |theirs| of this tensor. */
  relative: number;
  /** null = shown, not judged. */
  ok: boolean | null;
}

interface Reference {
  optimizer: OptimizerKind;
  shape: ModelShape;
  specs: ParamSpec[];
  batches: Batch[];
  hyperAt: (step: number) => Hyper;
  read: (name: string, shape: readonly number[]) => Float32Array;
}

function readReference(bytes: Uint8Array): Reference {
  const file = parseSafetensors(bytes);
  const c = readCase(file);
  const ids = file.tensors.get('batches')?.dtype === 'I32';
  // One label per position, or one per example if the output is a set.
  const set = file.tensors.get('labels')?.shape.length === 2;
  const learned = c.embedding === undefined ? file.tensors.has('init.embedding.weight') : c.embedding === 'learned';
  const shape: ModelShape = {
    input: !ids ? 'features' : learned ? 'learned' : 'onehot',
    inputDim: c.input_dim,
    seqLen: c.seq_len,
    positional: c.positional,
    causal: c.causal,
    output: set ? 'set' : 'position',
    outputDim: c.num_classes,
    modelDim: c.model_dim,
    layers: c.num_layers,
    heads: c.num_heads,
  };
  const read = (name: string, dims: readonly number[]) => readTensor(file, name, dims) as Float32Array;
  const inputs = readTensor(file, 'batches', [c.steps, c.batch, c.seq_len, ...(ids ? [] : [c.input_dim])], ids ? 'I32' : 'F32');
  const labels = readTensor(file, 'labels', [c.steps, c.batch, ...(set ? [] : [c.seq_len])], 'I32') as Int32Array;
  const part = <T extends Int32Array | Float32Array>(all: T, step: number) =>
    all.subarray((step * all.length) / c.steps, ((step + 1) * all.length) / c.steps) as T;
  // PyTorch's schedule, also after the end of the cosine.
  const kind = c.schedule === 'cosine' ? 'cosine-periodic' : c.schedule;
  const plan = { kind, base: c.lr, warmupSteps: c.warmup, endStep: c.max_iters } as const;
  return {
    optimizer: c.optimizer,
    shape,
    specs: paramSpecs(shape),
    batches: Array.from({ length: c.steps }, (_, at) => ({ size: c.batch, inputs: part(inputs, at), labels: part(labels, at) })),
    hyperAt: (step) => ({
      learningRate: rateAt(plan, step),
      ...{ beta1: c.beta1, beta2: c.beta2, epsilon: c.eps, weightDecay: c.weight_decay, momentum: c.momentum },
      ...{ dropout: 0, inputDropout: 0 },
      clip: c.clip > 0 ? { mode: c.clip_mode, threshold: c.clip } : { mode: 'off', threshold: 1 },
    }),
    read,
  };
}

function readCase({ metadata }: TensorFile): z.infer<typeof caseSchema> {
  if (metadata.case === undefined)
    throw new ParityFileError(
      'a safetensors file, but no reference case: its metadata has no "case" (test/fixtures/reference.py writes it)',
    );
  let value: unknown;
  try {
    value = JSON.parse(metadata.case);
  } catch {
    throw new ParityFileError('metadata "case" is not JSON');
  }
  const parsed = caseSchema.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'case'}: ${issue.message}`);
    throw new ParityFileError(`metadata "case" is not a set-up: ${problems.join('; ')}`);
  }
  // An unknown key could change the computation and would look like an error of ours.
  const known = new Set([...Object.keys(caseSchema.shape), ...silent]);
  const unknown = Object.keys(value as object).filter((key) => !known.has(key));
  if (unknown.length > 0)
    throw new ParityFileError(
      `metadata "case" has ${unknown.join(', ')}, which this comparison does not know; it knows ${[...known].join(', ')}`,
    );
  return parsed.data;
}

function readTensor(file: TensorFile, name: string, shape: readonly number[], dtype: 'F32' | 'I32' = 'F32') {
  const stored = file.tensors.get(name);
  if (!stored) throw new ParityFileError(`tensor "${name}" is missing`);
  if (stored.dtype !== dtype) throw new ParityFileError(`tensor "${name}": dtype ${stored.dtype}, expected ${dtype}`);
  if (stored.shape.join() !== shape.join())
    throw new ParityFileError(`tensor "${name}": shape [${stored.shape.join(', ')}], the case needs [${shape.join(', ')}]`);
  return stored.data as Float32Array | Int32Array;
}

function largest(values: ArrayLike<number>): number {
  let most = 0;
  for (let at = 0; at < values.length; at++) most = Math.max(most, Math.abs(values[at]!));
  return most;
}

/** @param tolerance null: not judged @param scale divisor of the relative difference; default: the largest number of `theirs` */
function compare(
  name: string,
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
  tolerance: number | null,
  scale?: number,
): Comparison {
  if (ours.length !== theirs.length) throw new Error(`${name}: expected ${theirs.length} numbers, got ${ours.length}`);
  let absolute = 0;
  for (let at = 0; at < ours.length; at++) {
    const difference = ours[at] === theirs[at] ? 0 : Math.abs(ours[at]! - theirs[at]!);
    if (!(difference <= absolute)) absolute = difference;
    if (Number.isNaN(difference)) break;
  }
  const own = largest(theirs);
  const ok = tolerance === null ? null : absolute <= tolerance * (scale ?? own);
  return { name, absolute, relative: absolute === 0 ? 0 : absolute / own, ok };
}

/**
 * Runs one reference file on the current backend.
 * @throws ParityFileError or SafetensorsError when the file is of another format, corrupt or incomplete
 */
export async function compareWithReference(bytes: Uint8Array, backend: OpenedBackend): Promise<Comparison[]> {
  const { optimizer, shape, specs, batches, hyperAt, read } = readReference(bytes);
  const { layers, heads, seqLen } = shape;
  const first = batches[0]!;
  const init = new Float32Array(paramCount(specs));
  for (const { name, shape: dims, offset } of specs) init.set(read(`init.${name}`, dims), offset);
  const gradients = specs.map(({ name, shape: dims }) => read(`grad.${name}`, dims));
  const gradientScale = Math.max(...gradients.map(largest));

  const learner = createLearner({ shape, seed: 0, optimizer, backend });
  learner.load({ params: init, m: null, v: null, updates: 0 });
  const rows: Comparison[] = [];
  try {
    const attended = await learner.attend(first);
    const logitsShape = shape.output === 'set' ? [first.size, seqLen] : [first.size, seqLen, shape.outputDim];
    rows.push(compare('logits', attended.logits, read('logits', logitsShape), tolerances.logits));
    const mapSize = heads * seqLen * seqLen;
    for (let layer = 0; layer < layers; layer++) {
      const ours = new Float32Array(first.size * mapSize);
      for (let at = 0; at < first.size; at++) {
        const from = (at * layers + layer) * mapSize;
        ours.set(attended.maps.subarray(from, from + mapSize), at * mapSize);
      }
      const theirs = read(`attention.${layer}`, [first.size, heads, seqLen, seqLen]);
      rows.push(compare(`attention.${layer}`, ours, theirs, tolerances.attention));
    }
    rows.push(compare('loss', [attended.loss], read('loss', [1]), tolerances.loss));
    rows.push(compare('accuracy', [attended.accuracy], read('accuracy', [1]), tolerances.accuracy));
    const ours = await gradientsOf(init, specs, shape, first, backend);
    for (const [at, { name }] of specs.entries())
      rows.push(compare(`grad.${name}`, ours[at]!, gradients[at]!, tolerances.gradient, gradientScale));

    const trajectory = { loss: [] as number[], grad_norm: [] as number[], lr: [] as number[] };
    for (const [step, batch] of batches.entries()) {
      const hyper = hyperAt(step);
      const metrics = await learner.step(batch, hyper, step);
      trajectory.loss.push(metrics.loss);
      trajectory.grad_norm.push(metrics.gradNorm);
      trajectory.lr.push(hyper.learningRate);
    }
    for (const [name, values] of Object.entries(trajectory))
      rows.push(compare(`trajectory.${name}`, values, read(`trajectory.${name}`, [batches.length]), tolerances.trajectory));
    // Not judged: where a gradient is zero except for rounding (a key's bias, a set's output bias), Adam turns the rounding into steps of +-lr.
    const { params } = await learner.state();
    for (const { name, shape: dims, offset, size } of specs)
      rows.push(compare(`final.${name}`, params.subarray(offset, offset + size), read(`final.${name}`, dims), null));
    return rows;
  } finally {
    learner.dispose();
  }
}

async function gradientsOf(params: Float32Array, specs: ParamSpec[], shape: ModelShape, batch: Batch, backend: OpenedBackend) {
  const { tensor1d } = await import('@tensorflow/tfjs-core');
  const compiled = backend.compileStep(([flat, x, labels]) => {
    const { grads } = lossAndGradients(unflatten(flat as Tensor1D, specs), shape, x!, labels!);
    return specs.map(({ name }) => grads[name]!);
  });
  const { x, labels } = batchTensors(batch, shape);
  const inputs: Tensor[] = [tensor1d(params), x, labels];
  const outputs = compiled.run(inputs);
  const values = await Promise.all(outputs.map((output) => output.data<'float32'>()));
  for (const used of [...inputs, ...outputs]) used.dispose();
  compiled.dispose();
  return values;
}

function report(file: string, rows: Comparison[]): string {
  const width = Math.max(...rows.map((row) => row.name.length));
  const verdict = (ok: boolean | null) => (ok === null ? '-' : ok ? 'ok' : 'PAST TOLERANCE');
  const line = ({ name, absolute, relative, ok }: Comparison) =>
    `  ${name.padEnd(width)}  ${absolute.toExponential(2).padStart(9)}  ${relative.toExponential(2).padStart(9)}  ${verdict(ok)}`;
  const failed = rows.filter((row) => row.ok === false).length;
  return [
    file,
    `  ${'largest error'.padEnd(width)}  ${'absolute'.padStart(9)}  ${'relative'.padStart(9)}`,
    ...rows.map(line),
    failed === 0 ? `  passed` : `  failed: ${failed} of ${rows.length} past tolerance`,
  ].join('\n');
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { backend: { type: 'string', default: process.env.HEADROOM_BACKEND ?? 'auto' }, help: { type: 'boolean' } },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (positionals.length === 0) throw new RangeError(`name at least one file\n${help}`);
  const choice = values.backend === 'auto' ? 'auto' : parseBackendName(values.backend);
  const backend = await openBackend(choice, { log: (line) => console.log(line) });
  let code = 0;
  for (const file of positionals) {
    try {
      const rows = await compareWithReference(await readFile(file), backend);
      console.log(report(file, rows));
      if (rows.some((row) => row.ok === false)) code = Math.max(code, 1);
    } catch (error) {
      console.error(`${file}: ${(error as Error).message}`);
      code = 2;
    }
  }
  return code;
}

if (import.meta.filename === process.argv[1]) {
  main()
    .then((code) => {
      process.exitCode = code;
    })
    .catch((error: Error) => {
      console.error(`parity: ${error.message}`);
      process.exitCode = 2;
    });
}
