import type { Curve } from '~/app/_charts/curve';
import { formatStep, formatValue } from '~/app/_charts/format';
import type { Color, Mark, PointSpec, RuleSpec } from '~/app/_charts/types';
import type { TimeAnchor } from '~/app/_charts/xMap';
import type { ControlRole, ControlValue } from '~/shared/controls';
import { evaluatedStep } from '~/shared/evaluations';
import type { EvaluationMetric } from '~/shared/events';
import { own } from '~/shared/own';
import type { Series } from '~/shared/series';
import type { CommandRecord, RunView, WithLists } from '~/shared/view';
import { describeMetrics, rankedMetrics, splitColors } from './evaluationWords';
import { withRole } from './series';

/** Marks that charts show for a run besides its rows. All are functions of the view alone. */

type Happened = Pick<
  WithLists,
  'commands' | 'evaluations' | 'checkpoints' | 'snapshots' | 'alerts' | 'statuses' | 'notes' | 'controls'
>;

export const describeValue = (v: ControlValue): string =>
  v === null ? 'off' : typeof v === 'number' ? formatValue(v, 6) : typeof v === 'boolean' ? (v ? 'on' : 'off') : v;

const happened = ['commands', 'evaluations', 'checkpoints', 'snapshots', 'alerts', 'statuses', 'notes', 'controls'] as const;
/** Keyed by the list of statuses, which every run has: all charts of a page request the same marks. */
const made = new WeakMap<object, { of: Happened; marks: Mark[] }>();

/** All events of the run in step order, computed once for all charts. Includes only snapshots that a person requested. */
export function marksOf(view: Happened): Mark[] {
  const known = made.get(view.statuses);
  if (known && happened.every((list) => known.of[list] === view[list])) return known.marks;
  const marks = makeMarks(view);
  made.set(view.statuses, { of: view, marks });
  return marks;
}

function makeMarks(view: Happened): Mark[] {
  const colors = splitColors(view.evaluations.map((e) => e.split));
  const marks: Mark[] = [
    ...view.commands.flatMap((c) => commandMark(view, c)),
    ...view.evaluations.map(
      (e): Mark => ({
        id: `e${e.seq}`,
        step: e.step,
        kind: 'evaluation',
        label: `${e.split} ${describeMetrics(rankedMetrics(e))}`,
        detail: evaluatedStep(e) === e.step ? '' : `parameters of step ${formatStep(evaluatedStep(e))}`,
        color: colors.get(e.split)!,
      }),
    ),
    ...view.checkpoints.map(
      (c): Mark => ({
        id: `c${c.seq}`,
        step: c.step,
        kind: 'checkpoint',
        label: `checkpoint (${c.trigger})`,
        detail: '',
        color: 'dim',
      }),
    ),
    ...view.snapshots
      .filter((s) => s.trigger === 'command')
      .map(
        (s): Mark => ({
          id: `s${s.seq}`,
          step: s.step,
          kind: 'snapshot',
          label: 'snapshot on demand',
          detail: '',
          color: 'accent',
        }),
      ),
    ...view.alerts.flatMap((a): Mark[] =>
      a.step === null
        ? []
        : [
            {
              id: `a${a.seq}`,
              step: a.step,
              kind: 'alert',
              label: a.kind,
              detail: a.message,
              color: a.level === 'error' ? 'bad' : a.level === 'warning' ? 'warn' : 'dim',
              line: a.level !== 'info',
            },
          ],
    ),
    ...view.statuses
      .filter((s) => s.status !== 'starting' && !(s.status === 'running' && s.step === 0))
      .map(
        (s): Mark => ({
          id: `t${s.seq}`,
          step: s.step,
          kind: 'status',
          label: s.status,
          detail: s.message,
          color: statusColor[s.status],
        }),
      ),
    ...(view.notes ?? [])
      .filter((n) => n.replyTo === null)
      .map(
        (n): Mark => ({
          id: `n${n.id}`,
          step: n.anchor.step,
          kind: 'note',
          label: n.text.length > 80 ? `${n.text.slice(0, 79)}…` : n.text,
          detail: `${n.author.name}${n.resolved ? ', resolved' : ''}`,
          color: n.resolved ? 'dim' : 'accent',
        }),
      ),
  ];
  return marks.sort((a, b) => a.step - b.step);
}

const statusColor: Record<RunView['status'], Color> = {
  queued: 'dim',
  starting: 'dim',
  running: 'good',
  paused: 'warn',
  waiting: 'warn',
  finished: 'good',
  stopped: 'dim',
  failed: 'bad',
  crashed: 'bad',
};

function commandMark(view: Happened, { seq, actor, command, outcome, undone, takesBack }: CommandRecord): Mark[] {
  // The rows of an undone command no longer belong to the run.
  if (undone) return [];
  if (outcome.status === 'applied') {
    const base = { id: `k${seq}`, step: outcome.step, kind: 'command' as const, detail: actor.name, color: 'accent' as const };
    if (takesBack)
      return [
        { ...base, step: Number(outcome.after), label: `back from step ${formatStep(Number(outcome.before))}`, line: true },
      ];
    if (command.kind === 'act') {
      const label = view.controls.actions.find((a) => a.name === command.action)?.label ?? command.action;
      return [{ ...base, label }];
    }
    const label = view.controls.values.find((c) => c.name === command.control)?.label ?? command.control;
    return [{ ...base, label: `${label} ${describeValue(outcome.before)} → ${describeValue(outcome.after)}`, line: true }];
  }
  if (outcome.status === 'refused' && outcome.step !== null) {
    const name = command.kind === 'set' ? `${command.control} ${describeValue(command.value)}` : command.action;
    return [
      {
        id: `k${seq}`,
        step: outcome.step,
        kind: 'refused',
        label: `${name} refused`,
        detail: `${actor.name}: ${outcome.message}`,
        color: 'dim',
      },
    ];
  }
  return [];
}

/**
 * The values of one kind of metric as points: one line per split (and metric) that has it, in order of first appearance.
 *
 * @param which selects the metrics, e.g. those with the role `loss`
 */
export function evaluationPoints(
  evaluations: WithLists['evaluations'],
  which: (metric: EvaluationMetric) => boolean,
): PointSpec[] {
  const colors = splitColors(evaluations.map((e) => e.split));
  const lines = new Map<string, { split: string; metric: string; points: PointSpec['points'][number][] }>();
  for (const e of evaluations)
    for (const m of e.metrics) {
      if (!which(m)) continue;
      const key = JSON.stringify([e.split, m.name]);
      const line = lines.get(key) ?? { split: e.split, metric: m.name, points: [] };
      // The step of the parameters that were evaluated: those of the best checkpoint are older than the last step.
      line.points.push({ step: evaluatedStep(e), value: m.value, note: e.trigger });
      lines.set(key, line);
    }
  const oneMetric = new Set([...lines.values()].map((l) => l.metric)).size <= 1;
  return [...lines].map(([name, { split, metric, points }]) => ({
    name,
    label: oneMetric ? split : `${split} ${metric}`,
    color: colors.get(split)!,
    points: points.sort((a, b) => a.step - b.step),
  }));
}

/** A step function: each value holds until the next step in the list. */
type Stairs<V> = { step: number; value: V }[];

/** The values of a control over the run, from its applied changes; before the first change, the value that it replaced. */
function controlStairs({ values, commands }: Pick<WithLists, 'values' | 'commands'>, control: string): Stairs<ControlValue> {
  const applied = commands
    .flatMap(({ command, outcome, undone }) =>
      command.kind === 'set' && command.control === control && outcome.status === 'applied' ? [{ ...outcome, undone }] : [],
    )
    .sort((a, b) => a.seq - b.seq);
  const changes = applied.filter((c) => !c.undone).sort((a, b) => a.step - b.step || a.seq - b.seq);
  const stairs: Stairs<ControlValue> = [
    { step: Number.MIN_SAFE_INTEGER, value: applied[0]?.before ?? own(values, control)?.value ?? null },
  ];
  for (const { step, after } of changes) {
    if (stairs.at(-1)!.step === step) stairs.pop();
    stairs.push({ step, value: after });
  }
  return stairs;
}

/** A control's value at a step, from its applied changes. */
export const controlAt = (view: Pick<WithLists, 'values' | 'commands'>, control: string, step: number): ControlValue =>
  inForce(controlStairs(view, control), step) ?? null;

/** The values of a series as a step function; values that are not finite become null. */
function seriesStairs(curve: Curve): Stairs<number | null> {
  const stairs: Stairs<number | null> = [];
  for (let i = 0; i < curve.count; i++) {
    const last = curve.values.last[i]!;
    const value = Number.isFinite(last) ? last : null;
    if (stairs.length === 0 || stairs.at(-1)!.value !== value) stairs.push({ step: curve.steps[i]!, value });
  }
  return stairs;
}

const inForce = <V>(stairs: Stairs<V>, step: number): V | undefined => stairs.findLast((s) => s.step <= step)?.value;

/**
 * The clip threshold over time: from the series with that role, otherwise from the control. Off while a control with the role
 * `clipMode` has another value than "norm", since the threshold is not a norm then. null: the run has no clip threshold.
 *
 * @param threshold the series' curve; null while there is none
 */
export function clipRule(
  view: Pick<WithLists, 'controls' | 'values' | 'commands'>,
  series: readonly Series[],
  threshold: Curve | null,
): RuleSpec | null {
  const named = (role: ControlRole) => view.controls.values.find((c) => c.role === role)?.name;
  const control = named('clipThreshold');
  const mode = named('clipMode');
  const values: Stairs<ControlValue> | null =
    threshold && threshold.count > 0 ? seriesStairs(threshold) : control === undefined ? null : controlStairs(view, control);
  if (!values) return null;
  const modes = mode === undefined ? null : controlStairs(view, mode);
  const steps = [...new Set([...values, ...(modes ?? [])].map((s) => s.step))].sort((a, b) => a - b);
  const from: Stairs<number | null> = [];
  for (const step of steps) {
    const value = inForce(values, step) ?? null;
    const on = !modes || inForce(modes, step) === 'norm';
    const next = on && typeof value === 'number' ? value : null;
    if (from.length === 0 || from.at(-1)!.value !== next) from.push({ step, value: next });
  }
  const line = withRole(series, 'gradNorm');
  return { label: 'clip', from, ...(line && { marks: { line: line.name, label: 'clipped' } }) };
}

/** Times at which steps were reached, from the log. */
export function timeAnchors(
  view: Pick<WithLists, 'evaluations' | 'snapshots' | 'checkpoints' | 'statuses' | 'createdAt' | 'updatedAt' | 'step'>,
): TimeAnchor[] {
  const begun = view.statuses.find((s) => s.status === 'running') ?? view.statuses[0];
  const known = [
    ...view.evaluations,
    ...view.snapshots,
    ...view.checkpoints,
    ...view.statuses.filter((s) => s.status !== 'starting'),
  ];
  return [
    { step: 0, at: begun?.at ?? view.createdAt },
    ...known.map(({ step, at }) => ({ step, at })),
    { step: view.step, at: view.updatedAt },
  ];
}
