import { scalar, type Tensor, type Tensor2D, tensor1d, tensor2d, tensor3d, tidy } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomBatch, smallReverse, smallSet } from '~/test/support/examples';
import { openBackend } from '~/trainer/backends';
import { batchTensors } from '~/trainer/nn/batch';
import { lossAndGradients } from '~/trainer/nn/learner';
import { Dropout, type ForwardOptions, forward } from '~/trainer/nn/model';
import { unflatten } from '~/trainer/nn/optimizer';
import { initialParams, paramSpecs } from '~/trainer/nn/params';
import type { Batch, ModelShape } from '~/trainer/types';

beforeAll(async () => {
  await openBackend('cpu');
});

const causal = (seqLen: number) =>
  tensor2d(
    Float32Array.from({ length: seqLen * seqLen }, (_, at) => (at % seqLen <= Math.floor(at / seqLen) ? 1 : 0)),
    [seqLen, seqLen],
  );

/** Logits [N, C] and maps of a batch, as plain numbers. */
function run(shape: ModelShape, batch: Batch, options: () => ForwardOptions = () => ({}), params = initialParams(shape, 5)) {
  return tidy(() => {
    const { x } = batchTensors(batch, shape);
    const { logits, maps } = forward(unflatten(tensor1d(params), paramSpecs(shape)), shape, x, options());
    expect(maps.map((map) => map.size)).toEqual(Array(shape.layers).fill(batch.size * shape.heads * shape.seqLen ** 2));
    return { logits: [...logits.dataSync()], maps: maps.map((map) => [...map.dataSync()]) };
  });
}

describe('gradients', () => {
  const cases: [string, ModelShape, (shape: ModelShape) => ForwardOptions][] = [
    ['one-hot input, positions', smallReverse, () => ({})],
    ['learned embedding', { ...smallReverse, input: 'learned' }, () => ({})],
    ['a set of features', smallSet, () => ({})],
    ['causal', { ...smallReverse, causal: true }, () => ({})],
    ['a mask', smallReverse, ({ seqLen }) => ({ mask: causal(seqLen) })],
    [
      'dropout everywhere',
      { ...smallReverse, input: 'learned' },
      () => ({ dropout: new Dropout(tensor1d([7, 11], 'int32'), scalar(0.2), scalar(0.3)) }),
    ],
  ];
  test.each(cases)('equal finite differences: %s', (_, shape, options) => {
    const specs = paramSpecs(shape);
    const batch = randomBatch(shape, 4, 3);
    const start = initialParams(shape, 9);
    const evaluate = (params: Float32Array) =>
      tidy(() => {
        const { x, labels } = batchTensors(batch, shape);
        const { means, grads } = lossAndGradients(unflatten(tensor1d(params), specs), shape, x, labels, options(shape));
        return { loss: means.dataSync()[0]!, grads: specs.map(({ name }) => Float32Array.from(grads[name]!.dataSync())) };
      });
    const { grads } = evaluate(start);
    for (const [at, { name, offset, size }] of specs.entries()) {
      // Along its own gradient a parameter changes the loss most: by |g| per unit. h balances f32 rounding against curvature and ReLU kinks.
      const gradient = grads[at]!;
      const norm = Math.hypot(...gradient);
      const direction = norm > 0 ? gradient.map((g) => g / norm) : gradient.map(() => 1 / Math.sqrt(size));
      const h = 1.5e-3;
      const moved = (sign: number) =>
        evaluate(
          start.map((p, index) => (index >= offset && index < offset + size ? p + sign * h * direction[index - offset]! : p)),
        );
      const slope = (moved(1).loss - moved(-1).loss) / (2 * h);
      expect(Math.abs(slope - norm), `${name}: slope ${slope}, gradient ${norm}`).toBeLessThan(5e-4 + 0.03 * norm);
    }
  });

  test('every parameter has one, of its shape', () => {
    const shape: ModelShape = { ...smallReverse, input: 'learned' };
    const specs = paramSpecs(shape);
    const shapes = tidy(() => {
      const { x, labels } = batchTensors(randomBatch(shape, 2, 1), shape);
      const { grads } = lossAndGradients(unflatten(tensor1d(initialParams(shape, 1)), specs), shape, x, labels);
      return Object.fromEntries(Object.entries(grads).map(([name, grad]: [string, Tensor]) => [name, grad.shape]));
    });
    expect(shapes).toEqual(Object.fromEntries(specs.map(({ name, shape: dims }) => [name, dims])));
  });
});

describe('masks', () => {
  /** Position 0 must not see position 3's input, through however many layers. */
  const changed = (batch: Batch) => {
    const inputs = batch.inputs.slice();
    inputs[3] = (inputs[3]! + 1) % smallReverse.inputDim;
    return { ...batch, inputs };
  };
  const classes = smallReverse.outputDim;

  test('[T, T] holds in every layer: with a causal mask, what comes later changes nothing earlier', () => {
    const shape = { ...smallReverse, layers: 4 };
    const batch = randomBatch(shape, 1, 2);
    const options = () => ({ mask: causal(shape.seqLen) });
    const [before, after] = [run(shape, batch, options), run(shape, changed(batch), options)];
    expect(after.logits.slice(0, 3 * classes)).toEqual(before.logits.slice(0, 3 * classes));
    expect(after.logits.slice(3 * classes)).not.toEqual(before.logits.slice(3 * classes));
    for (const map of before.maps)
      for (const [at, weight] of map.entries()) {
        const [row, column] = [Math.floor(at / shape.seqLen) % shape.seqLen, at % shape.seqLen];
        if (column > row) expect(weight).toBe(0);
      }
  });

  test('[B, T, T] holds per example', () => {
    const shape = smallReverse;
    const t = shape.seqLen;
    const batch = randomBatch(shape, 2, 4);
    const open = new Float32Array(t * t).fill(1);
    const closed = Float32Array.from(causal(t).dataSync());
    const options = () => ({ mask: tensor3d([...closed, ...open], [2, t, t]) });
    const both = run(shape, batch, options);
    const alone = (at: number, mask: Tensor2D) => {
      const part = {
        size: 1,
        inputs: batch.inputs.slice(at * t, (at + 1) * t),
        labels: batch.labels.slice(at * t, (at + 1) * t),
      };
      return run(shape, part, () => ({ mask })).logits;
    };
    const logits = [...alone(0, causal(t)), ...alone(1, tensor2d(open, [t, t]))];
    for (const [at, value] of both.logits.entries()) expect(Math.abs(value - logits[at]!)).toBeLessThan(1e-6);
    expect(alone(1, tensor2d(open, [t, t]))).toEqual(
      run(shape, { size: 1, inputs: batch.inputs.slice(t), labels: batch.labels.slice(t) }).logits,
    );
  });

  test('a row that sees nothing looks everywhere alike, as in the published model', () => {
    const t = smallReverse.seqLen;
    const { maps } = run(smallReverse, randomBatch(smallReverse, 1, 6), () => ({
      mask: tensor2d(new Float32Array(t * t), [t, t]),
    }));
    for (const weight of maps.flat()) expect(weight).toBeCloseTo(1 / t, 6);
  });
});

test('attention rows sum to 1, in every layer and head', () => {
  const { maps } = run(smallReverse, randomBatch(smallReverse, 3, 8));
  const t = smallReverse.seqLen;
  for (const map of maps)
    for (let row = 0; row < map.length; row += t) {
      const sum = map.slice(row, row + t).reduce((a, b) => a + b);
      expect(Math.abs(sum - 1)).toBeLessThan(1e-6);
    }
});

test('without positions the network is permutation-equivariant to 1e-5; with them it is not', () => {
  const t = smallSet.seqLen;
  const order = [3, 0, 5, 1, 4, 2];
  const batch = randomBatch(smallSet, 1, 12);
  const inputs = Float32Array.from(order.flatMap((from) => [...batch.inputs.slice(from * 8, from * 8 + 8)]));
  const worst = (shape: ModelShape) => {
    const [plain, shuffled] = [run(shape, batch), run(shape, { ...batch, inputs })];
    const differences = order.map((from, to) => Math.abs(shuffled.logits[to]! - plain.logits[from]!));
    for (const [layer, map] of shuffled.maps.entries())
      for (const [at, weight] of map.entries()) {
        const [head, row, column] = [Math.floor(at / (t * t)), Math.floor(at / t) % t, at % t];
        differences.push(Math.abs(weight - plain.maps[layer]![(head * t + order[row]!) * t + order[column]!]!));
      }
    return Math.max(...differences);
  };
  expect(worst(smallSet)).toBeLessThan(1e-5);
  expect(worst({ ...smallSet, positional: true })).toBeGreaterThan(1e-2);
});

describe('parameters', () => {
  test("have PyTorch's names, order and layout", () => {
    const specs = paramSpecs({ ...smallReverse, input: 'learned', layers: 1 });
    expect(specs.map(({ name, shape }) => `${name} ${shape.join('x')}`)).toEqual([
      'embedding.weight 7x12',
      'input_net.1.weight 12x12',
      'input_net.1.bias 12',
      'transformer.layers.0.self_attn.qkv_proj.weight 36x12',
      'transformer.layers.0.self_attn.qkv_proj.bias 36',
      'transformer.layers.0.self_attn.o_proj.weight 12x12',
      'transformer.layers.0.self_attn.o_proj.bias 12',
      'transformer.layers.0.linear_net.0.weight 24x12',
      'transformer.layers.0.linear_net.0.bias 24',
      'transformer.layers.0.linear_net.3.weight 12x24',
      'transformer.layers.0.linear_net.3.bias 12',
      'transformer.layers.0.norm1.weight 12',
      'transformer.layers.0.norm1.bias 12',
      'transformer.layers.0.norm2.weight 12',
      'transformer.layers.0.norm2.bias 12',
      'output_net.0.weight 12x12',
      'output_net.0.bias 12',
      'output_net.1.weight 12',
      'output_net.1.bias 12',
      'output_net.4.weight 6x12',
      'output_net.4.bias 6',
    ]);
    for (const [at, spec] of specs.entries())
      expect(spec.offset).toBe(at === 0 ? 0 : specs[at - 1]!.offset + specs[at - 1]!.size);
  });

  test("start as PyTorch's do: Xavier for attention, U(-1/sqrt(in), 1/sqrt(in)) for the other Linear, 1 and 0 for LayerNorm", () => {
    const shape = { ...smallSet, modelDim: 64, heads: 4 };
    const flat = initialParams(shape, 3);
    const of = (name: string) => {
      const { offset, size } = paramSpecs(shape).find((spec) => spec.name === name)!;
      return flat.subarray(offset, offset + size);
    };
    const within = (name: string, bound: number) => {
      const most = Math.max(...of(name).map(Math.abs));
      expect(most, name).toBeLessThanOrEqual(bound);
      expect(most, name).toBeGreaterThan(0.97 * bound);
    };
    within('transformer.layers.0.self_attn.qkv_proj.weight', Math.sqrt(6 / (64 + 192)));
    within('transformer.layers.1.self_attn.o_proj.weight', Math.sqrt(6 / 128));
    within('transformer.layers.0.linear_net.3.weight', 1 / Math.sqrt(128));
    within('input_net.1.weight', 1 / Math.sqrt(8));
    within('transformer.layers.0.linear_net.0.bias', 1 / 8);
    expect(new Set(of('transformer.layers.0.self_attn.qkv_proj.bias'))).toEqual(new Set([0]));
    expect(new Set(of('transformer.layers.0.norm2.weight'))).toEqual(new Set([1]));
    expect(new Set(of('output_net.1.bias'))).toEqual(new Set([0]));
  });

  test('a shape that describes no model is refused, naming the field', () => {
    const refuse = (changes: Partial<ModelShape>) => expect(() => paramSpecs({ ...smallReverse, ...changes }));
    refuse({ heads: 5 }).toThrow('heads: 5 does not divide modelDim 12');
    refuse({ modelDim: 9, heads: 3 }).toThrow('modelDim: 9 is odd; sine and cosine positions need an even one');
    refuse({ layers: 0 }).toThrow('layers: 0 is not a whole number of at least 1');
    refuse({ output: 'set' }).toThrow('outputDim: 6, but a set has one logit per item');
  });
});
