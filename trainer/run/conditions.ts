import { type Condition, describeCondition } from '~/shared/commands';
import { own, type Table } from '~/shared/own';
import { unreachable } from '~/shared/unreachable';
import type { RunState } from '~/trainer/nn/checkpoint';

/** What conditions of scheduled commands look at. */
export interface Circumstances {
  step: number;
  evaluations: RunState['newestEvaluations'];
  /** Value of a column in the newest row; undefined before the first. */
  newest(column: string): number | undefined;
  /** Value of a metric that follows from a loss; undefined when there is none of that name. */
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

/** Value of a metric in the newest evaluation of a split; undefined before the first, and for names that there are not. */
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

/** null, or why the condition can never be met. */
export function impossible(condition: Condition, step: number, columns: readonly string[]): string | null {
  if (condition.kind === 'step' && condition.step < step)
    return `${describeCondition(condition)}: that step has passed, the run is at step ${step}`;
  if (condition.kind === 'series' && !columns.includes(condition.name))
    return `${describeCondition(condition)}: this run has no series ${JSON.stringify(condition.name)}`;
  return null;
}
