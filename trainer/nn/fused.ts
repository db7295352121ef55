/**
 * Parts of the network that a backend may compute as one kernel. If the current backend has registered a kernel of such a name, it is used;
 * otherwise the same function is composed of tfjs ops (ops.ts, optimizer.ts). Tests compare the kernels with these compositions.
 */
import { engine, getBackend, getKernel, type NamedAttrMap, type NamedTensorMap, type Tensor } from '@tensorflow/tfjs-core';

/** Inputs -> outputs of each kernel; inputs with `?` may be missing. Shapes as in ops.ts. */
export const fusedKernels = {
  /** x, weight, bias -> y */
  linear: 'HeadroomLinear',
  /** dy, x -> gradients of weight and bias */
  linearGrad: 'HeadroomLinearGrad',
  /** x, y? -> column sums of x, and of x * y when there is a y */
  columnSums: 'HeadroomColumnSums',
  /** x, branch?, mask?, weight, bias -> y, normalized, inverseStd */
  layerNorm: 'HeadroomLayerNorm',
  /** dy, normalized, inverseStd, weight -> dx */
  layerNormGrad: 'HeadroomLayerNormGrad',
  /** x, mask? -> y */
  reluDropped: 'HeadroomReluDropped',
  /** dy, y, mask? -> dx */
  reluDroppedGrad: 'HeadroomReluDroppedGrad',
  /** seed, rate -> mask; attributes site, shape */
  dropoutMask: 'HeadroomDropoutMask',
  /** qkv -> context, weights; attributes seqLen, heads, causal */
  attention: 'HeadroomAttention',
  /** dContext, qkv, weights -> dQkv; attribute causal */
  attentionGrad: 'HeadroomAttentionGrad',
  /** ids -> rows; attribute width */
  oneHot: 'HeadroomOneHot',
  /** logits, labels -> means (loss, accuracy), dLogits */
  crossEntropy: 'HeadroomCrossEntropy',
  /** total, x, weight (a scalar) -> total + x * weight; total and x are vectors */
  accumulate: 'HeadroomAccumulate',
  /** flat -> the squared norms of the vectors that lie side by side in it; attribute sizes (of each) */
  squaredNorms: 'HeadroomSquaredNorms',
  /** means, squares -> metrics: both means, the norm of all twice, and with the attribute `each` the norm of every vector */
  metrics: 'HeadroomMetrics',
  /** params, m, v, grads, norm, scalars -> params, m, v; attributes clipByValue, weightDecay, decoupled */
  adam: 'HeadroomAdam',
} as const;

/** @returns the kernel's outputs, or null where the current backend has no such kernel */
export function fused(
  name: keyof typeof fusedKernels,
  inputs: Record<string, Tensor | null | undefined>,
  attrs: Record<string, unknown> = {},
): Tensor[] | null {
  const kernelName = fusedKernels[name];
  if (!getKernel(kernelName, getBackend())) return null;
  const given = Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => tensor)) as NamedTensorMap;
  return engine().runKernel(kernelName, given, attrs as NamedAttrMap) as Tensor[];
}
