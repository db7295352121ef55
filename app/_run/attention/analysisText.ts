import { ablationName, analysisKinds } from '~/shared/analyses';
import type { Analysis } from '~/shared/events';
import type { WithSeq } from '~/shared/view';

/** The result of the newest ablation of a head at this step; null when there is none. */
export function ablationAt(
  analyses: readonly WithSeq<Analysis>[],
  step: number,
  layer: number,
  head: number,
): { mean: number; zero: number } | null {
  for (const a of analyses.toReversed()) {
    if (a.kind !== analysisKinds.ablateHeads || a.step !== step) continue;
    const mean = a.summary[ablationName('mean', layer, head)];
    const zero = a.summary[ablationName('zero', layer, head)];
    if (mean !== undefined && zero !== undefined) return { mean, zero };
  }
  return null;
}
