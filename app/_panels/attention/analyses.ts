import type { Analysis } from '~/shared/events';
import type { Placed } from '~/shared/fold';

/** Names of the trainer's analyses and of the numbers in their summaries; see trainer/analyses.ts. */
export const permutationCheck = 'permutationCheck';
export const ablateHeads = 'ablateHeads';

/** "mean.0.1": loss with layer 0, head 1 replaced by its mean, minus the loss with all heads. */
export const ablationKey = (how: 'mean' | 'zero', layer: number, head: number): string => `${how}.${layer}.${head}`;

/** What the newest ablation at this step says of a head; null when there is none. */
export function ablationAt(
  analyses: readonly Placed<Analysis>[],
  step: number,
  layer: number,
  head: number,
): { mean: number; zero: number } | null {
  for (const a of analyses.toReversed()) {
    if (a.kind !== ablateHeads || a.step !== step) continue;
    const mean = a.summary[ablationKey('mean', layer, head)];
    const zero = a.summary[ablationKey('zero', layer, head)];
    if (mean !== undefined && zero !== undefined) return { mean, zero };
  }
  return null;
}
