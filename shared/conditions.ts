import type { Condition } from './commands';
import { metricNamed } from './evaluations';
import type { Evaluation } from './events';
import type { Series, SeriesRole } from './series';

export function describeCondition(c: Condition): string {
  switch (c.kind) {
    case 'step':
      return `at step ${c.step}`;
    case 'evaluation':
      return `when ${c.split} ${c.metric} ${c.comparison} ${c.value}`;
    case 'series':
      return `when ${c.name} ${c.comparison} ${c.value}`;
  }
}

/** The known numbers of a run: its series, and its newest evaluations. */
export interface Measured {
  series: readonly Pick<Series, 'name' | 'role' | 'unit'>[];
  evaluations: readonly Pick<Evaluation, 'split' | 'metrics'>[];
}

/** What a number of such a role is called, where it cannot be negative. A loss can. */
const notNegative: Partial<Record<SeriesRole, string>> = {
  accuracy: 'an accuracy',
  learningRate: 'a learning rate',
  baseLearningRate: 'a learning rate',
  gradNorm: 'a gradient norm',
  gradNormOf: 'a gradient norm',
  clipThreshold: 'a clip value',
  stepsPerSecond: 'a speed',
  stepMs: 'a duration',
};

/** Why a condition can never be met, judged by the role of its number; null = it can. An accuracy is a share: it stays between 0 and 1. */
export function neverMet({ series, evaluations }: Measured, c: Condition): string | null {
  if (c.kind === 'step') return null;
  const number =
    c.kind === 'series'
      ? series.find((s) => s.name === c.name)
      : evaluations.filter((e) => e.split === c.split).map((e) => metricNamed(e, c.metric))[0];
  const what = number?.role && notNegative[number.role];
  if (!what) return null;
  if (c.comparison === '<' && c.value <= 0) return `${what} is never below 0; give a number above 0`;
  const share = number.role === 'accuracy' && !('unit' in number && number.unit);
  return share && c.comparison === '>' && c.value >= 1 ? `${what} is never above 1; give a number below 1` : null;
}
