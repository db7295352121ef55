/**
 * Clipping and the optimizers on flat vectors of all parameters and gradients, computed as in torch.nn.utils and torch.optim.
 * Rates and thresholds come as scalar tensors, so that they may change at every step of a compiled graph.
 */
import {
  add,
  concat,
  div,
  greater,
  maximum,
  minimum,
  mul,
  neg,
  reshape,
  slice,
  sqrt,
  square,
  stack,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  where,
} from '@tensorflow/tfjs-core';
import { unreachable } from '~/shared/unreachable';
import type { RunConfig } from '~/trainer/base/config';
import type { Hyper, ParamSpec } from '~/trainer/types';
import { fused } from './fused';
import type { Named } from './model';

export type OptimizerKind = RunConfig['optimizer']['kind'];

/** Flat vectors [P]: the parameters and the optimizer's moments. SGD keeps its momentum in `m` and does not use `v`. */
export interface OptimizerState {
  params: Tensor1D;
  m: Tensor1D;
  v: Tensor1D;
}

/** The choices of one update that are fixed when a graph is built; the other values are scalar inputs. */
export interface UpdatePlan {
  kind: OptimizerKind;
  clipByValue: boolean;
  weightDecay: boolean;
}

export function updatePlan(kind: OptimizerKind, hyper: Hyper): UpdatePlan {
  return { kind, clipByValue: hyper.clip.mode === 'value', weightDecay: hyper.weightDecay !== 0 };
}

const scalarNames = [
  'clip',
  'keepM',
  'addM',
  'keepV',
  'addV',
  'rate',
  'varianceCorrection',
  'epsilon',
  'weightDecay',
  'keepParams',
] as const;
type ScalarName = (typeof scalarNames)[number];
type UpdateScalars = Record<ScalarName, Tensor>;

/**
 * The scalars of one update, computed in f64 as torch does.
 * @param t this update's number, from 1
 */
export function updateScalars(kind: OptimizerKind, hyper: Hyper, t: number): number[] {
  const { learningRate, beta1, beta2, epsilon, weightDecay, momentum, clip } = hyper;
  const sgd = kind === 'sgd';
  const values: Record<ScalarName, number> = {
    clip: clip.mode === 'off' ? Number.POSITIVE_INFINITY : clip.threshold,
    keepM: sgd ? momentum : beta1,
    addM: sgd ? 1 : 1 - beta1,
    keepV: beta2,
    addV: 1 - beta2,
    rate: sgd ? learningRate : learningRate / (1 - beta1 ** t),
    varianceCorrection: Math.sqrt(1 - beta2 ** t),
    epsilon,
    weightDecay,
    keepParams: 1 - learningRate * weightDecay,
  };
  return scalarNames.map((name) => values[name]);
}

/** @param vector one number for each of scalarNames, from `updateScalars` */
function namedScalars(vector: Tensor1D): UpdateScalars {
  const at = (index: number) => reshape(slice(vector, index, 1), []);
  return Object.fromEntries(scalarNames.map((name, index) => [name, at(index)])) as UpdateScalars;
}

/** All gradients side by side [P], in the order of the specs. */
export function flatten(grads: Named, specs: readonly ParamSpec[]): Tensor1D {
  return concat(specs.map(({ name, size }) => reshape(grads[name]!, [size]) as Tensor1D));
}

/** The parameters under their names, cut out of the flat vector [P]. */
export function unflatten(flat: Tensor1D, specs: readonly ParamSpec[]): Named {
  return Object.fromEntries(specs.map(({ name, shape, offset, size }) => [name, reshape(slice(flat, offset, size), shape)]));
}

/** total + x * weight, of vectors; weight is a scalar. */
export function accumulate(total: Tensor1D, x: Tensor1D, weight: Tensor): Tensor1D {
  const [sum] = fused('accumulate', { total, x, weight }) ?? [add(total, mul(x, weight))];
  return sum as Tensor1D;
}

/** Squared L2 norm of each gradient, [number of gradients]. @param flat the gradients side by side, from `flatten`, and the specs in their order */
export function squaredNorms(flat: Tensor1D, specs: readonly Pick<ParamSpec, 'offset' | 'size'>[]): Tensor1D {
  const [squares] = fused('squaredNorms', { flat }, { sizes: specs.map(({ size }) => size) }) ?? [
    stack(specs.map(({ offset, size }) => sum(square(slice(flat, offset, size))))),
  ];
  return squares as Tensor1D;
}

/**
 * The common factor that makes the gradients' joint L2 norm at most `clip`: clip/(norm + 1e-6) where norm > clip, else 1.
 *
 * Source: torch.nn.utils.clip_grad_norm_; Pascanu, Mikolov, Bengio 2013, "On the difficulty of training recurrent neural networks", Algorithm 1.
 * @param norm scalar, before clipping. Not finite: the factor is NaN or 0, and NaN gradients stay NaN.
 */
export function clipFactor(norm: Tensor, clip: Tensor): Tensor {
  return where(greater(norm, clip), div(clip, add(norm, 1e-6)), 1);
}

/**
 * One update.
 *
 * `adam` is torch.optim.Adam (weightDecay is added to the gradient), `adamw` torch.optim.AdamW (the parameters shrink instead), `sgd`
 * torch.optim.SGD with momentum, no dampening, no Nesterov. Weight decay acts after clipping, as it does in torch.
 *
 * @param grads [P], before clipping
 * @param norm their global L2 norm, scalar
 * @param scalars [scalarCount or more], from `updateScalars`
 * @returns new vectors; the caller owns the old and the new ones
 */
export function update(
  state: OptimizerState,
  grads: Tensor1D,
  norm: Tensor,
  scalars: Tensor1D,
  plan: UpdatePlan,
): OptimizerState {
  if (plan.kind !== 'sgd') {
    const { clipByValue, weightDecay, kind } = plan;
    const outputs = fused('adam', { ...state, grads, norm, scalars }, { clipByValue, weightDecay, decoupled: kind === 'adamw' });
    if (outputs) return { params: outputs[0] as Tensor1D, m: outputs[1] as Tensor1D, v: outputs[2] as Tensor1D };
  }
  const s = namedScalars(scalars);
  let g: Tensor1D = plan.clipByValue ? minimum(maximum(grads, neg(s.clip)), s.clip) : mul(grads, clipFactor(norm, s.clip));
  let { params } = state;
  if (plan.weightDecay && plan.kind === 'adamw') params = mul(params, s.keepParams);
  else if (plan.weightDecay) g = add(g, mul(params, s.weightDecay));
  switch (plan.kind) {
    case 'sgd': {
      const m = add(mul(state.m, s.keepM), g) as Tensor1D;
      return { params: sub(params, mul(m, s.rate)), m, v: state.v };
    }
    case 'adam':
    case 'adamw': {
      const m = add(mul(state.m, s.keepM), mul(g, s.addM)) as Tensor1D;
      const v = add(mul(state.v, s.keepV), mul(square(g), s.addV)) as Tensor1D;
      const denominator = add(div(sqrt(v), s.varianceCorrection), s.epsilon);
      return { params: sub(params, mul(s.rate, div(m, denominator))), m, v };
    }
    default:
      return unreachable(plan.kind);
  }
}
