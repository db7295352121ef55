import { count } from '~/app/_components/format';
import { numberTyped, wholeTyped } from '~/app/_components/numberTyped';
import { rankedMetrics } from '~/app/_live/evaluationWords';
import { type Condition, condition } from '~/shared/commands';
import { type Measured, neverMet, seldomMet } from '~/shared/conditions';

/** The condition as the texts of the form's fields. */
export interface WhenTexts {
  /** "step", "evaluation" or "series". */
  kind: Condition['kind'];
  step: string;
  split: string;
  metric: string;
  series: string;
  comparison: '>' | '<';
  value: string;
}

export const startTexts: WhenTexts = { kind: 'step', step: '', split: '', metric: '', series: '', comparison: '>', value: '' };

/** Evaluated splits, and metrics of one of them, each once; the newest evaluation's first, as those will probably come again. */
export const splitsOf = ({ evaluations }: Measured): string[] => [...new Set(evaluations.toReversed().map((e) => e.split))];
export const metricsOf = ({ evaluations }: Measured, split: string): string[] => [
  ...new Set(evaluations.toReversed().flatMap((e) => (e.split === split ? rankedMetrics(e).map((m) => m.name) : []))),
];

/**
 * The condition that the texts describe, or one sentence on what is valid.
 *
 * @param head steps done: the step of a condition must be later
 * @param end planned number of steps; 0 = not known
 */
export function conditionOf(
  t: WhenTexts,
  head: number,
  end: number,
  measured: Measured,
): { ok: true; condition: Condition } | { ok: false; message: string } {
  if (t.kind === 'step') {
    const step = wholeTyped(t.step);
    if (step === null || step <= head)
      return {
        ok: false,
        message: `Step: ${t.step.trim() ? `"${t.step.trim()}" does not fit; ` : ''}give a whole number above ${head}, where the run is`,
      };
    if (end > 0 && step > end) return { ok: false, message: `Step: the run ends at step ${count(end)}; give one up to there` };
    return { ok: true, condition: { kind: 'step', step } };
  }
  const unknown = unknownName(t, measured);
  if (unknown) return { ok: false, message: unknown };
  const value = numberTyped(t.value);
  if (value === null)
    return { ok: false, message: `Value: ${t.value.trim() ? `"${t.value.trim()}" is not a number; ` : ''}give a number` };
  const spelled =
    t.kind === 'evaluation'
      ? { kind: t.kind, split: t.split, metric: t.metric, comparison: t.comparison, value }
      : { kind: t.kind, name: t.series, comparison: t.comparison, value };
  const parsed = condition.safeParse(spelled);
  if (parsed.success) {
    const never = neverMet(measured, parsed.data);
    return never === null ? { ok: true, condition: parsed.data } : { ok: false, message: `Value: ${never}` };
  }
  const issue = parsed.error.issues[0]!;
  return { ok: false, message: `${issue.path.join('.')}: ${issue.message}` };
}

/** Why what the texts describe will probably never come, so that it needs to be asked about; null = it is ordinary, or not complete. */
export function seldom(t: WhenTexts, measured: Measured): string | null {
  const value = numberTyped(t.value);
  if (t.kind !== 'series' || value === null) return null;
  return seldomMet(measured, { kind: t.kind, name: t.series, comparison: t.comparison, value });
}

/** A set and a metric need a name but may not exist yet; a series must exist, as it is chosen from a list. */
function unknownName(t: WhenTexts, { series }: Measured): string | null {
  if (t.kind === 'evaluation') {
    if (t.split === '') return 'Set: give the name of the set that is evaluated';
    return t.metric === '' ? 'Metric: give the name of one of its metrics' : null;
  }
  return series.some((s) => s.name === t.series) ? null : `Curve: the run has no series "${t.series}"`;
}
