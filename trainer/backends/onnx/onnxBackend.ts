import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { type DataType, type TensorInfo, util } from '@tensorflow/tfjs-core';

type Values = Float32Array | Int32Array | Uint8Array;

/** How many free arrays of a length are kept: a step makes three vectors of all parameters while the old ones are in use. */
const keptPerLength = 3;

/** tfjs' plain JavaScript backend: every tensor is a typed array, which ONNX Runtime reads and writes in place. */
export class OnnxBackend extends MathBackendCPU {
  /** Arrays that only this backend has seen, so that they can be used again: a new one of all parameters costs more than the copy into it. */
  readonly #own = new WeakMap<object, Float32Array>();
  readonly #free = new Map<number, Float32Array[]>();
  readonly #get: MathBackendCPU['data']['get'];

  constructor() {
    super();
    // Or tfjs prints an advertisement for its own native package.
    Object.assign(this, { firstUse: false });
    // Whoever gets an array may keep it, or a part of it: tfjs' kernels and whoever reads a tensor.
    this.#get = this.data.get.bind(this.data);
    this.data.get = (dataId) => {
      this.#own.delete(dataId);
      return this.#get(dataId);
    };
  }

  /** For reading, while the tensor lives. */
  valuesOf({ dataId }: TensorInfo): Values {
    return this.#get(dataId).values as Values;
  }

  /** A tensor for a result; its values are not set. */
  output(shape: number[], dtype: DataType): TensorInfo {
    const length = util.sizeFromShape(shape);
    if (dtype !== 'float32') return this.makeTensorInfo(shape, dtype, util.makeZerosTypedArray(length, dtype as 'int32'));
    const values = this.#free.get(length)?.pop() ?? new Float32Array(length);
    const info = this.makeTensorInfo(shape, dtype, values);
    this.#own.set(info.dataId, values);
    return info;
  }

  override disposeData(dataId: object, force = false): boolean {
    const values = this.#own.get(dataId);
    const gone = super.disposeData(dataId, force);
    if (values && gone) {
      const free = this.#free.get(values.length) ?? [];
      if (free.length < keptPerLength) this.#free.set(values.length, [...free, values]);
    }
    return gone;
  }
}
