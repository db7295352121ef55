/** Replaces tfjs' compositions (nn/fused.ts) and its matMul on the wasm backend by the kernels of kernels.c. */
import {
  broadcast_util,
  getKernel,
  type NamedAttrMap,
  registerKernel,
  slice_util,
  type Tensor,
  type TensorInfo,
  unregisterKernel,
  util,
} from '@tensorflow/tfjs-core';
import { fusedKernels } from '~/trainer/nn/fused';
import { noiseKernel } from '~/trainer/nn/noise';
import type { KernelPool } from './pool';
import type { Recorder } from './recorder';
import type { WasmBackend } from './wasmBackend';

type Inputs = Record<string, TensorInfo | undefined>;

/** PARTS, BLOCK and ROWS of kernels.c. */
const parts = 4;
const block = 256;
const tileRows = 4;

export function registerWasmKernels(backend: WasmBackend, pool: KernelPool, recorder: Recorder): void {
  const scratch = new Scratch(backend);
  /** A tensor's address; 0 for a missing tensor. */
  const at = (tensor: TensorInfo | undefined) => (tensor ? backend.dataIdMap.get(tensor.dataId).memoryOffset : 0);
  const out = (shape: number[]) => backend.makeOutput(shape, 'float32');
  const define = (kernelName: string, kernelFunc: (inputs: Inputs, attrs: NamedAttrMap) => TensorInfo | TensorInfo[]) => {
    recorder.recordable.add(kernelName);
    registerKernel({
      kernelName,
      backendName: 'wasm',
      kernelFunc: ({ inputs, attrs }) => kernelFunc(inputs as Inputs, attrs ?? {}),
    });
  };
  /** Runs a C function that takes addresses of inputs and outputs, then numbers. @param shapes of the outputs, which are returned */
  const run = (kernel: string, inputs: (TensorInfo | undefined)[], shapes: number[][], ...numbers: number[]): TensorInfo[] => {
    const outputs = shapes.map(out);
    pool.run(kernel, ...[...inputs, ...outputs].map(at), ...numbers);
    return outputs;
  };
  /** Working memory of one kernel: valid until the next one. */
  const space = (floats: number) => recorder.space(floats) ?? scratch.floats(floats);

  /** c [m, n] = a b (+ bias); strides in elements: a(m, k), b(k, n). */
  const gemm = (
    a: number,
    aStrides: Strides,
    b: number,
    bStrides: Strides,
    c: number,
    bias: number,
    m: number,
    n: number,
    k: number,
  ) => {
    const rowsPerPart = tileRows * (Math.ceil(m / tileRows / parts) + 1);
    pool.run('gemm', a, ...aStrides, b, ...bStrides, c, bias, m, n, k, space(parts * block * (8 + rowsPerPart)));
  };

  /** Tries our kernel before tfjs'; ours returns null for a case that it does not support. */
  const replace = (kernelName: string, kernelFunc: (inputs: Inputs, attrs: NamedAttrMap) => TensorInfo | null) => {
    const tfjs = getKernel(kernelName, 'wasm');
    unregisterKernel(kernelName, 'wasm');
    recorder.recordable.add(kernelName);
    registerKernel({
      ...tfjs,
      kernelFunc: (args) => {
        const made = kernelFunc(args.inputs as Inputs, args.attrs ?? {});
        if (made) return made;
        recorder.refuse(`${kernelName} of these shapes`);
        return tfjs.kernelFunc(args);
      },
    });
  };
  const isFloat = (...tensors: TensorInfo[]) => tensors.every(({ dtype }) => dtype === 'float32');

  // tfjs' slice first reads its whole input back, which for one vector of all parameters is most of a step.
  replace('Slice', ({ x }, { begin, size }) => {
    const [from, sizes] = slice_util.parseSliceParams(x as Tensor, begin as number[], size as number[]) as [number[], number[]];
    if (!isFloat(x!) || !slice_util.isSliceContinous(x!.shape, from, sizes)) return null;
    const start = at(x) + 4 * slice_util.computeFlatOffset(from, util.computeStrides(x!.shape));
    const view = recorder.viewOfInput(start, sizes);
    if (view) return view;
    const part = out(sizes);
    pool.run('copy', start, at(part), util.sizeFromShape(sizes));
    return part;
  });

  replace('Concat', (inputs) => {
    const vectors = Object.values(inputs) as TensorInfo[];
    if (!isFloat(...vectors) || vectors.some(({ shape }) => shape.length !== 1)) return null;
    const sizes = vectors.map(({ shape }) => shape[0]!);
    const all = out([sizes.reduce((sum, size) => sum + size, 0)]);
    let to = at(all);
    for (const [n, vector] of vectors.entries()) {
      if (sizes[n]! > 0) pool.run('copy', at(vector), to, sizes[n]!);
      to += 4 * sizes[n]!;
    }
    return all;
  });

  replace('Add', ({ a, b }) => {
    if (!isFloat(a!, b!) || a!.shape.slice(-b!.shape.length).join() !== b!.shape.join() || b!.shape.length === 0) return null;
    return run('addRepeated', [a, b], [a!.shape], sizeOf(a!), sizeOf(b!))[0]!;
  });

  replace('Multiply', ({ a, b }) => {
    if (!isFloat(a!, b!) || a!.shape.join() !== b!.shape.join()) return null;
    return run('multiply', [a, b], [a!.shape], sizeOf(a!))[0]!;
  });

  unregisterKernel('BatchMatMul', 'wasm');
  define('BatchMatMul', ({ a, b }, { transposeA, transposeB }) => {
    const [aRows, aColumns] = a!.shape.slice(-2) as [number, number];
    const [bRows, bColumns] = b!.shape.slice(-2) as [number, number];
    const [m, k, n] = [transposeA ? aColumns : aRows, transposeA ? aRows : aColumns, transposeB ? bRows : bColumns];
    if (k !== (transposeB ? bColumns : bRows)) throw new Error(`matMul: inner sizes of [${a!.shape}] and [${b!.shape}] differ`);
    const outer = broadcast_util.assertAndGetBroadcastShape(a!.shape.slice(0, -2), b!.shape.slice(0, -2));
    const result = out([...outer, m, n]);
    const count = util.sizeFromShape(outer);
    // As in tfjs: one matrix is combined with all matrices of the other side; other broadcasts repeat their matrices in order.
    const [aCount, bCount] = [a!, b!].map((x) => util.sizeFromShape(x.shape.slice(0, -2))) as [number, number];
    for (let item = 0; item < count; item++) {
      const from = at(a) + 4 * (item % aCount) * aRows * aColumns;
      const by = at(b) + 4 * (item % bCount) * bRows * bColumns;
      gemm(
        from,
        transposeA ? [1, aColumns] : [aColumns, 1],
        by,
        transposeB ? [1, bColumns] : [bColumns, 1],
        at(result) + 4 * item * m * n,
        0,
        m,
        n,
        k,
      );
    }
    return result;
  });

  define(fusedKernels.linear, ({ x, weight, bias }) => {
    const [rows, into] = x!.shape as [number, number];
    const outOf = weight!.shape[0]!;
    const y = out([rows, outOf]);
    gemm(at(x), [into, 1], at(weight), [1, into], at(y), at(bias), rows, outOf, into);
    return [y];
  });

  define(fusedKernels.columnSums, ({ x, y }) => {
    const [rows, columns] = x!.shape as [number, number];
    const [sums, products] = [out([columns]), y && out([columns])];
    pool.run('columnSums', at(x), at(y), at(sums), at(products), rows, columns);
    return products ? [sums, products] : [sums];
  });

  define(fusedKernels.layerNorm, ({ x, branch, mask, weight, bias }) => {
    const [rows, width] = x!.shape as [number, number];
    const shapes = [x!.shape, x!.shape, [rows, 1]];
    return run('layerNorm', [x, branch, mask, weight, bias], shapes, rows, width);
  });

  define(fusedKernels.layerNormGrad, ({ dy, normalized, inverseStd, weight }) =>
    run('layerNormGrad', [dy, normalized, inverseStd, weight], [dy!.shape], ...dy!.shape),
  );

  define(fusedKernels.reluDropped, ({ x, mask }) => run('reluDropped', [x, mask], [x!.shape], sizeOf(x!)));

  define(fusedKernels.reluDroppedGrad, ({ dy, y, mask }) => run('reluDroppedGrad', [dy, y, mask], [dy!.shape], sizeOf(dy!)));

  define(noiseKernel, ({ seed }, { site, shape }) => {
    const result = out(shape as number[]);
    pool.run('noise', at(seed), site as number, at(result), sizeOf(result));
    return result;
  });

  define(fusedKernels.dropoutMask, ({ seed, rate }, { site, shape }) => {
    const mask = out(shape as number[]);
    pool.run('dropoutMask', at(seed), site as number, at(rate), at(mask), sizeOf(mask));
    return [mask];
  });

  define(fusedKernels.attention, ({ qkv }, { seqLen, heads, causal }) => {
    const [rows, packed] = qkv!.shape as [number, number];
    const sizes = attentionSizes(rows, packed, seqLen as number, heads as number);
    const shapes = [
      [sizes.batch, sizes.heads, sizes.seqLen, sizes.seqLen],
      [rows, packed / 3],
    ];
    const scale = 1 / Math.sqrt(sizes.headDim);
    return run('attention', [qkv], shapes, ...Object.values(sizes), scale, Number(causal)).reverse();
  });

  define(fusedKernels.attentionGrad, ({ dContext, qkv, weights }, { causal }) => {
    const [rows, packed] = qkv!.shape as [number, number];
    const sizes = attentionSizes(rows, packed, weights!.shape[3]!, weights!.shape[1]!);
    const numbers = [...Object.values(sizes), 1 / Math.sqrt(sizes.headDim), Number(causal), space(parts * sizes.seqLen)];
    return run('attentionGrad', [dContext, qkv, weights], [qkv!.shape], ...numbers);
  });

  define(fusedKernels.crossEntropy, ({ logits, labels }) =>
    run('crossEntropy', [logits, labels], [[2], logits!.shape], ...logits!.shape),
  );

  define(fusedKernels.squaredNorms, ({ flat }, { sizes }) => {
    const offsets = [0];
    for (const size of sizes as number[]) offsets.push(offsets.at(-1)! + size);
    const count = offsets.length - 1;
    const table = backend.makeOutput([offsets.length], 'int32', null, Int32Array.from(offsets));
    const squares = run('squaredNorms', [flat, table], [[count]], count);
    backend.disposeData(table.dataId);
    return squares;
  });

  define(fusedKernels.accumulate, ({ total, x, weight }) => run('accumulate', [total, x, weight], [x!.shape], sizeOf(x!)));

  define(fusedKernels.metrics, ({ means, squares }, { each }) => {
    const count = sizeOf(squares!);
    return run('metrics', [means, squares], [[4 + (each ? count : 0)]], count, Number(each));
  });

  define(fusedKernels.oneHot, ({ ids }, { width }) => {
    const shape = [sizeOf(ids!), width as number];
    return run('oneHot', [ids], [shape], ...shape);
  });

  define(fusedKernels.adam, ({ params, m, v, grads, norm, scalars }, { clipByValue, weightDecay, decoupled }) => {
    const { shape } = params!;
    const flags = [clipByValue, weightDecay, decoupled].map(Number);
    return run('adam', [params, m, v, grads, norm, scalars], [shape, shape, shape], ...shape, ...flags);
  });
}

const sizeOf = ({ shape }: TensorInfo): number => util.sizeFromShape(shape);

/** Elements between neighbors: along rows, along columns. */
type Strides = [number, number];

/** In the order of the C functions' arguments. */
function attentionSizes(rows: number, packed: number, seqLen: number, heads: number) {
  return { batch: rows / seqLen, seqLen, heads, headDim: packed / 3 / heads };
}

/** Working memory of one kernel at a time, in the tfjs heap; it grows and is never freed. */
class Scratch {
  #address = 0;
  #floats = 0;

  constructor(readonly backend: WasmBackend) {}

  floats(count: number): number {
    if (count > this.#floats) {
      const { wasm } = this.backend;
      if (this.#address) wasm._free(this.#address);
      this.#address = 0;
      this.#address = wasm._malloc(4 * count);
      this.#floats = count;
    }
    return this.#address;
  }
}
