/**
 * The network: a post-norm Transformer encoder, forward from top to bottom in this table, backward from bottom to top.
 *
 *   input_net   (learned embedding or one-hot or features) -> dropout -> Linear, plus sinusoidal positions
 *   layers x    x = norm1(x + dropout(o_proj(attention(qkv_proj(x)))));  x = norm2(x + dropout(linear_net(x)))
 *   linear_net  Linear(D, 2D) -> dropout -> ReLU -> Linear(2D, D)
 *   output_net  Linear(D, D) -> LayerNorm -> ReLU -> dropout -> Linear(D, outputDim)
 *
 * All dropouts except the first share one rate. B = batch, T = positions, N = B * T rows, I = input width, D = model width, H = heads, C = outputDim.
 * Source: P. Lippe, UvA deep learning tutorial 6, "Transformers and multi-head attention"; checked against PyTorch (npm run parity).
 */
import {
  add,
  cast,
  matMul,
  oneHot,
  reshape,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor2d,
} from '@tensorflow/tfjs-core';
import type { ModelShape } from '~/trainer/types';
import { fused } from './fused';
import {
  type Attention,
  attention,
  attentionGrad,
  dropoutMask,
  type LayerNormed,
  layerNorm,
  layerNormGrad,
  linear,
  linearGrad,
  plus,
  reluDropped,
  reluDroppedGrad,
  times,
} from './ops';

/** Parameters, or their gradients, by PyTorch name: weights [out, in], the others [out]. */
export type Named = Record<string, Tensor>;

export interface ForwardOptions {
  /** Left out: evaluation, no dropout. */
  dropout?: Dropout;
  /** [T, T] or [B, T, T]: 1 where a position (row) may look at another (column), else 0; holds in every layer, beside the shape's `causal`. */
  mask?: Tensor2D | Tensor3D;
  /** Changes the heads' outputs [N, D] of a layer before o_proj. */
  editHeads?: (context: Tensor2D, layer: number) => Tensor2D;
}

export interface Forward {
  /** [N, C] */
  logits: Tensor2D;
  /** One per layer: [B, H, T, T]. */
  maps: Tensor[];
  /** The tensors that backward needs, kept alive by the caller's tidy. */
  trace: Trace;
}

/** The mask of one dropout, also applied to the gradient; null where nothing was dropped. */
type Dropped = Tensor | null;

interface LayerTrace {
  x: Tensor2D; // [N, D]
  attended: Attention;
  afterAttention: Dropped;
  normed1: LayerNormed;
  hidden: Tensor2D; // [N, 2D], after ReLU
  insideNet: Dropped;
  afterNet: Dropped;
  normed2: LayerNormed;
}

interface Trace {
  ids: Tensor2D | null; // [N, I] one-hot, in front of a learned embedding
  input: Tensor2D; // [N, I]
  inputDropped: Dropped;
  layers: LayerTrace[];
  last: Tensor2D; // [N, D]
  normed: LayerNormed;
  head: Tensor2D; // [N, D], input of the last Linear
  headDropped: Dropped;
}

/** Makes dropout masks; each call in a step draws its own random numbers. A rate of null: nothing is dropped. */
export class Dropout {
  #site = 0;

  /**
   * @param seed int32 [2], new for every step
   * @param rate, inputRate scalars in [0, 1): tensors, so that they can change without a new graph
   */
  constructor(
    readonly seed: Tensor1D,
    readonly rate: Tensor | null,
    readonly inputRate: Tensor | null,
  ) {}

  mask(rate: Tensor | null, shape: number[]): Dropped {
    return rate && dropoutMask(this.seed, this.#site++, rate, shape);
  }
}

/**
 * @param p the parameters of `paramSpecs(shape)`
 * @param inputs ids [B, T] int32, or features [B, T, I]
 */
export function forward(p: Named, shape: ModelShape, inputs: Tensor, { dropout, mask, editHeads }: ForwardOptions = {}): Forward {
  const { seqLen, heads, modelDim } = shape;
  const weight = (name: string) => p[`${name}.weight`] as Tensor2D;
  const project = (x: Tensor2D, name: string) => linear(x, weight(name), p[`${name}.bias`] as Tensor1D);
  /** LayerNorm of x + branch * dropped. */
  const norm = (name: string, x: Tensor2D, branch: Tensor2D | null = null, dropped: Dropped = null) =>
    layerNorm(x, branch, dropped, p[`${name}.weight`] as Tensor1D, p[`${name}.bias`] as Tensor1D);
  const drop = (x: Tensor2D) => dropout?.mask(dropout.rate, x.shape) ?? null;

  const rows = (
    shape.input === 'features' ? reshape(inputs, [-1, shape.inputDim]) : oneHotRows(inputs, shape.inputDim)
  ) as Tensor2D; // [N, I]
  const ids = shape.input === 'learned' ? rows : null;
  const input: Tensor2D = ids ? matMul(ids, weight('embedding')) : rows; // [N, I] or [N, D]
  const inputDropped = dropout?.mask(dropout.inputRate, input.shape) ?? null;

  let x = project(times(input, inputDropped), 'input_net.1'); // [N, D]
  if (shape.positional) x = reshape(add(reshape(x, [-1, seqLen, modelDim]), positions(seqLen, modelDim)), [-1, modelDim]);

  const layers: LayerTrace[] = [];
  for (let at = 0; at < shape.layers; at++) {
    const layer = `transformer.layers.${at}`;
    const attended = attention(project(x, `${layer}.self_attn.qkv_proj`), seqLen, heads, { causal: shape.causal, mask }); // context [N, D]
    if (editHeads) attended.context = editHeads(attended.context, at);
    const mixed = project(attended.context, `${layer}.self_attn.o_proj`); // [N, D]
    const afterAttention = drop(mixed);
    const normed1 = norm(`${layer}.norm1`, x, mixed, afterAttention); // [N, D]

    const wide = project(normed1.y, `${layer}.linear_net.0`); // [N, 2D]
    const insideNet = drop(wide);
    const hidden = reluDropped(wide, insideNet); // [N, 2D]
    const narrow = project(hidden, `${layer}.linear_net.3`); // [N, D]
    const afterNet = drop(narrow);
    const normed2 = norm(`${layer}.norm2`, normed1.y, narrow, afterNet); // [N, D]

    layers.push({ x, attended, afterAttention, normed1, hidden, insideNet, afterNet, normed2 });
    x = normed2.y;
  }

  const normed = norm('output_net.1', project(x, 'output_net.0')); // [N, D]
  const headDropped = drop(normed.y);
  const head = reluDropped(normed.y, headDropped); // [N, D]; a mask is never negative, so before ReLU or after is the same
  const logits = project(head, 'output_net.4'); // [N, C]
  return {
    logits,
    maps: layers.map((layer) => layer.attended.weights),
    trace: { ids, input, inputDropped, layers, last: x, normed, head, headDropped },
  };
}

/**
 * The gradient of every parameter, from the gradient of the logits.
 *
 * @param dLogits [N, C]
 * @returns one tensor per parameter, under its name and with its shape
 */
export function backward(p: Named, shape: ModelShape, trace: Trace, dLogits: Tensor2D): Named {
  const grads: Named = {};
  const weight = (name: string) => p[`${name}.weight`] as Tensor2D;
  /** Stores the parameter gradients of a Linear with input x; `into` gives the gradient of x, which the first layer does not need. */
  const project = (dy: Tensor2D, x: Tensor2D, name: string) => {
    const grad = linearGrad(dy, x);
    grads[`${name}.weight`] = grad.weight;
    grads[`${name}.bias`] = grad.bias;
  };
  const into = (dy: Tensor2D, name: string): Tensor2D => matMul(dy, weight(name)); // [N, out] -> [N, in]
  const norm = (dy: Tensor2D, normed: LayerNormed, name: string) => {
    const grad = layerNormGrad(dy, normed, p[`${name}.weight`] as Tensor1D);
    grads[`${name}.weight`] = grad.weight;
    grads[`${name}.bias`] = grad.bias;
    return grad.x;
  };

  project(dLogits, trace.head, 'output_net.4');
  const dHead = into(dLogits, 'output_net.4'); // [N, D]
  const dNormed = norm(reluDroppedGrad(dHead, trace.head, trace.headDropped), trace.normed, 'output_net.1'); // [N, D]
  project(dNormed, trace.last, 'output_net.0');
  let dx = into(dNormed, 'output_net.0'); // [N, D]

  for (let at = shape.layers - 1; at >= 0; at--) {
    const layer = `transformer.layers.${at}`;
    const { x, attended, afterAttention, normed1, hidden, insideNet, afterNet, normed2 } = trace.layers[at]!;
    const dSum2 = norm(dx, normed2, `${layer}.norm2`); // [N, D], to both sides of the residual sum
    const dNarrow = times(dSum2, afterNet); // [N, D]
    project(dNarrow, hidden, `${layer}.linear_net.3`);
    const dWide = reluDroppedGrad(into(dNarrow, `${layer}.linear_net.3`), hidden, insideNet); // [N, 2D]
    project(dWide, normed1.y, `${layer}.linear_net.0`);
    const dNormed1 = plus(dSum2, into(dWide, `${layer}.linear_net.0`)); // [N, D]

    const dSum1 = norm(dNormed1, normed1, `${layer}.norm1`); // [N, D]
    const dMixed = times(dSum1, afterAttention); // [N, D]
    project(dMixed, attended.context, `${layer}.self_attn.o_proj`);
    const dQkv = attentionGrad(into(dMixed, `${layer}.self_attn.o_proj`), attended); // [N, 3D]
    project(dQkv, x, `${layer}.self_attn.qkv_proj`);
    dx = plus(dSum1, into(dQkv, `${layer}.self_attn.qkv_proj`)); // [N, D]
  }

  project(dx, times(trace.input, trace.inputDropped), 'input_net.1'); // the positions are constant
  if (trace.ids) {
    const dInput = times(into(dx, 'input_net.1'), trace.inputDropped); // [N, D]
    grads['embedding.weight'] = matMul(trace.ids, dInput, true, false); // [I, D]
  }
  return grads;
}

/** ids [B, T] -> [N, I] */
function oneHotRows(ids: Tensor, width: number): Tensor2D {
  const flat = reshape(ids, [-1]) as Tensor1D;
  const [rows] = fused('oneHot', { ids: flat }, { width }) ?? [cast(oneHot(flat, width), 'float32')];
  return rows as Tensor2D;
}

/** Sine in even columns, cosine in odd ones, wavelengths from 2 pi to 10000 * 2 pi: [T, D]. */
function positions(seqLen: number, width: number): Tensor2D {
  const table = new Float32Array(seqLen * width);
  for (let t = 0; t < seqLen; t++) {
    for (let at = 0; at < width; at += 2) {
      // In f32 as PyTorch does it.
      const angle = Math.fround(t * Math.fround(Math.exp(Math.fround(at * Math.fround(-Math.log(10_000) / width)))));
      table[t * width + at] = Math.sin(angle);
      table[t * width + at + 1] = Math.cos(angle);
    }
  }
  return tensor2d(table, [seqLen, width]);
}
