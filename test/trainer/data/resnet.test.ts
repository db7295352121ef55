import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { memory, type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseSafetensors, serializeSafetensors, type TensorFile } from '~/shared/safetensors';
import { openForTest } from '~/test/support/backends';
import { formulaPicture, formulaWeights } from '~/test/support/resnetWeights';
import { openBackend } from '~/trainer/backends';
import { resizeRgb } from '~/trainer/data/resize';
import { featureDim, normalize, Resnet34 } from '~/trainer/data/resnet34';

// PyTorch's numbers, by test/fixtures/resnet34.py.
const reference = parseSafetensors(readFileSync(fileURLToPath(new URL('../../fixtures/resnet34.safetensors', import.meta.url))));
const referenceOf = (name: string) => reference.tensors.get(name)!.data as Float32Array;

const largestRelativeError = (got: ArrayLike<number>, want: ArrayLike<number>): number => {
  expect(got.length).toBe(want.length);
  let worst = 0;
  const scale = Math.max(...Array.from(want, Math.abs));
  for (let i = 0; i < want.length; i++) worst = Math.max(worst, Math.abs(got[i]! - want[i]!) / scale);
  return worst;
};

describe('ResNet-34', () => {
  let weights: TensorFile;
  beforeAll(async () => {
    await openBackend('wasm', { threads: 1 });
    weights = formulaWeights();
  });

  it('is given the same pictures as PyTorch: bytes, resizing and normalization', () => {
    const images = reference.tensors.get('images')!.data;
    for (let n = 0; n < 4; n++)
      expect([...formulaPicture(n)]).toEqual([...images.subarray(n * 3072, (n + 1) * 3072)].map(Number));
    const big = resizeRgb(formulaPicture(0), 32, 32, 224, 224);
    const mine = new Float32Array(big.length);
    normalize(big, mine);
    // The fixture is [3, 224, 224]. One step of a byte is 1 / 255 / 0.225 = 0.017.
    const theirs = referenceOf('inputs.0');
    let worst = 0;
    for (let i = 0; i < 224 * 224; i++)
      for (let c = 0; c < 3; c++) worst = Math.max(worst, Math.abs(mine[i * 3 + c]! - theirs[c * 224 * 224 + i]!));
    expect(worst).toBeLessThan(1e-5);
  });

  it.each([
    ['features32', 32],
    ['features', 224],
  ] as const)('computes PyTorch’s %s (%i pixels a side) to a relative error of 1e-3', async (name, side) => {
    const net = new Resnet34(weights);
    const count = 4;
    const input = new Float32Array(count * side * side * 3);
    for (let n = 0; n < count; n++)
      normalize(resizeRgb(formulaPicture(n), 32, 32, side, side), input.subarray(n * side * side * 3, (n + 1) * side * side * 3));
    const x = tensor4d(input, [count, side, side, 3]);
    const y = net.features(x);
    expect(y.shape).toEqual([count, featureDim]);
    expect(largestRelativeError(await y.data(), referenceOf(name))).toBeLessThan(1e-4);
    x.dispose();
    y.dispose();
    net.dispose();
    expect(memory().numTensors).toBe(0);
  });

  it('is one graph on onnx, with PyTorch’s features', async ({ skip }) => {
    const backend = await openForTest('onnx');
    if (!backend) return skip('onnxruntime-node does not load here');
    const net = new Resnet34(weights);
    const step = backend.compileStep(([pictures]) => [net.features(pictures as Tensor4D)]);
    const [count, side] = [4, 32];
    const pixels = side * side * 3;
    const input = new Float32Array(count * pixels);
    for (let n = 0; n < count; n++) normalize(formulaPicture(n), input.subarray(n * pixels, (n + 1) * pixels));
    const x = tensor4d(input, [count, side, side, 3]);
    const [y] = step.run([x]);
    expect([step.mode, y!.shape]).toEqual(['graph', [count, featureDim]]);
    expect(largestRelativeError(await y!.data(), referenceOf('features32'))).toBeLessThan(1e-4);
    step.dispose();
    net.dispose();
    for (const tensor of [x, y!]) tensor.dispose();
    expect(memory().numTensors).toBe(0);
    await openBackend('wasm', { threads: 1 });
  });

  it('weights of another network are refused by the name of the tensor that differs, and nothing stays in memory', () => {
    const without = new Map(weights.tensors);
    without.delete('layer2.0.downsample.0.weight');
    expect(() => new Resnet34({ tensors: without, metadata: {} })).toThrow(
      'tensor "layer2.0.downsample.0.weight" is missing: these are not the weights of torchvision\'s ResNet-34',
    );
    const other = new Map(weights.tensors).set('layer4.2.bn2.bias', { dtype: 'F32', shape: [2], data: new Float32Array(2) });
    expect(() => new Resnet34({ tensors: other, metadata: {} })).toThrow(
      'tensor "layer4.2.bn2.bias" is F32 [2], f32 [512] is needed',
    );
    expect(memory().numTensors).toBe(0);
  });

  it('accepts a file that also holds the classifier and counters, as torchvision’s does', () => {
    const file = serializeSafetensors([
      ...weights.tensors,
      ['fc.weight', { shape: [1000, 512], data: new Float32Array(512_000) }],
      ['bn1.num_batches_tracked', { shape: [], data: BigInt64Array.of(1n) }],
    ]);
    new Resnet34(parseSafetensors(file)).dispose();
  });
});

describe('resizing', () => {
  it('shrinks with a filter as wide as the step: the mean of what a pixel covers, weighted by distance', () => {
    // 4 -> 2 along rows: scale 2, filter 2 wide. Pixel 0: center 1, taps 0 .. 2 weights 1-|x-0.5|/2 = .75, .75, .25: (0*.75+40*.75+80*.25)/1.75 = 28.57
    const row = Uint8Array.of(0, 0, 0, 40, 40, 40, 80, 80, 80, 120, 120, 120);
    expect([...resizeRgb(row, 1, 4, 1, 2)]).toEqual([29, 29, 29, 91, 91, 91]);
  });

  it('leaves a picture of the right size alone', () => {
    const picture = formulaPicture(1);
    expect(resizeRgb(picture, 32, 32, 32, 32)).toEqual(picture);
    expect(() => resizeRgb(picture, 32, 31, 8, 8)).toThrow('3072 bytes are no picture of 32 x 31');
  });
});
