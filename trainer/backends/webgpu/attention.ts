import type { TensorInfo } from '@tensorflow/tfjs-core';
import { fusedKernels } from '~/trainer/nn/fused';
import { each, type KernelTools } from './kernelTools';
import { matMul } from './matMul';

export function registerAttention({ backend, shaders, out, define, perRow }: KernelTools): void {
  define(fusedKernels.attention, ({ qkv }, { seqLen, heads, causal }) => {
    const s = attentionShape(qkv!, seqLen as number, heads as number);
    const { T, d, packed } = s;
    const weights = out([s.batch, s.heads, T, T]);
    const context = out([s.batch * T, packed / 3]);
    const scores = out(weights.shape);
    const maps = { tensor: scores, row: T, column: 1, outer: s.heads * T * T, innerStep: T * T };
    matMul(shaders, { ...s.items, m: T, n: T, k: d, a: s.rows(qkv!, 0), b: s.columns(qkv!, d), c: maps });
    perRow(
      'softmax of scores',
      [s.batch * s.heads * T, T],
      { weights },
      { scores },
      `let end = ${causal ? 'start + group % WIDTH + 1u' : 'start + WIDTH'};
  var largest = -3.4e38;
  ${each('if (i < end) { largest = select(largest, scores[i], !(scores[i] <= largest)); }')}
  largest = most(largest, lane);
  var sum = 0.0;
  ${each('if (i < end) { sum += exp((scores[i] - largest) * SCALE); }')}
  let inverse = 1.0 / total(sum, lane);
  ${each('var w = 0.0; if (i < end) { w = exp((scores[i] - largest) * SCALE) * inverse; } weights[i] = w;')}`,
      { SCALE: float(1 / Math.sqrt(d)) },
    );
    matMul(shaders, {
      ...{ ...s.items, m: T, n: d, k: T },
      a: { ...maps, tensor: weights },
      b: s.rows(qkv!, 2 * d),
      c: s.contextRows(context),
    });
    backend.disposeData(scores.dataId);
    return [context, weights];
  });

  define(fusedKernels.attentionGrad, ({ dContext, qkv, weights }) => {
    const s = attentionShape(qkv!, weights!.shape[3]!, weights!.shape[1]!);
    const { T, d } = s;
    const dQkv = out(qkv!.shape);
    const [dWeights, dScores] = [out(weights!.shape), out(weights!.shape)];
    const maps = (tensor: TensorInfo) => ({ tensor, row: T, column: 1, outer: s.heads * T * T, innerStep: T * T });
    const transposed = (tensor: TensorInfo) => ({ ...maps(tensor), row: 1, column: T });
    matMul(shaders, { ...s.items, m: T, n: T, k: d, a: s.contextRows(dContext!), b: s.columns(qkv!, 2 * d), c: maps(dWeights) });
    perRow(
      'softmax gradient',
      [s.batch * s.heads * T, T],
      { dScores },
      { dWeights, weights },
      `var sum = 0.0;
  ${each('sum += dWeights[i] * weights[i];')}
  let pull = total(sum, lane);
  ${each('dScores[i] = weights[i] * (dWeights[i] - pull) * SCALE;')}`,
      { SCALE: float(1 / Math.sqrt(d)) },
    );
    const product = { ...s.items, m: T, n: d, k: T };
    matMul(shaders, { ...product, a: maps(dScores), b: s.rows(qkv!, d), c: s.rows(dQkv, 0) });
    matMul(shaders, { ...product, a: transposed(dScores), b: s.rows(qkv!, 0), c: s.rows(dQkv, d) });
    matMul(shaders, { ...product, a: transposed(weights!), b: s.contextRows(dContext!), c: s.rows(dQkv, 2 * d) });
    backend.disposeData(dWeights.dataId);
    backend.disposeData(dScores.dataId);
    return [dQkv];
  });
}

/** WGSL text of an f32. */
const float = (x: number) => (Number.isInteger(x) ? `${x}.0` : `f32(${x})`);

/** Sizes and strides of every head's queries, keys, values and context: qkv is [N, 3D], packed [head][q | k | v][d]. */
function attentionShape(qkv: TensorInfo, T: number, heads: number) {
  const [rows, packed] = qkv.shape as [number, number];
  const batch = rows / T;
  const d = packed / 3 / heads;
  const place = (offset: number) => ({ offset, outer: T * packed, innerStep: 3 * d });
  return {
    ...{ T, d, heads, batch, packed },
    items: { items: batch * heads, inner: heads },
    /** [T, d] of every head: its queries at offset 0, keys at d, values at 2d. */
    rows: (tensor: TensorInfo, offset: number) => ({ tensor, row: packed, column: 1, ...place(offset) }),
    /** The same transposed, [d, T]. */
    columns: (tensor: TensorInfo, offset: number) => ({ tensor, row: 1, column: packed, ...place(offset) }),
    contextRows: (tensor: TensorInfo) => ({ tensor, row: packed / 3, column: 1, outer: (T * packed) / 3, innerStep: d }),
  };
}
