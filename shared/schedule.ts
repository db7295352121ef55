import type { ControlRole, Controls, ControlValue } from './controls';
import { controlWithRole } from './controlValues';
import type { ScheduleKind, ScheduleSpec } from './events';
import { own, type Table } from './own';

/**
 * How a learning rate depends on the step: one rule for the trainer that applies it, for its messages about a change, and for the
 * curve that is drawn before a change.
 */

/** Everything that determines the rate of each step. */
export interface Plan extends ScheduleSpec {
  /** The rate before the schedule, > 0. */
  base: number;
  /** Step at which the decay ends, >= 1. */
  endStep: number;
  /** Steps of the whole run. */
  totalSteps: number;
}

/**
 * The learning rate of update `step` (from 0).
 *
 * Warm-up multiplies by step/warmupSteps up to and including step warmupSteps (so step 0 has rate 0 when there is a warm-up).
 * Cosine multiplies by (1 + cos(pi step/endStep))/2, linear by 1 - step/endStep; both are 0 after endStep, except
 * `cosine-periodic`.
 *
 * Source: UvA deep learning tutorial 6, CosineWarmupScheduler.
 */
export function rateAt({ base, kind, warmupSteps, endStep }: Omit<Plan, 'totalSteps'>, step: number): number {
  const warmup = step <= warmupSteps && warmupSteps > 0 ? step / warmupSteps : 1;
  return base * warmup * decay(kind, step / endStep);
}

/** @param progress 0 at the start, 1 at the end */
function decay(kind: ScheduleKind, progress: number): number {
  if (kind === 'constant') return 1;
  if (kind === 'linear') return Math.max(0, 1 - progress);
  return kind === 'cosine' && progress > 1 ? 0 : 0.5 * (1 + Math.cos(Math.PI * progress));
}

/** Sentences on what people might not expect of a plan. */
export function planNotes(plan: Plan): string[] {
  const { kind, warmupSteps, endStep, totalSteps, base } = plan;
  const notes: string[] = [];
  if (warmupSteps >= totalSteps) {
    const highest = Math.max(...curve({ ...plan, totalSteps: totalSteps - 1 }, 0).rates);
    notes.push(
      `the warm-up of ${warmupSteps} steps is not over when the run ends at step ${totalSteps}: the learning rate gets no higher than ${show(highest)}, not ${show(base)}`,
    );
  }
  if (kind !== 'constant' && endStep < totalSteps)
    notes.push(
      kind === 'cosine-periodic'
        ? `the learning rate is 0 at step ${endStep} and rises again after it, up to the run's end at step ${totalSteps}`
        : `the learning rate is 0 from step ${endStep} on, and the run goes on to step ${totalSteps}`,
    );
  return notes;
}

/** A change's effect on the rate of the next update and on the rest of the run, in sentences; '' = none. */
export function changeWords(before: Plan, after: Plan, step: number): string {
  const [was, is] = [rateAt(before, step), rateAt(after, step)];
  const factor = was > 0 && is > 0 ? ` (x ${show(is / was)})` : '';
  const jump = was === is ? [] : [`the learning rate goes from ${show(was)} to ${show(is)} at step ${step}${factor}`];
  const known = planNotes(before);
  return [...jump, ...planNotes(after).filter((note) => !known.includes(note))].join('; ');
}

const show = (x: number): string => String(Number(x.toPrecision(3)));

/** The fields of a run that are read (a RunView has them). */
interface Scheduled {
  schedule: ScheduleSpec | null;
  controls: Controls;
  values: Table<{ value: ControlValue }>;
  step: number;
  stepsPerEpoch: number;
  totalSteps: number;
}

export interface SchedulePreview {
  /** From the run's step to its last one, ascending. */
  steps: Float64Array;
  /** Rates without the change; 0 after the run's end. */
  now: Float64Array;
  /** Rates with the change. */
  changed: Float64Array;
  /** The change's effect in a sentence; '' = none. */
  words: string;
}

const POINTS = 200;

/**
 * The coming learning rate of a run, with and without a change of one control, for a curve that is drawn before the command is
 * sent.
 *
 * @param change the name of a control, and its new value; null = none
 * @returns null where the run does not declare a schedule and a base rate, or its length is not known
 */
export function previewSchedule(
  view: Scheduled,
  change: { control: string; value: ControlValue } | null,
): SchedulePreview | null {
  const before = planOf(view, null);
  const after = planOf(view, change);
  if (!before || !after) return null;
  const last = Math.max(before.totalSteps, after.totalSteps, view.step + 1);
  const { steps, rates } = curve({ ...after, totalSteps: last }, view.step);
  const within = (plan: Plan) => (step: number, rate: number) => (step <= plan.totalSteps ? rate : 0);
  return {
    steps,
    now: steps.map((step) => within(before)(step, rateAt(before, step))),
    changed: steps.map((step, i) => within(after)(step, rates[i]!)),
    words: changeWords(before, after, view.step),
  };
}

/** Rates at up to 200 steps from `from` on, the first and the last included. */
function curve(plan: Plan, from: number): { steps: Float64Array; rates: Float64Array } {
  const count = Math.min(POINTS, Math.max(2, plan.totalSteps - from + 1));
  const steps = Float64Array.from({ length: count }, (_, i) => from + Math.round((i * (plan.totalSteps - from)) / (count - 1)));
  return { steps, rates: steps.map((step) => rateAt(plan, step)) };
}

function planOf(view: Scheduled, change: { control: string; value: ControlValue } | null): Plan | null {
  const { schedule, controls, values, stepsPerEpoch, step } = view;
  const valueWith = (role: ControlRole, withChange: boolean): ControlValue | undefined => {
    const name = controlWithRole(controls, role)?.name;
    if (name === undefined) return undefined;
    return withChange && change?.control === name ? change.value : own(values, name)?.value;
  };
  const base = valueWith('learningRate', true);
  if (!schedule || typeof base !== 'number' || view.totalSteps === 0) return null;
  const ratio = (role: ControlRole): number => {
    const [was, is] = [valueWith(role, false), valueWith(role, true)];
    return typeof was === 'number' && typeof is === 'number' && was > 0 && is > 0 ? is / was : 1;
  };
  const epochs = valueWith('epochs', false);
  const more = typeof epochs === 'number' ? (ratio('epochs') - 1) * epochs * stepsPerEpoch : 0;
  const left = Math.max(0, view.totalSteps + more - step) / ratio('batchSize');
  const totalSteps = Math.max(1, Math.round(step + left));
  const end = valueWith('scheduleEnd', true);
  return { ...schedule, base, totalSteps, endStep: typeof end === 'number' ? end : totalSteps };
}
