import type { Color } from '~/app/_charts/types';
import { headlineMetric } from '~/shared/evaluations';
import type { Evaluation, EvaluationMetric } from '~/shared/events';
import { formatPercent, formatValue } from '~/shared/numbers';

/** Display of evaluations. An accuracy is a fraction of 1 shown in percent; other values are shown unchanged. */

export const metricValue = ({ role, value }: Pick<EvaluationMetric, 'role' | 'value'>, digits = 4): string =>
  (role === 'accuracy' ? formatPercent : formatValue)(value, digits);

/** The metrics of an evaluation in display order, main metric first. */
export function rankedMetrics(e: Pick<Evaluation, 'metrics'>): EvaluationMetric[] {
  const first = headlineMetric(e);
  return [first, ...e.metrics.filter((m) => m !== first)];
}

/** Metrics that fit in a line of text. */
const SAID = 3;

/** "accuracy 75 %, loss 0.5", "bleu 31.2, chrf 55.1, ter 0.4 and 3 more" */
export function describeMetrics(metrics: readonly EvaluationMetric[]): string {
  const said = metrics.slice(0, SAID).map((m) => `${m.name} ${metricValue(m)}`);
  return `${said.join(', ')}${metrics.length > SAID ? ` and ${metrics.length - SAID} more` : ''}`;
}

/** Fixed colors of the usual splits, so that a color means the same on every page. */
const usual: ReadonlyMap<string, number> = new Map([
  ['validation', 1],
  ['test', 2],
  ['train', 5],
]);
const others = [3, 4, 6, 7, 0];

/** A color per split; splits without a fixed color get one in order of first appearance. */
export function splitColors(splits: Iterable<string>): ReadonlyMap<string, Color> {
  const colors = new Map<string, Color>();
  let next = 0;
  for (const split of splits) if (!colors.has(split)) colors.set(split, usual.get(split) ?? others[next++ % others.length]!);
  return colors;
}
