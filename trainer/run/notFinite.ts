import type { ParamSpec, StepMetrics } from '~/trainer/types';

/** What of an update is not finite: "loss is NaN, gradient norm is NaN, first in input.weight". */
export function notFinite({ loss, gradNorm, paramGradNorms }: StepMetrics, params: readonly ParamSpec[]): string {
  const first = paramGradNorms.findIndex((norm) => !Number.isFinite(norm));
  return [
    ...(Number.isFinite(loss) ? [] : [`loss is ${loss}`]),
    ...(Number.isFinite(gradNorm) ? [] : [`gradient norm is ${gradNorm}`]),
    ...(first < 0 ? [] : [`first in ${params[first]!.name}`]),
  ].join(', ');
}
