/** Uniform noise for dropout, a pure function of (seed, site): from the backend's own kernel if one is registered, else from JavaScript. */
import { engine, getBackend, getKernel, type Tensor, type Tensor1D, type TensorInfo, tensor } from '@tensorflow/tfjs-core';

/**
 * A kernel of this name makes noise on its backend: input `seed` (int32 [2]), attributes `site` and `shape`, output f32 in [0, 1).
 * Each backend has its own generator: the same seed gives the same numbers on the same backend.
 */
export const noiseKernel = 'HeadroomNoise';

/** @param seed int32 [2] @param site number of the dropout within the step */
export function noise(seed: Tensor1D, site: number, shape: number[]): Tensor {
  if (getKernel(noiseKernel, getBackend())) {
    return engine().runKernel(noiseKernel, { seed } as Record<string, TensorInfo> as never, { site, shape }) as Tensor;
  }
  const [s0, s1] = seed.dataSync() as Int32Array;
  return tensor(hashedUniform(s0!, s1! + site, new Float32Array(shape.reduce((n, dim) => n * dim, 1))), shape);
}

/**
 * Fills `out` with numbers in [0, 1), multiples of 2^-24: the position, encrypted with two 32-bit keys by two rounds of an avalanche hash.
 * Source of the constants: C. Wellons, "Prospecting for hash functions" (lowbias32).
 */
export function hashedUniform(s0: number, s1: number, out: Float32Array): Float32Array {
  for (let at = 0; at < out.length; at++) out[at] = (lowbias32(lowbias32(at ^ s0) + s1) >>> 8) * 2 ** -24;
  return out;
}

function lowbias32(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return x ^ (x >>> 16);
}
