/** Batches of examples as tensors, and parts of them. */
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { Batch, ModelShape } from '~/trainer/types';

/** @throws RangeError when the batch does not fit the model: lengths, ids or labels out of range */
export function batchTensors({ size, inputs, labels }: Batch, shape: ModelShape): { x: Tensor; labels: Tensor } {
  const { seqLen, inputDim, outputDim } = shape;
  const features = shape.input === 'features';
  const inputShape = features ? [size, seqLen, inputDim] : [size, seqLen];
  const labelShape = shape.output === 'set' ? [size] : [size, seqLen];
  checkLength('inputs', inputs.length, inputShape);
  checkLength('labels', labels.length, labelShape);
  if (!features) checkRange('inputs', inputs, inputDim);
  checkRange('labels', labels, shape.output === 'set' ? seqLen : outputDim);
  return { x: tensor(inputs, inputShape, features ? 'float32' : 'int32'), labels: tensor(labels, labelShape, 'int32') };
}

function checkLength(name: string, length: number, shape: number[]): void {
  const expected = shape.reduce((n, dim) => n * dim, 1);
  if (length !== expected) throw new RangeError(`${name}: ${length} numbers, the batch needs ${expected} = ${shape.join(' x ')}`);
}

/** An id out of range would become a row of zeros on one backend and an error on another. */
function checkRange(name: string, values: ArrayLike<number>, end: number): void {
  for (let at = 0; at < values.length; at++) {
    const value = values[at]!;
    if (!(value >= 0 && value < end)) throw new RangeError(`${name}[${at}]: ${value} is not in 0 .. ${end - 1}`);
  }
}

export function sliceBatch({ inputs, labels, size }: Batch, shape: ModelShape, start: number, end: number): Batch {
  if (start === 0 && end === size) return { inputs, labels, size };
  const perInput = shape.seqLen * (shape.input === 'features' ? shape.inputDim : 1);
  const perLabel = shape.output === 'set' ? 1 : shape.seqLen;
  return {
    size: end - start,
    inputs: inputs.subarray(start * perInput, end * perInput),
    labels: labels.subarray(start * perLabel, end * perLabel),
  };
}

/** The batch in `count` parts of nearly equal size; in single examples if there are fewer than `count`. */
export function partsOf(batch: Batch, shape: ModelShape, count: number): Batch[] {
  const parts = Math.min(count, batch.size);
  const bound = (at: number) => Math.floor((at * batch.size) / parts);
  return Array.from({ length: parts }, (_, at) => sliceBatch(batch, shape, bound(at), bound(at + 1)));
}
