import type { Condition } from './commands';
import { metricNamed } from './evaluations';
import type { Evaluation } from './events';
import type { Series } from './series';

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

/**
 * Why a condition can never be met, judged by the declared range of its number; null = it can. An accuracy is a share: it stays
 * between 0 and 1.
 */
export function neverMet({ series, evaluations }: Measured, c: Condition): string | null {
  if (c.kind === 'step') return null;
  const share =
    c.kind === 'series'
      ? series.some((s) => s.name === c.name && s.role === 'accuracy' && !s.unit)
      : evaluations.some((e) => e.split === c.split && metricNamed(e, c.metric)?.role === 'accuracy');
  if (!share) return null;
  if (c.comparison === '>' && c.value >= 1) return 'an accuracy is never above 1; give a number below 1';
  return c.comparison === '<' && c.value <= 0 ? 'an accuracy is never below 0; give a number above 0' : null;
}
