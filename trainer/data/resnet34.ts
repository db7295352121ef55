/**
 * ResNet-34 up to its 512 features, for inference: torchvision's resnet34 without the classifier. Batch norm is folded into the convolutions.
 * Source: He, Zhang, Ren, Sun 2015, arXiv:1512.03385; torchvision/models/resnet.py for names and strides.
 */
import {
  add,
  fused,
  maxPool,
  mean,
  pad,
  relu,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tensor4d,
  tidy,
} from '@tensorflow/tfjs-core';
import { SafetensorsError, type TensorFile } from '~/shared/safetensors';

export const featureDim = 512;
const epsilon = 1e-5;
/** Blocks per stage, and the stage's channels. */
const stages = [
  { blocks: 3, channels: 64 },
  { blocks: 4, channels: 128 },
  { blocks: 6, channels: 256 },
  { blocks: 3, channels: 512 },
] as const;

/** Convolution and batch norm as one: filter [kh, kw, in, out], bias [out]. */
interface Conv {
  filter: Tensor4D;
  bias: Tensor1D;
}

interface Block {
  first: Conv;
  second: Conv;
  /** Present where the shape changes. */
  shortcut: Conv | null;
  stride: 1 | 2;
}

/** Names and shapes [out, in, kh, kw] of the convolutions, each with the batch norm that follows it. */
export function convolutions(): { conv: string; norm: string; shape: [number, number, number, number] }[] {
  const list: { conv: string; norm: string; shape: [number, number, number, number] }[] = [
    { conv: 'conv1', norm: 'bn1', shape: [64, 3, 7, 7] },
  ];
  let input = 64;
  stages.forEach(({ blocks, channels }, stage) => {
    for (let block = 0; block < blocks; block++) {
      const name = `layer${stage + 1}.${block}`;
      list.push({ conv: `${name}.conv1`, norm: `${name}.bn1`, shape: [channels, input, 3, 3] });
      list.push({ conv: `${name}.conv2`, norm: `${name}.bn2`, shape: [channels, channels, 3, 3] });
      if (input !== channels)
        list.push({ conv: `${name}.downsample.0`, norm: `${name}.downsample.1`, shape: [channels, input, 1, 1] });
      input = channels;
    }
  });
  return list;
}

export class Resnet34 {
  readonly #stem: Conv;
  readonly #blocks: Block[];

  /** @throws SafetensorsError naming the tensor that is missing or has another shape */
  constructor(weights: TensorFile) {
    const convs = new Map<string, Conv>();
    try {
      for (const { conv, norm, shape } of convolutions()) convs.set(conv, fold(weights, conv, norm, shape));
    } catch (error) {
      for (const { filter, bias } of convs.values()) {
        filter.dispose();
        bias.dispose();
      }
      throw error;
    }
    this.#stem = convs.get('conv1')!;
    this.#blocks = stages.flatMap(({ blocks }, stage) =>
      Array.from({ length: blocks }, (_, block): Block => {
        const name = `layer${stage + 1}.${block}`;
        return {
          first: convs.get(`${name}.conv1`)!,
          second: convs.get(`${name}.conv2`)!,
          shortcut: convs.get(`${name}.downsample.0`) ?? null,
          stride: stage > 0 && block === 0 ? 2 : 1,
        };
      }),
    );
  }

  /** @param pictures normalized, [n, height, width, 3] @returns [n, 512], owned by the caller */
  features(pictures: Tensor4D): Tensor2D {
    return tidy(() => {
      let x = convolve(pictures, this.#stem, 2, 3, 'relu'); // [n, h/2, w/2, 64]
      // After relu no value is below 0, so padding with 0 does not change a maximum.
      x = maxPool(padded(x, 1), 3, 2, 'valid'); // [n, h/4, w/4, 64]
      for (const { first, second, shortcut, stride } of this.#blocks) {
        const inner = convolve(convolve(x, first, stride, 1, 'relu'), second, 1, 1, 'linear');
        x = relu(add(inner, shortcut ? convolve(x, shortcut, stride, 0, 'linear') : x)) as Tensor4D;
      }
      return mean<Tensor>(x, [1, 2]) as Tensor2D; // [n, h/32, w/32, 512] -> [n, 512]
    });
  }

  dispose(): void {
    for (const conv of [this.#stem, ...this.#blocks.flatMap((b) => [b.first, b.second, ...(b.shortcut ? [b.shortcut] : [])])]) {
      conv.filter.dispose();
      conv.bias.dispose();
    }
  }
}

/** Explicit padding, because `same` pads unevenly where the stride is 2. */
const padded = (x: Tensor4D, by: number): Tensor4D =>
  by === 0
    ? x
    : pad(x, [
        [0, 0],
        [by, by],
        [by, by],
        [0, 0],
      ]);

function convolve(x: Tensor4D, { filter, bias }: Conv, strides: 1 | 2, by: number, activation: 'relu' | 'linear'): Tensor4D {
  return fused.conv2d({ x: padded(x, by), filter, strides, pad: 'valid', bias, activation });
}

/** scale = gamma / sqrt(var + eps): filter * scale, beta - mean * scale. */
function fold(weights: TensorFile, conv: string, norm: string, [out, inp, kh, kw]: [number, number, number, number]): Conv {
  const w = take(weights, `${conv}.weight`, [out, inp, kh, kw]);
  const [gamma, beta, average, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((name) =>
    take(weights, `${norm}.${name}`, [out]),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const filter = new Float32Array(w.length);
  const bias = new Float32Array(out);
  for (let o = 0; o < out; o++) {
    const scale = gamma[o]! / Math.sqrt(variance[o]! + epsilon);
    bias[o] = beta[o]! - average[o]! * scale;
    for (let i = 0; i < inp; i++)
      for (let k = 0; k < kh * kw; k++) filter[(k * inp + i) * out + o] = w[(o * inp + i) * kh * kw + k]! * scale;
  }
  return { filter: tensor4d(filter, [kh, kw, inp, out]), bias: tensor1d(bias) };
}

function take({ tensors }: TensorFile, name: string, shape: number[]): Float32Array {
  const t = tensors.get(name);
  if (!t) throw new SafetensorsError(`tensor "${name}" is missing: these are not the weights of torchvision's ResNet-34`);
  if (!(t.data instanceof Float32Array) || String(t.shape) !== String(shape))
    throw new SafetensorsError(`tensor "${name}" is ${t.dtype} [${t.shape.join(', ')}], f32 [${shape.join(', ')}] is needed`);
  return t.data;
}

const imagenetMean = [0.485, 0.456, 0.406] as const;
const imagenetDeviation = [0.229, 0.224, 0.225] as const;

/** Normalizes bytes as in the network's training: (v / 255 - mean) / deviation per channel. @param rgb [..., 3] */
export function normalize(rgb: Uint8Array, out: Float32Array): void {
  for (let i = 0; i < rgb.length; i++) {
    const c = i % 3;
    out[i] = (rgb[i]! / 255 - imagenetMean[c]!) / imagenetDeviation[c]!;
  }
}
