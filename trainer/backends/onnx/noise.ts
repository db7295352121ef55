import { KernelPool } from '~/trainer/backends/wasm/pool';

/** Noise of one dropout: an input of the graph, because ONNX lacks the products of 32-bit integers that its generator needs. */
export interface Noise {
  name: string;
  /** Which input of the step holds the seed. */
  seed: number;
  site: number;
  shape: number[];
  values: Float32Array;
}

/** Bytes in front of the noise, for the seed. */
const start = 64;
const page = 65_536;

/** The numbers of nn/noise.ts from the vectorized kernel of the wasm backend: in a third of the time that JavaScript takes. */
export class NoiseSource {
  readonly #memory = new WebAssembly.Memory({ initial: 2, maximum: 65_536, shared: true });
  // One thread: others would wait busily between steps, where ONNX Runtime's threads work.
  readonly #kernels = new KernelPool(this.#memory, 1);

  /** @param seed int32 [2] @param site number of the dropout within the step @returns `out`, filled */
  fill(out: Float32Array, seed: ArrayLike<number>, site: number): Float32Array {
    const missing = start + 4 * out.length - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / page));
    new Int32Array(this.#memory.buffer).set(seed);
    this.#kernels.run('noise', 0, site, start, out.length);
    // A copy: ONNX Runtime does not read shared memory.
    out.set(new Float32Array(this.#memory.buffer, start, out.length));
    return out;
  }
}
