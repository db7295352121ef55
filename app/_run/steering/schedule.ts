import { type Condition, condition } from '~/shared/commands';

/** "When" as the form's texts. */
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

export const startTexts: WhenTexts = {
  kind: 'step',
  step: '',
  split: 'validation',
  metric: 'accuracy',
  series: 'loss',
  comparison: '>',
  value: '',
};

/** The condition that the texts spell, or one sentence on what would fit. @param head steps done: a step must lie ahead */
export function conditionOf(t: WhenTexts, head: number): { ok: true; condition: Condition } | { ok: false; message: string } {
  if (t.kind === 'step') {
    const step = Number(t.step);
    if (t.step.trim() === '' || !Number.isSafeInteger(step) || step <= head)
      return {
        ok: false,
        message: `Step: ${t.step.trim() ? `"${t.step.trim()}" does not fit; ` : ''}give a whole number above ${head}, where the run is`,
      };
    return { ok: true, condition: { kind: 'step', step } };
  }
  const value = Number(t.value);
  if (t.value.trim() === '' || !Number.isFinite(value))
    return { ok: false, message: `Value: ${t.value.trim() ? `"${t.value.trim()}" is not a number; ` : ''}give a number` };
  const spelled =
    t.kind === 'evaluation'
      ? { kind: t.kind, split: t.split, metric: t.metric, comparison: t.comparison, value }
      : { kind: t.kind, name: t.series, comparison: t.comparison, value };
  const parsed = condition.safeParse(spelled);
  if (parsed.success) return { ok: true, condition: parsed.data };
  const issue = parsed.error.issues[0]!;
  return { ok: false, message: `${issue.path.join('.')}: ${issue.message}` };
}
