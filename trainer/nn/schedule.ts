import { unreachable } from '~/shared/unreachable';
import type { RunConfig } from '~/trainer/base/config';

/**
 * The learning rate of optimiser step `step` (from 0).
 *
 * Warm-up multiplies by step/warmupSteps up to and including step warmupSteps (so step 0 has rate 0 when there is a warm-up). `cosine`
 * multiplies by (1 + cos(pi step/maxSteps))/2, which like PyTorch's rises again after maxSteps; `linear` by 1 - step/maxSteps, and stays 0.
 *
 * @param base the rate before the schedule, > 0
 * @param maxSteps the schedule's own, or the run's last step where that is null; >= 1
 * Source: UvA deep learning tutorial 6, CosineWarmupScheduler.
 */
export function learningRateAt(base: number, schedule: RunConfig['schedule'], maxSteps: number, step: number): number {
  const { kind, warmupSteps } = schedule;
  const warmup = step <= warmupSteps && warmupSteps > 0 ? step / warmupSteps : 1;
  return base * warmup * decay(kind, step / maxSteps);
}

/** @param progress 0 at the start, 1 at maxSteps */
function decay(kind: RunConfig['schedule']['kind'], progress: number): number {
  switch (kind) {
    case 'cosine':
      return 0.5 * (1 + Math.cos(Math.PI * progress));
    case 'linear':
      return Math.max(0, 1 - progress);
    case 'constant':
      return 1;
    default:
      return unreachable(kind);
  }
}
