import { createHash } from 'node:crypto';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { openForTest } from '~/test/support/backends';
import { plainHyper, randomBatch, smallSet } from '~/test/support/examples';
import { type OpenedBackend, openBackend } from '~/trainer/backends';
import { kernels } from '~/trainer/backends/onnx/kernels';
import { createLearner } from '~/trainer/nn/learner';
import { hashedUniform, noise } from '~/trainer/nn/noise';

/** Every kernel that can be recorded; x [2, 3, 4] holds NaN, infinity and negative numbers, y [4], m [3, 4], ids [3] whole numbers, pictures [1, 9, 8, 3]. */
const ops: Record<string, (inputs: Record<'x' | 'y' | 'm' | 'ids' | 'pictures', Tensor>) => Tensor[]> = {
  Abs: ({ x }) => [tf.abs(x)],
  Add: ({ x, y, m, ids }) => [tf.add(x, y), tf.add(ids, ids), tf.add(tf.matMul(m as tf.Tensor2D, m as tf.Tensor2D, true), y)],
  ArgMax: ({ m }) => [tf.argMax(m, 1), tf.argMax(m, -2)],
  BatchMatMul: ({ x, m }) => [
    tf.matMul(x, x, false, true),
    tf.matMul(x, x, true, false),
    tf.matMul(m, m, true),
    tf.matMul(m, m, false, true),
    tf.matMul(x, m, false, true),
    tf.matMul(tf.expandDims(m, 0), tf.expandDims(m, 0), true),
  ],
  Cast: ({ x, ids }) => [tf.cast(ids, 'float32'), tf.cast(tf.cast(tf.greater(x, 0), 'float32'), 'int32')],
  Concat: ({ x, m }) => [tf.concat([x, x], 1), tf.concat([m, m, m], -1)],
  Equal: ({ x, ids }) => [tf.equal(ids, 1), tf.equal(x, tf.abs(x))],
  Exp: ({ x }) => [tf.exp(x)],
  ExpandDims: ({ m }) => [tf.expandDims(m, 0), tf.expandDims(m, 1), tf.expandDims(m, -1)],
  FusedConv2D: ({ pictures }) => [
    tf.fused.conv2d({ ...filters(), x: pictures as tf.Tensor4D, strides: 2, pad: 'valid', activation: 'relu' }),
    tf.fused.conv2d({ ...filters(), x: pictures as tf.Tensor4D, strides: [1, 2], pad: 'valid', activation: 'linear' }),
  ],
  Greater: ({ x, y }) => [tf.greater(x, y)],
  GreaterEqual: ({ x, y }) => [tf.greaterEqual(x, y)],
  Identity: ({ x }) => [tf.clone(x), x, x],
  Log: ({ x }) => [tf.log(x)],
  Max: ({ x, m }) => [tf.max(x, 1), tf.max(x), tf.max(m, 1, true)],
  MaxPool: ({ pictures }) => [
    tf.maxPool(pictures as tf.Tensor4D, 3, 2, 'valid'),
    tf.maxPool(pictures as tf.Tensor4D, [2, 3], [2, 1], 'valid'),
  ],
  Maximum: ({ x, y }) => [tf.maximum(x, y)],
  Mean: ({ x, m }) => [tf.mean(x, 2, true), tf.mean(m, [0, 1])],
  Minimum: ({ x, y }) => [tf.minimum(x, y)],
  Multiply: ({ x, y }) => [tf.mul(x, y), tf.mul(2, x)],
  Neg: ({ x }) => [tf.neg(x)],
  OneHot: ({ ids }) => [tf.oneHot(ids as tf.Tensor1D, 4)],
  Pack: ({ m }) => [tf.stack([m, m]), tf.stack([m, m, m], 2)],
  PadV2: ({ m }) => [tf.pad(m, [[1, 2], [0, 3]], 7)], // biome-ignore format: one row for each axis
  RealDiv: ({ x, y }) => [tf.div(x, y)],
  Relu: ({ x }) => [tf.relu(x)],
  Reshape: ({ x }) => [tf.reshape(x, [4, -1]), tf.reshape(x, [24])],
  Rsqrt: ({ x }) => [tf.rsqrt(x)],
  Select: ({ x, y }) => [
    tf.where(tf.greater(x, 0), x, y),
    tf.where(tf.greater(x, 0), x, -9e15),
    tf.where(tf.greater(y, 0), x, 1),
  ],
  Slice: ({ x, y }) => [tf.slice(x, [1, 0, 2], [1, -1, 2]), ...parts(y as tf.Tensor1D)],
  Softmax: ({ x, m }) => [tf.softmax(x), tf.softmax(m)],
  SplitV: ({ x }) => [...tf.split(x, 2, 2), ...tf.split(x, [1, 2], 1)],
  Sqrt: ({ x }) => [tf.sqrt(x)],
  Square: ({ x }) => [tf.square(x)],
  Sub: ({ x, y }) => [tf.sub(x, y)],
  Sum: ({ x, m }) => [tf.sum(x, [0, 2]), tf.sum(m), tf.sum(m, 0, true)],
  // What is repeated stays small in the graph until an op needs it whole.
  Tile: ({ y, m }) => [
    tf.tile(m, [2, 3]),
    tf.tile(tf.reshape(y, [1, 4]), [3, 1]),
    tf.sum(tf.mul(tf.tile(tf.reshape(y, [1, 4]), [3, 1]), 2), 0),
    tf.matMul(tf.tile(tf.reshape(y, [1, 4]), [3, 1]), m, false, true),
  ],
  Transpose: ({ x }) => [tf.transpose(x), tf.transpose(x, [0, 2, 1])],
  ZerosLike: ({ x, m, ids }) => [tf.zerosLike(x), tf.add(tf.zerosLike(x), m), tf.sum(tf.zerosLike(m), 0), tf.zerosLike(ids)],
};
/** Of an input, of all of it, and of what was put together. */
function parts(y: tf.Tensor1D): Tensor[] {
  const all = tf.concat([y, tf.mul(y, 2), tf.neg(y)]);
  const of = (from: number, size: number) => tf.slice(all, from, size);
  return [
    tf.slice(y, 1, 2),
    tf.slice(y, 0, 4),
    of(4, 4),
    of(4, 3),
    of(0, 12),
    tf.slice(tf.mul(y, 3), 2, 1),
    tf.slice(tf.cast(all, 'int32'), 4, 4),
  ];
}
const filters = () => ({
  filter: tf.tensor4d(
    Array.from({ length: 3 * 2 * 3 * 5 }, (_, at) => Math.sin(at)),
    [3, 2, 3, 5],
  ),
  bias: tf.tensor1d([1, -2, 3, -4, 5]),
});

const inputs = () => ({
  x: tf.tensor3d(
    [Number.NaN, Number.POSITIVE_INFINITY, -2, ...Array.from({ length: 21 }, (_, at) => 3 * Math.cos(at))],
    [2, 3, 4],
  ),
  y: tf.tensor1d([1, 0, -1, 3]),
  m: tf.tensor2d(
    Array.from({ length: 12 }, (_, at) => Math.sin(3 * at)),
    [3, 4],
  ),
  ids: tf.tensor1d([2, 0, 1], 'int32'),
  pictures: tf.tensor4d(
    Array.from({ length: 9 * 8 * 3 }, (_, at) => Math.sin(at * at)),
    [1, 9, 8, 3],
  ),
});
const names = ['x', 'y', 'm', 'ids', 'pictures'] as const;

describe('onnx', () => {
  let onnx: OpenedBackend | null;
  const lines: string[] = [];
  beforeAll(async () => {
    onnx = await openForTest('onnx');
    if (onnx) onnx = await openBackend('onnx', { threads: 2, log: (line) => lines.push(line) });
  });

  test('every kernel that it records is among these', () => {
    expect(Object.keys(ops).sort()).toEqual(Object.keys(kernels).sort());
  });

  test.for(Object.entries(ops))('%s gives the numbers, dtypes and shapes of plain JavaScript', async ([, op], { skip }) => {
    if (!onnx) return skip('onnxruntime-node does not load here');
    const run = async (name: 'cpu' | 'onnx') => {
      const { compileStep } = await openBackend(name);
      const step = compileStep((given) => op(Object.fromEntries(names.map((key, at) => [key, given[at]!])) as never));
      return tf.tidy(() => {
        const results = step.run(Object.values(inputs()));
        return { mode: step.mode, results: results.map((t) => ({ dtype: t.dtype, shape: t.shape, values: [...t.dataSync()] })) };
      });
    };
    const [{ results: expected }, { results, mode }] = [await run('cpu'), await run('onnx')];
    expect(mode).toBe('graph');
    for (const [at, { values, ...kind }] of expected.entries()) {
      const { values: ours, ...our } = results[at]!;
      expect(our).toEqual(kind);
      for (const [n, value] of values.entries())
        if (Number.isFinite(value)) expect(Math.abs(ours[n]! - value) / Math.max(1, Math.abs(value))).toBeLessThan(1e-5);
        else expect(ours[n]).toBe(value);
    }
  });

  test('an op that it does not know, and reading a tensor, let the step run op by op, which is logged', async ({ skip }) => {
    if (!onnx) return skip('onnxruntime-node does not load here');
    const { compileStep } = await openBackend('onnx', { log: (line) => lines.push(line) });
    lines.length = 0;
    for (const fn of [([x]: Tensor[]) => [tf.sin(x!)], ([x]: Tensor[]) => [tf.scalar(x!.dataSync()[0]!)]]) {
      const step = compileStep(fn);
      expect(tf.tidy(() => [...step.run([tf.tensor1d([0])])[0]!.dataSync()])).toEqual([0]);
      expect([step.mode, step.ops]).toEqual(['eager', null]);
    }
    expect(lines).toEqual(
      ['Sin', 'reading a tensor back'].map(
        (why) => `onnx runs a step op by op, which is slow, because it does not record: ${why}`,
      ),
    );
  });

  test('noise has the numbers of JavaScript', async ({ skip }) => {
    if (!onnx) return skip('onnxruntime-node does not load here');
    await openBackend('onnx');
    for (const count of [1, 63, 70_001]) {
      const made = tf.tidy(() => noise(tf.tensor1d([-7, 99], 'int32'), 5, [count]).dataSync());
      expect(made).toEqual(hashedUniform(-7, 99 + 5, new Float32Array(count)));
    }
  });

  test.for([1, 2, 3])('training gives the same bits each time, with %i threads', async (threads, { skip }) => {
    if (!onnx) return skip('onnxruntime-node does not load here');
    const trained = async () => {
      const backend = await openBackend('onnx', { threads });
      // Wide enough that more than one thread is used.
      const shape = { ...smallSet, inputDim: 256, modelDim: 256 };
      const learner = createLearner({ shape, seed: 3, optimizer: 'adam', backend });
      const hyper = { ...plainHyper, dropout: 0.1, inputDropout: 0.2, clip: { mode: 'norm', threshold: 0.1 } as const };
      for (let step = 0; step < 3; step++) await learner.step(randomBatch(shape, 40, step), hyper, step);
      const { params } = await learner.state();
      learner.dispose();
      return createHash('sha256').update(params).digest('hex');
    };
    expect(await trained()).toBe(await trained());
  });

  test('the array of a tensor of which a part is in use is not written again', async ({ skip }) => {
    if (!onnx) return skip('onnxruntime-node does not load here');
    const { compileStep } = await openBackend('onnx');
    const step = compileStep(([x]) => [tf.add(x!, 1)]);
    const parts: Tensor[] = [];
    for (let at = 0; at < 6; at++) {
      const x = tf.tensor1d([at, at, at]);
      const [sum] = step.run([x]);
      parts.push(tf.slice(sum as tf.Tensor1D, 1, 2));
      tf.dispose([x, sum!]);
    }
    expect(parts.map((part) => part.dataSync()[0])).toEqual([1, 2, 3, 4, 5, 6]);
    tf.dispose(parts);
    step.dispose();
  });

  test('the array of a tensor that was read is not written again, and tensors are not leaked', async ({ skip }) => {
    if (!onnx) return skip('onnxruntime-node does not load here');
    const { compileStep } = await openBackend('onnx');
    const step = compileStep(([x]) => [tf.add(x!, 1), tf.mul(x!, 2)]);
    const before = tf.memory().numTensors;
    const read: Float32Array[] = [];
    for (let at = 0; at < 6; at++) {
      const x = tf.tensor1d([at]);
      const [sum, product] = step.run([x]);
      read.push(await sum!.data<'float32'>());
      tf.dispose([x, sum!, product!]);
    }
    expect(read.map(([value]) => value)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(tf.memory().numTensors).toBe(before);
    step.dispose();
  });
});
