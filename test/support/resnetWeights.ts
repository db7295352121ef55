/** Weights from the formula that test/fixtures/resnet34.safetensors uses (see resnet34.py beside it). */
import type { StoredTensor, TensorFile } from '~/shared/safetensors';
import { convolutions } from '~/trainer/data/resnet34';

/** MurmurHash3's 32-bit finalizer. */
function mix(x: number): number {
  let h = x;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function fnv1a(text: string): number {
  let h = 0x811c9dc5;
  for (const byte of Buffer.from(text)) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}

/** Value i of the tensor called `name`, 0 .. 2^32 - 1. */
const bits = (name: string) => {
  const start = fnv1a(name);
  return (i: number) => mix((start + Math.imul(i, 0x9e3779b9)) >>> 0);
};

function made(name: string, shape: number[], value: (u: number) => number): [string, StoredTensor] {
  const at = bits(name);
  const count = shape.reduce((a, b) => a * b, 1);
  return [name, { dtype: 'F32', shape, data: Float32Array.from({ length: count }, (_, i) => value(at(i) / 2 ** 32)) }];
}

export function formulaWeights(): TensorFile {
  const tensors = convolutions().flatMap(({ conv, norm, shape }) => {
    const [out, inp, kh, kw] = shape;
    const bound = Math.sqrt(6 / (inp * kh * kw));
    return [
      made(`${conv}.weight`, shape, (u) => (2 * u - 1) * bound),
      made(`${norm}.weight`, [out], (u) => 0.5 + u),
      made(`${norm}.bias`, [out], (u) => 0.2 * (u - 0.5)),
      made(`${norm}.running_mean`, [out], (u) => 0.2 * (u - 0.5)),
      made(`${norm}.running_var`, [out], (u) => 0.5 + u),
    ];
  });
  return { tensors: new Map(tensors), metadata: {} };
}

/** Picture n of the fixture: [32, 32, 3]. */
export const formulaPicture = (n: number): Uint8Array => {
  const at = bits(`image${n}`);
  return Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => at(i) >>> 24);
};
