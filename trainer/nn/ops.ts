/**
 * The network's building blocks, each with its hand-written gradient: tfjs' automatic gradients would need several times as many ops.
 * All are pure and return new tensors; the caller's tidy disposes intermediate tensors. N = rows, D = model width, B = batch, T = positions,
 * H = heads, d = D/H.
 */
import {
  add,
  argMax,
  cast,
  concat,
  div,
  equal,
  exp,
  expandDims,
  greater,
  greaterEqual,
  log,
  matMul,
  max,
  mean,
  mul,
  oneHot,
  relu,
  reshape,
  rsqrt,
  softmax,
  split,
  square,
  stack,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor4d,
  transpose,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { fused } from './fused';
import { noise } from './noise';

const layerNormEpsilon = 1e-5;
/** The published model's value for minus infinity in masked scores: a completely masked row becomes uniform, not NaN. */
const maskedScore = -9e15;

/** x [N, in], weight [out, in], bias [out] -> x weightᵀ + bias [N, out] */
export function linear(x: Tensor2D, weight: Tensor2D, bias: Tensor1D): Tensor2D {
  const [y] = fused('linear', { x, weight, bias }) ?? [add(matMul(x, weight, false, true), bias)];
  return y as Tensor2D;
}

/** dy [N, out] -> gradients of weight [out, in] and bias [out]; the gradient of x is `matMul(dy, weight)`. */
export function linearGrad(dy: Tensor2D, x: Tensor2D): { weight: Tensor2D; bias: Tensor1D } {
  const [weight, bias] = fused('linearGrad', { dy, x }) ?? [
    matMul(dy, x, true, false),
    ...(fused('columnSums', { x: dy }) ?? [sum(dy, 0)]),
  ];
  return { weight: weight as Tensor2D, bias: bias as Tensor1D };
}

export interface LayerNormed {
  y: Tensor2D;
  /** Before scale and shift. */
  normalized: Tensor2D;
  /** 1 / standard deviation, [N, 1]. */
  inverseStd: Tensor2D;
}

/**
 * Each row of x + branch * mask [N, D] to mean 0 and variance 1, then scaled and shifted.
 * @param branch, mask null: nothing is added, nothing is dropped
 */
export function layerNorm(
  x: Tensor2D,
  branch: Tensor2D | null,
  mask: Tensor | null,
  weight: Tensor1D,
  bias: Tensor1D,
): LayerNormed {
  const outputs = fused('layerNorm', { x, branch, mask, weight, bias });
  if (outputs) {
    const [y, normalized, inverseStd] = outputs as [Tensor2D, Tensor2D, Tensor2D];
    return { y, normalized, inverseStd };
  }
  const v = branch ? add(x, times(branch, mask)) : x;
  const centered = sub(v, mean(v, 1, true));
  const inverseStd = rsqrt(add(mean(square(centered), 1, true), layerNormEpsilon)) as Tensor2D;
  const normalized = mul(centered, inverseStd) as Tensor2D;
  return { y: add(mul(normalized, weight), bias), normalized, inverseStd };
}

/** dx = (dn - mean(dn) - n mean(dn n)) / std, with n the normalized rows and dn = dy weight; x is the complete sum that was normalized. */
export function layerNormGrad(dy: Tensor2D, { normalized, inverseStd }: LayerNormed, weight: Tensor1D) {
  const [dBias, dWeight] = fused('columnSums', { x: dy, y: normalized }) ?? [sum(dy, 0), sum(mul(dy, normalized), 0)];
  const [dx] = fused('layerNormGrad', { dy, normalized, inverseStd, weight }) ?? [
    layerNormInputGrad(dy, normalized, inverseStd, weight),
  ];
  return { x: dx as Tensor2D, weight: dWeight as Tensor1D, bias: dBias as Tensor1D };
}

function layerNormInputGrad(dy: Tensor2D, normalized: Tensor2D, inverseStd: Tensor2D, weight: Tensor1D): Tensor2D {
  const dn = mul(dy, weight);
  const inner = sub(sub(dn, mean(dn, 1, true)), mul(normalized, mean(mul(dn, normalized), 1, true)));
  return mul(inner, inverseStd);
}

export interface Attention {
  /** [N, D], heads side by side. */
  context: Tensor2D;
  /** [B, H, T, T], rows sum to 1. */
  weights: Tensor4D;
  qkv: Tensor2D;
  causal: boolean;
}

/** qkv [N, 3D], packed [head][q | k | v][d] -> three of [B, H, T, d] */
function unpack(qkv: Tensor2D, seqLen: number, heads: number): [Tensor4D, Tensor4D, Tensor4D] {
  const packed = transpose(reshape(qkv, [-1, seqLen, heads, qkv.shape[1] / heads]), [0, 2, 1, 3]);
  return split(packed, 3, 3) as [Tensor4D, Tensor4D, Tensor4D];
}

/**
 * softmax(q kᵀ / sqrt(d)) v for every head.
 *
 * @param qkv [N, 3D], packed [head][q | k | v][d]
 * @param causal query t looks at keys 0 .. t only: its weights after them are exactly 0
 * @param mask [T, T] or [B, T, T], 1 where row (query) may look at column (key), else 0; holds beside `causal`
 */
export function attention(
  qkv: Tensor2D,
  seqLen: number,
  heads: number,
  { causal = false, mask }: { causal?: boolean | undefined; mask?: Tensor2D | Tensor3D | undefined } = {},
): Attention {
  const outputs = mask ? null : fused('attention', { qkv }, { seqLen, heads, causal });
  if (outputs) return { context: outputs[0] as Tensor2D, weights: outputs[1] as Tensor4D, qkv, causal };
  const [query, key, value] = unpack(qkv, seqLen, heads);
  let scores = mul(matMul(query, key, false, true), 1 / Math.sqrt(query.shape[3])) as Tensor4D; // [B, H, T, T]
  if (mask) {
    const perHead = mask.rank === 3 ? expandDims(mask, 1) : reshape(mask, [1, 1, seqLen, seqLen]);
    scores = masked(scores, perHead);
  }
  // Softmax is exactly 0 at masked scores, because exp(-9e15) is 0 in f32.
  if (causal) scores = masked(scores, lowerTriangle(seqLen));
  const weights = softmax(scores);
  const context = reshape(transpose(matMul(weights, value), [0, 2, 1, 3]), [-1, qkv.shape[1] / 3]) as Tensor2D;
  return { context, weights, qkv, causal };
}

const masked = (scores: Tensor4D, mask: Tensor): Tensor4D => where(greater(add(mask, zerosLike(scores)), 0), scores, maskedScore);

/** [1, 1, T, T], 1 on and below the diagonal. */
function lowerTriangle(T: number): Tensor4D {
  const table = new Float32Array(T * T);
  for (let t = 0; t < T; t++) table.fill(1, t * T, t * T + t + 1);
  return tensor4d(table, [1, 1, T, T]);
}

/** dContext [N, D] -> the gradient of qkv [N, 3D]. A masked score has weight 0 and so, by softmax's gradient, gradient 0. */
export function attentionGrad(dContext: Tensor2D, { weights, qkv, causal }: Attention): Tensor2D {
  const outputs = fused('attentionGrad', { dContext, qkv, weights }, { causal });
  if (outputs) return outputs[0] as Tensor2D;
  const [, heads, seqLen] = weights.shape;
  const [query, key, value] = unpack(qkv, seqLen, heads);
  const headDim = query.shape[3];
  const d = transpose(reshape(dContext, [-1, seqLen, heads, headDim]), [0, 2, 1, 3]); // [B, H, T, d]
  const dValue = matMul(weights, d, true, false);
  const dWeights = matMul(d, value, false, true); // [B, H, T, T]
  const pull = mul(dWeights, weights);
  const dScores = mul(sub(pull, mul(weights, sum(pull, -1, true))), 1 / Math.sqrt(headDim));
  const dQuery = matMul(dScores, key);
  const dKey = matMul(dScores, query, true, false);
  return reshape(transpose(concat([dQuery, dKey, dValue], 3), [0, 2, 1, 3]), [-1, qkv.shape[1]]) as Tensor2D;
}

/**
 * The factor of dropout: 0 with probability `rate`, else 1/(1 - rate).
 * @param seed int32 [2] @param site number of the dropout within the step @param rate a scalar in [0, 1)
 */
export function dropoutMask(seed: Tensor1D, site: number, rate: Tensor, shape: number[]): Tensor {
  const [mask] = fused('dropoutMask', { seed, rate }, { site, shape }) ?? [
    div(cast(greaterEqual(noise(seed, site, shape), rate), 'float32'), sub(1, rate)),
  ];
  return mask!;
}

/** x * mask; mask null: nothing was dropped. */
export function times(x: Tensor2D, mask: Tensor | null): Tensor2D {
  return mask ? mul(x, mask) : x;
}

/** Elementwise sum of two matrices of one shape. */
export function plus(a: Tensor2D, b: Tensor2D): Tensor2D {
  return add(a, b);
}

/** max(x * mask, 0) */
export function reluDropped(x: Tensor2D, mask: Tensor | null): Tensor2D {
  const [y] = fused('reluDropped', { x, mask }) ?? [relu(times(x, mask))];
  return y as Tensor2D;
}

/** The gradient of x in y = max(x * mask, 0), or in y = max(x, 0) * mask: both are 0 where y is. */
export function reluDroppedGrad(dy: Tensor2D, y: Tensor2D, mask: Tensor | null): Tensor2D {
  const [dx] = fused('reluDroppedGrad', { dy, y, mask }) ?? [times(mul(dy, cast(greater(y, 0), 'float32')), mask)];
  return dx as Tensor2D;
}

/** `means`: cross-entropy and accuracy, [2], of logits [R, C] against labels [R], int32; `dLogits` is the gradient of the loss. */
export function crossEntropy(logits: Tensor2D, labels: Tensor1D): { means: Tensor1D; dLogits: () => Tensor2D } {
  const outputs = fused('crossEntropy', { logits, labels });
  if (outputs) return { means: outputs[0] as Tensor1D, dLogits: () => outputs[1] as Tensor2D };
  const [rows, classes] = logits.shape;
  const shifted = sub(logits, max(logits, 1, true));
  const logTotal = log(sum(exp(shifted), 1, true));
  const target = cast(oneHot(labels, classes), 'float32');
  // Selected with where, not with a product: 0 * infinity would turn a diverged loss into NaN.
  const picked = sum(where(cast(target, 'bool'), sub(shifted, logTotal), zerosLike(shifted)));
  const loss = mul(picked, -1 / rows);
  const accuracy = mean(cast(equal(argMax(logits, 1), labels), 'float32'));
  return {
    means: stack([loss, accuracy]) as Tensor1D,
    dLogits: () => mul(sub(exp(sub(shifted, logTotal)), target), 1 / rows),
  };
}
