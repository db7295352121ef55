import type { Condition } from './commands';
import type { ControlRole, ControlSpec, ControlValue } from './controls';
import { unusual } from './controlValues';
import { metricNamed } from './evaluations';
import type { Evaluation } from './events';
import { own, type Table } from './own';
import type { Series, SeriesRole } from './series';
import type { RunView } from './view';

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

/** The known numbers of a run: its series, and its newest evaluations; what bounds them, as far as it is declared. */
export interface Measured {
  series: readonly Pick<Series, 'name' | 'role' | 'unit'>[];
  evaluations: readonly Pick<Evaluation, 'split' | 'metrics'>[];
  controls?: readonly ControlSpec[];
  /** Values of the controls. */
  values?: Table<{ value: ControlValue }>;
  /** Number of epochs of the whole run; 0 = not known. */
  epochs?: number;
}

/** What a run declares that bounds its numbers. */
export const boundsOf = (view: Pick<RunView, 'controls' | 'values' | 'totalSteps' | 'stepsPerEpoch'>) => ({
  controls: view.controls.values,
  values: view.values,
  epochs: view.stepsPerEpoch > 0 ? view.totalSteps / view.stepsPerEpoch : 0,
});

/** The control whose value a series shows, or that bounds it, by the series' role. */
const controlOfSeries: Partial<Record<SeriesRole, ControlRole>> = {
  learningRate: 'learningRate',
  baseLearningRate: 'learningRate',
  clipThreshold: 'clipThreshold',
  epoch: 'epochs',
};
const controlOf = ({ series, controls = [] }: Measured, c: Condition) => {
  const role = c.kind === 'series' && series.find((s) => s.name === c.name)?.role;
  const of = role && controlOfSeries[role];
  return of ? controls.find((control) => control.role === of) : undefined;
};

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
  epoch: 'an epoch',
};

/** Why a condition can never be met, judged by the role of its number; null = it can. An accuracy is a share: it stays between 0 and 1. */
export function neverMet(measured: Measured, c: Condition): string | null {
  if (c.kind === 'step') return null;
  const { series, evaluations, epochs = 0 } = measured;
  const number =
    c.kind === 'series'
      ? series.find((s) => s.name === c.name)
      : evaluations.filter((e) => e.split === c.split).map((e) => metricNamed(e, c.metric))[0];
  const what = number?.role && notNegative[number.role];
  if (!what) return null;
  if (c.comparison === '<' && c.value <= 0) return `${what} is never below 0; give a number above 0`;
  const control = controlOf(measured, c);
  if (number.role === 'epoch' && c.comparison === '>' && epochs > 0 && c.value >= epochs && !control)
    return `the run ends after ${Math.round(epochs * 100) / 100} epochs; give a number below that`;
  if (control && control.max !== null && c.comparison === '>' && c.value >= control.max)
    return `${control.label} is at most ${control.max}; give a number below that`;
  const share = number.role === 'accuracy' && !('unit' in number && number.unit);
  return share && c.comparison === '>' && c.value >= 1 ? `${what} is never above 1; give a number below 1` : null;
}

/** Why a condition will probably never be met, in words: the control whose value it is about would have to be unusual. null = it is an ordinary one. */
export function seldomMet(measured: Measured, c: Condition): string | null {
  if (c.kind === 'step' || c.comparison !== '>') return null;
  const control = controlOf(measured, c);
  if (!control) return null;
  const now = own(measured.values ?? {}, control.name)?.value ?? null;
  if (control.role === 'epochs' && typeof now === 'number')
    return c.value < now ? null : `${control.label}: the run ends after ${now} unless it is raised`;
  if (typeof now === 'number' && c.value <= now) return null;
  const odd = unusual(control, c.value, now);
  return odd && `${control.label}: ${odd}`;
}
