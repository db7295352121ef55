/** The numbers of an evaluation: loss, accuracy, and metrics that the recipe derives from the loss. The main one, on the validation set, rates the run. */

import { betterOf, isBetter } from '~/shared/columns';
import type { EvaluationMetric } from '~/shared/events';
import { formatPercent } from '~/shared/numbers';
import type { Task } from '~/trainer/types';

/** Results of an evaluation. A checkpoint of version 0.1 stores accuracy without loss: the loss is then NaN. */
export interface Measured {
  loss: number;
  accuracy: number;
}

type Described = Pick<Task, 'derived' | 'mainMetric'>;

/** @param main whether to mark the main metric */
export function metricsOf(task: Described, { loss, accuracy }: Measured, main: boolean): EvaluationMetric[] {
  const metrics: EvaluationMetric[] = [
    { name: 'loss', value: loss, role: 'loss', better: 'lower' },
    { name: 'accuracy', value: accuracy, role: 'accuracy', better: 'higher' },
    ...(task.derived ?? []).map(({ name, better, of }) => ({ name, value: of({ loss }), better })),
  ];
  return metrics.map((m) => (main && m.name === nameOf(task) ? { ...m, main } : m));
}

const nameOf = ({ mainMetric = 'accuracy' }: Described): string => mainMetric;

/** @throws Error when the recipe's main metric is not measured */
export function mainOf(task: Described, measured: Measured): EvaluationMetric {
  const metrics = metricsOf(task, measured, true);
  const main = metrics.find((m) => m.main);
  if (!main)
    throw new Error(
      `mainMetric: there is no metric ${JSON.stringify(nameOf(task))}; there are ${metrics.map((m) => m.name).join(', ')}`,
    );
  return main;
}

/** Whether the main metric of `measured` is better than the main metric of `than`. */
export function isBest(task: Described, measured: Measured, than: Measured | null): boolean {
  const main = mainOf(task, measured);
  if (Number.isNaN(main.value)) return false;
  return (
    than === null || Number.isNaN(mainOf(task, than).value) || isBetter(betterOf(main), main.value, mainOf(task, than).value)
  );
}

/** "98.4 %", "perplexity 3.412" */
export const describeMetric = ({ name, role, value }: EvaluationMetric): string =>
  role === 'accuracy' ? formatPercent(value) : `${name} ${Number.isFinite(value) ? value.toPrecision(4) : value}`;
