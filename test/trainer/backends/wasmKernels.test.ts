import { createHash } from 'node:crypto';
import { matMul, mul, ones, scalar, type Tensor, type Tensor1D, tensor, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { openForTest } from '~/test/support/backends';
import { plainHyper, randomBatch, smallReverse, smallSet } from '~/test/support/examples';
import { type OpenedBackend, openBackend } from '~/trainer/backends';
import { KernelPool } from '~/trainer/backends/wasm/pool';
import { batchTensors } from '~/trainer/nn/batch';
import { lossAndGradients } from '~/trainer/nn/learner';
import { Dropout, type ForwardOptions } from '~/trainer/nn/model';
import { unflatten, update, updatePlan, updateScalars } from '~/trainer/nn/optimizer';
import { initialParams, paramSpecs } from '~/trainer/nn/params';
import { RandomStream } from '~/trainer/nn/random';
import type { Hyper, ModelShape } from '~/trainer/types';

// The wasm kernels, and ONNX Runtime's graphs, against the tfjs ops that they replace, computed by the plain JavaScript backend.

/** Widths, lengths and rows that no vector, strip or block divides; more rows than a block has. */
const odd: ModelShape = {
  ...smallReverse,
  input: 'learned',
  inputDim: 11,
  seqLen: 13,
  outputDim: 9,
  modelDim: 30,
  heads: 5,
  layers: 2,
};

const causal = (t: number) =>
  tensor2d(
    Float32Array.from({ length: t * t }, (_, at) => (at % t <= Math.floor(at / t) ? 1 : 0)),
    [t, t],
  );
const dropout = (seed: Tensor) => new Dropout(seed as Tensor1D, scalar(0.3), scalar(0.2));

const cases: [string, ModelShape, number, (seed: Tensor) => ForwardOptions][] = [
  ['odd sizes', odd, 41, () => ({})],
  ['dropout: the same noise as in JavaScript', odd, 5, (seed) => ({ dropout: dropout(seed) })],
  ['a mask', odd, 3, () => ({ mask: causal(odd.seqLen) })],
  ['causal', { ...odd, causal: true }, 41, () => ({})],
  [
    'causal, with dropout and a mask',
    { ...odd, causal: true },
    5,
    (seed) => ({ dropout: dropout(seed), mask: causal(odd.seqLen) }),
  ],
  ['causal, one position', { ...odd, seqLen: 1, causal: true }, 3, () => ({})],
  ['a set', smallSet, 9, () => ({})],
  ['one position, one example, width 2', { ...smallReverse, seqLen: 1, modelDim: 2, heads: 1, layers: 1 }, 1, () => ({})],
];

const apart = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, value, at) => Math.max(most, Math.abs(value - b[at]!)), 0);
/** At least 1: gradients are small, and some are 0 but for rounding. */
const largest = (values: number[]) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);

describe.each(['wasm', 'onnx'] as const)('%s', (name) => {
  test.for(cases)('loss, maps and gradients are those of plain JavaScript: %s', async ([, shape, size, options], { skip }) => {
    const specs = paramSpecs(shape);
    const batch = randomBatch(shape, size, 17);
    const run = async ({ compileStep }: OpenedBackend) => {
      const step = compileStep(([flat, x, labels, seed]) => {
        const p = unflatten(flat as Tensor1D, specs);
        const { means, logits, maps, grads } = lossAndGradients(p, shape, x!, labels!, options(seed!));
        return [means, logits, ...maps, ...specs.map(({ name: param }) => grads[param]!)];
      });
      return tidy(() => {
        const { x, labels } = batchTensors(batch, shape);
        const inputs = [tensor1d(initialParams(shape, 2)), x, labels, tensor1d([-123456789, 7], 'int32')];
        return step.run(inputs).map((t) => [...t.dataSync()]);
      });
    };
    const backend = await openForTest(name);
    if (!backend) return skip(`${name} does not load here`);
    const actual = await run(backend);
    const expected = await run(await openBackend('cpu'));
    for (const [at, values] of expected.entries()) expect(apart(actual[at]!, values) / largest(values)).toBeLessThan(3e-6);
  });
});

test('Adam and AdamW in one pass are those of the ops they replace, clipped either way, with and without weight decay', async () => {
  const stream = new RandomStream(4, 'adam');
  const numbers = (from: number, power: number) =>
    Float32Array.from({ length: 1003 }, (_, at) => stream.normal(from + at) ** power);
  const [params, m, v, g] = [numbers(0, 1), numbers(2000, 1), numbers(4000, 2), numbers(6000, 1)];
  const variants: ['adam' | 'adamw', Partial<Hyper>][] = [
    ['adam', {}],
    ['adam', { weightDecay: 0.1, clip: { mode: 'norm', threshold: 1 } }],
    ['adamw', { weightDecay: 0.1, clip: { mode: 'value', threshold: 0.3 } }],
  ];
  for (const [kind, changes] of variants) {
    const hyper = { ...plainHyper, ...changes };
    const run = async (name: 'cpu' | 'wasm') => {
      await openBackend(name);
      return tidy(() => {
        const state = { params: tensor1d(params), m: tensor1d(m), v: tensor1d(v) };
        const scalars = tensor1d(updateScalars(kind, hyper, 3));
        const next = update(state, tensor1d(g), scalar(Math.hypot(...g)), scalars, updatePlan(kind, hyper));
        return [next.params, next.m, next.v].map((t) => t.dataSync());
      });
    };
    const [expected, actual] = [await run('cpu'), await run('wasm')];
    for (const [at, values] of expected.entries()) expect(apart(actual[at]!, values)).toBeLessThan(1e-6);
  }
});

test('matMul broadcasts and transposes as tfjs does', async () => {
  const stream = new RandomStream(8, 'matMul');
  const values = (count: number, from: number) => Float32Array.from({ length: count }, (_, at) => stream.normal(from + at));
  const run = async (name: 'cpu' | 'wasm') => {
    await openBackend(name);
    return tidy(() => {
      const a = tensor(values(2 * 3 * 5 * 7, 0), [2, 3, 5, 7]);
      const b = tensor(values(2 * 3 * 4 * 7, 900), [2, 3, 4, 7]);
      const c = tensor(values(5 * 6, 1800), [5, 6]);
      return [matMul(a, b, false, true), matMul(a, c, true, false), matMul(c, c, true, false)].map((t) => [...t.dataSync()]);
    });
  };
  const [expected, actual] = [await run('cpu'), await run('wasm')];
  for (const [at, list] of expected.entries()) expect(apart(actual[at]!, list)).toBeLessThan(1e-5);
});

test('a tensor for which there is no memory is refused in plain words, and the memory that is there still serves', async () => {
  await openBackend('wasm');
  expect(() => tidy(() => mul(ones([33_000, 1]), ones([1, 33_000])))).toThrow(
    'wasm: no memory for 4356000000 more bytes, WebAssembly has 4 GiB in all; a smaller batch or more accumulation takes less, and onnx has no such limit',
  );
  expect(tidy(() => [...ones([3]).dataSync()])).toEqual([1, 1, 1]);
});

test('the numbers do not depend on how many threads share the work', () => {
  const memory = new WebAssembly.Memory({ initial: 100, maximum: 65_536, shared: true });
  const [m, n, k] = [203, 37, 300];
  const [a, b, c, scratch] = [0, 1, 2, 3].map((at) => 1024 + at * 1_000_000) as [number, number, number, number];
  const stream = new RandomStream(6, 'threads');
  const place = (address: number, count: number) => new Float32Array(memory.buffer, address, count);
  place(a, m * k).set(Float32Array.from({ length: m * k }, (_, at) => stream.normal(at)));
  place(b, n * k).set(Float32Array.from({ length: n * k }, (_, at) => stream.normal(at + 1e6)));
  const results = [1, 2, 3].map((threads) => {
    const pool = new KernelPool(memory, threads);
    const seen = new Set<string>();
    // Often enough that workers have started and take parts.
    for (let round = 0; round < 100; round++) {
      place(c, m * n).fill(Number.NaN);
      pool.run('gemm', a, 1, m, b, 1, k, c, 0, m, n, k, scratch);
      seen.add(
        createHash('sha256')
          .update(Uint8Array.from(new Uint8Array(memory.buffer, c, 4 * m * n)))
          .digest('hex'),
      );
    }
    return [...seen];
  });
  expect(results[0]).toHaveLength(1);
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

beforeAll(async () => {
  expect((await openBackend('wasm')).threads).toBeGreaterThanOrEqual(1);
});
