import { betterOf, isBetter } from './columns';
import type { Evaluation, EvaluationMetric } from './events';
import type { Better } from './series';
import { mostSplits, type WithSeq } from './view';

/** Reading evaluations by the roles that their metrics declare, never by fixed names. */

type Metrics = Pick<Evaluation, 'metrics'>;

export const metricNamed = ({ metrics }: Metrics, name: string): EvaluationMetric | undefined =>
  metrics.find((m) => m.name === name);

/** The metric with a role; the main one first. */
export const metricWithRole = ({ metrics }: Metrics, role: 'loss' | 'accuracy'): EvaluationMetric | undefined =>
  metrics.find((m) => m.role === role && m.main) ?? metrics.find((m) => m.role === role);

/**
 * The metric by which evaluations are compared: the declared main one; null = this evaluation has none, so it is not compared.
 */
export function mainMetric(e: Metrics): { name: string; value: number; better: Better } | null {
  const main = e.metrics.find((m) => m.main);
  return main ? { name: main.name, value: main.value, better: betterOf(main) } : null;
}

/** The metric that is shown first: the declared main one, else an accuracy, else a loss, else the first. */
export const headlineMetric = (e: Metrics): EvaluationMetric =>
  e.metrics.find((m) => m.main) ?? metricWithRole(e, 'accuracy') ?? metricWithRole(e, 'loss') ?? e.metrics[0]!;

/**
 * The better of two by their main metric; the earlier one when they are equal. NaN is worse than every number. When the main
 * metric changes, the new evaluation is the best.
 */
export function betterEvaluation(best: WithSeq<Evaluation> | null, e: WithSeq<Evaluation>): WithSeq<Evaluation> | null {
  const metric = mainMetric(e);
  if (!metric || Number.isNaN(metric.value)) return best;
  const before = best && mainMetric(best);
  if (!before || before.name !== metric.name) return e;
  return isBetter(metric.better, metric.value, before.value) ? e : best;
}

/** The newest evaluation of each split, in the order of the log. */
export function newestOfEach(evaluations: readonly WithSeq<Evaluation>[]): WithSeq<Evaluation>[] {
  const newest = new Map<string, WithSeq<Evaluation>>();
  for (const e of evaluations) if ((newest.get(e.split)?.seq ?? 0) <= e.seq) newest.set(e.split, e);
  return [...newest.values()].sort((a, b) => a.seq - b.seq).slice(-mostSplits);
}

/** Step of the parameters that were evaluated. */
export const evaluatedStep = ({ step, parametersStep }: Pick<Evaluation, 'step' | 'parametersStep'>): number =>
  parametersStep ?? step;
