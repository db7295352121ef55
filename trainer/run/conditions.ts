import type { Condition } from '~/shared/commands';
import { describeCondition, neverMet } from '~/shared/conditions';
import { metricNamed } from '~/shared/evaluations';
import type { EvaluationMetric } from '~/shared/events';
import { own, type Table } from '~/shared/own';
import type { Series } from '~/shared/series';
import { unreachable } from '~/shared/unreachable';
import { split } from '~/trainer/base/splits';
import type { RunState } from '~/trainer/nn/checkpoint';

/** The values that conditions of scheduled commands depend on. */
export interface Circumstances {
  step: number;
  evaluations: RunState['newestEvaluations'];
  /** Value of a column in the newest row; undefined before the first. */
  newest(column: string): number | undefined;
  /** Value of a metric derived from a loss; undefined for an unknown name. */
  derived(metric: string, loss: number): number | undefined;
}

export function isMet(condition: Condition, { step, evaluations, newest, derived }: Circumstances): boolean {
  switch (condition.kind) {
    case 'step':
      return step >= condition.step;
    case 'evaluation':
      return compare(evaluated({ evaluations, derived }, condition.split, condition.metric), condition);
    case 'series':
      return compare(newest(condition.name), condition);
    default:
      return unreachable(condition);
  }
}

/** Value of a metric in the newest evaluation of a split; undefined before the first evaluation, and for unknown names. */
function evaluated(
  { evaluations, derived }: Pick<Circumstances, 'evaluations' | 'derived'>,
  split: string,
  metric: string,
): number | undefined {
  const newest = own(evaluations as Table<Table<number>>, split);
  return newest && (own(newest, metric) ?? derived(metric, newest.loss!));
}

const compare = (value: number | undefined, { comparison, value: limit }: { comparison: '>' | '<'; value: number }): boolean =>
  value !== undefined && (comparison === '>' ? value > limit : value < limit);

/** The numbers that conditions may name. */
export interface Nameable {
  /** Columns of the step rows. */
  columns: readonly Series[];
  /** Metrics of every evaluation. */
  metrics: EvaluationMetric[];
}

/** null, or why the condition can never be met. */
export function impossible(condition: Condition, step: number, { columns, metrics }: Nameable): string | null {
  const names = (of: readonly { name: string }[]) => of.map(({ name }) => name);
  const why = impossibleName(condition, step, names(columns), names(metrics)) ?? outOfRange(condition, { columns, metrics });
  return why === null ? null : `${describeCondition(condition)}: ${why}`;
}

function outOfRange(condition: Condition, { columns, metrics }: Nameable): string | null {
  if (condition.kind === 'step') return null;
  const named =
    condition.kind === 'series' ? columns.find((c) => c.name === condition.name) : metricNamed({ metrics }, condition.metric);
  // Every recipe's loss is a cross-entropy.
  if (named?.role === 'loss' && condition.comparison === '<' && condition.value <= 0)
    return 'this loss is never below 0; give a number above 0';
  return neverMet({ series: columns, evaluations: split.options.map((of) => ({ split: of, metrics })) }, condition);
}

function impossibleName(
  condition: Condition,
  step: number,
  columns: readonly string[],
  metrics: readonly string[],
): string | null {
  switch (condition.kind) {
    case 'step':
      return condition.step < step ? `that step has passed, the run is at step ${step}` : null;
    case 'series':
      return columns.includes(condition.name) ? null : `this run has no series ${JSON.stringify(condition.name)}`;
    case 'evaluation':
      if (!(split.options as string[]).includes(condition.split))
        return `this run has no set ${JSON.stringify(condition.split)}; it has ${split.options.join(', ')}`;
      return metrics.includes(condition.metric)
        ? null
        : `its evaluations have no ${JSON.stringify(condition.metric)}; they have ${metrics.join(', ')}`;
    default:
      return unreachable(condition);
  }
}
