import { RandomStream } from '~/trainer/nn/random';
import type { Batch, Hyper, ModelShape } from '~/trainer/types';

/** Adam as published, without dropout or clipping. */
export const plainHyper: Hyper = {
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  momentum: 0.9,
  clip: { mode: 'off', threshold: 1 },
  dropout: 0,
  inputDropout: 0,
};

export const smallReverse: ModelShape = {
  input: 'onehot',
  inputDim: 7,
  seqLen: 5,
  positional: true,
  output: 'position',
  outputDim: 6,
  modelDim: 12,
  layers: 2,
  heads: 3,
};

export const smallSet: ModelShape = {
  input: 'features',
  inputDim: 8,
  seqLen: 6,
  positional: false,
  output: 'set',
  outputDim: 1,
  modelDim: 8,
  layers: 2,
  heads: 2,
};

/** Random inputs and labels that fit the shape; a model can only memorize them. */
export function randomBatch(shape: ModelShape, size: number, seed: number): Batch {
  const stream = new RandomStream(seed, 'test batch');
  let at = 0;
  const features = shape.input === 'features';
  const inputs = features
    ? Float32Array.from({ length: size * shape.seqLen * shape.inputDim }, () => stream.normal(at++))
    : Int32Array.from({ length: size * shape.seqLen }, () => stream.integer(at++, shape.inputDim));
  at *= 2;
  const set = shape.output === 'set';
  const labels = Int32Array.from({ length: set ? size : size * shape.seqLen }, () =>
    stream.integer(at++, set ? shape.seqLen : shape.outputDim),
  );
  return { size, inputs, labels };
}
