import type { Condition } from './commands';
import { metricNamed } from './evaluations';
import type { Evaluation } from './events';
import type { Series } from './series';

/** What is known of a run's numbers: its series, and its newest evaluations. */
export interface Measured {
  series: readonly Pick<Series, 'name' | 'role' | 'unit'>[];
  evaluations: readonly Pick<Evaluation, 'split' | 'metrics'>[];
}

/** Why a condition can never come about, by what its number declares to be; null = it may. An accuracy is a share of 1: it never passes 0 and 1. */
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
