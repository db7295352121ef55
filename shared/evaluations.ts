import type { Evaluation } from './events';
import { mostSplits, type WithSeq } from './view';

/** What an evaluation is compared by: the accuracy on the validation set; null = it has no such number. */
export function mainMetric(e: Evaluation): { name: string; value: number; better: 'lower' | 'higher' } | null {
  return e.split === 'validation' ? { name: 'accuracy', value: e.accuracy, better: 'higher' } : null;
}

/** The better of two by their main metric; of equals the earlier one. NaN is worse than every number. */
export function betterEvaluation(best: WithSeq<Evaluation> | null, e: WithSeq<Evaluation>): WithSeq<Evaluation> | null {
  const metric = mainMetric(e);
  if (!metric || Number.isNaN(metric.value)) return best;
  const before = best && mainMetric(best);
  if (!before) return e;
  return (metric.better === 'higher' ? metric.value > before.value : metric.value < before.value) ? e : best;
}

/** The newest of each split, in the order of the log. */
export function newestOfEach(evaluations: readonly WithSeq<Evaluation>[]): WithSeq<Evaluation>[] {
  const newest = new Map<string, WithSeq<Evaluation>>();
  for (const e of evaluations) if ((newest.get(e.split)?.seq ?? 0) <= e.seq) newest.set(e.split, e);
  return [...newest.values()].sort((a, b) => a.seq - b.seq).slice(-mostSplits);
}
