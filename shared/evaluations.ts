import type { Evaluation, EvaluationMetric } from './events';
import type { Better } from './series';

/** Reading evaluations: by the roles that their metrics declare, never by a name that the program expects. */

type Metrics = Pick<Evaluation, 'metrics'>;

export const metricNamed = ({ metrics }: Metrics, name: string): EvaluationMetric | undefined => metrics.find((m) => m.name === name);

/** The metric of a role, the main one first. */
export const metricWithRole = ({ metrics }: Metrics, role: 'loss' | 'accuracy'): EvaluationMetric | undefined =>
  metrics.find((m) => m.role === role && m.main) ?? metrics.find((m) => m.role === role);

/** The number that says how good the run is: as declared, else an accuracy, else a loss, else the first that says which way is better. */
export const mainMetric = (e: Metrics): EvaluationMetric | undefined =>
  e.metrics.find((m) => m.main) ?? metricWithRole(e, 'accuracy') ?? metricWithRole(e, 'loss') ?? e.metrics.find((m) => m.better);

/** Which way a metric improves: as declared, else accuracies rise and everything else falls. */
export const betterOf = ({ better, role }: Pick<EvaluationMetric, 'better' | 'role'>): Better =>
  better ?? (role === 'accuracy' ? 'higher' : 'lower');

/** Whether `value` is better than `than`; NaN never is, and anything is better than NaN. */
export function isBetter(better: Better, value: number, than: number): boolean {
  if (Number.isNaN(value)) return false;
  if (Number.isNaN(than)) return true;
  return better === 'higher' ? value > than : value < than;
}

/** Step of the parameters that were evaluated. */
export const evaluatedStep = ({ step, parametersStep }: Pick<Evaluation, 'step' | 'parametersStep'>): number => parametersStep ?? step;
