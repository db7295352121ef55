import type { Curve } from '~/app/_charts/curve';
import { cut, formatStep } from '~/app/_charts/format';
import type { Color, Mark, MarkKind, PointSpec, RuleSpec } from '~/app/_charts/types';
import type { TimeAnchor } from '~/app/_charts/xMap';
import type { ControlRole, ControlValue } from '~/shared/controls';
import { evaluatedStep } from '~/shared/evaluations';
import type { EvaluationMetric } from '~/shared/events';
import { formatValue } from '~/shared/numbers';
import { own } from '~/shared/own';
import type { Series } from '~/shared/series';
import type { CommandRecord, RunView, WithLists } from '~/shared/view';
import { describeMetrics, rankedMetrics, splitColors } from './evaluationWords';
import { withRole } from './series';
import { triggerWords } from './triggerWords';

/** Marks that charts show for a run besides its rows. All are functions of the view alone. */

const happened = ['commands', 'evaluations', 'checkpoints', 'snapshots', 'alerts', 'statuses', 'notes', 'controls'] as const;
type Happened = Pick<WithLists, (typeof happened)[number]>;

export const describeValue = (v: ControlValue): string =>
  v === null ? 'off' : typeof v === 'number' ? formatValue(v, 6) : typeof v === 'boolean' ? (v ? 'on' : 'off') : v;

/** What happened during a run, for charts and timelines. */
export interface Happenings {
  /** All events in step order. Of the snapshots only those that a person requested. */
  marks: readonly Mark[];
  /** Steps with a snapshot, ascending. */
  stops: readonly number[];
}

/** Keyed by the list of statuses, which every run has: all charts of a page request the same marks. */
const made = new WeakMap<object, { of: Happened; happenings: Happenings }>();

/** The same object until something happens. */
export function happeningsOf(view: Happened): Happenings {
  const known = made.get(view.statuses);
  if (known && happened.every((list) => known.of[list] === view[list])) return known.happenings;
  const happenings = { marks: marksOf(view), stops: view.snapshots.map((s) => s.step).sort((a, b) => a - b) };
  made.set(view.statuses, { of: view, happenings });
  return happenings;
}

const mark = (kind: MarkKind, id: string, step: number, label: string, color: Color, detail = ''): Mark => ({
  id,
  step,
  kind,
  label,
  detail,
  color,
});

const alertColor = { error: 'bad', warning: 'warn', info: 'dim' } as const;

function marksOf({ evaluations, checkpoints, snapshots, alerts, statuses, notes = [], ...rest }: Happened): Mark[] {
  const colors = splitColors(evaluations.map((e) => e.split));
  const started = statuses.filter((s) => s.status !== 'starting' && !(s.status === 'running' && s.step === 0));
  return [
    ...rest.commands.flatMap((c) => commandMark(rest, c)),
    ...evaluations.map((e) => {
      const label = `${e.split} ${describeMetrics(rankedMetrics(e))}`;
      const detail = evaluatedStep(e) === e.step ? '' : `parameters of step ${formatStep(evaluatedStep(e))}`;
      return mark('evaluation', `e${e.seq}`, e.step, label, colors.get(e.split)!, detail);
    }),
    ...checkpoints.map((c) => mark('checkpoint', `c${c.seq}`, c.step, `checkpoint, ${triggerWords[c.trigger]}`, 'dim')),
    ...snapshots
      .filter((s) => s.trigger === 'command')
      .map((s) => mark('snapshot', `s${s.seq}`, s.step, 'snapshot on demand', 'accent')),
    ...alerts.flatMap(({ seq, step, kind, level, message }) =>
      step === null ? [] : [{ ...mark('alert', `a${seq}`, step, kind, alertColor[level], message), line: level !== 'info' }],
    ),
    ...started.map((s) => mark('status', `t${s.seq}`, s.step, s.status, statusColor[s.status], s.message)),
    ...notes
      .filter((n) => n.replyTo === null)
      .map(({ id, anchor, text, author, resolved }) => {
        const detail = `${author.name}${resolved ? ', resolved' : ''}`;
        return mark('note', `n${id}`, anchor.step, cut(text, 80), resolved ? 'dim' : 'accent', detail);
      }),
  ].sort((a, b) => a.step - b.step);
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

function commandMark(
  { controls }: Pick<Happened, 'controls'>,
  { seq, actor, command, outcome, undone, takesBack }: CommandRecord,
): Mark[] {
  // The rows of an undone command no longer belong to the run.
  if (undone) return [];
  const id = `k${seq}`;
  if (outcome.status === 'applied') {
    const applied = (step: number, label: string) => mark('command', id, step, label, 'accent', actor.name);
    if (takesBack) {
      const label = `back from step ${formatStep(Number(outcome.before))}`;
      return [{ ...applied(Number(outcome.after), label), line: true }];
    }
    if (command.kind === 'act') {
      const label = controls.actions.find((a) => a.name === command.action)?.label ?? command.action;
      return [applied(outcome.step, label)];
    }
    const label = controls.values.find((c) => c.name === command.control)?.label ?? command.control;
    const change = `${label} ${describeValue(outcome.before)} → ${describeValue(outcome.after)}`;
    return [{ ...applied(outcome.step, change), line: true }];
  }
  if (outcome.status === 'refused' && outcome.step !== null) {
    const name = command.kind === 'set' ? `${command.control} ${describeValue(command.value)}` : command.action;
    return [mark('refused', id, outcome.step, `${name} refused`, 'dim', `${actor.name}: ${outcome.message}`)];
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
      line.points.push({ step: evaluatedStep(e), value: m.value });
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
  return { label: 'clip', from, ...(line && { marks: { line: line.name } }) };
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
