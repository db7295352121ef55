import { formatPercent, formatStep, formatValue } from '~/app/_charts/format';
import type { Color, Mark, PointSpec, RuleSpec } from '~/app/_charts/types';
import type { TimeAnchor } from '~/app/_charts/xMap';
import type { ControlValue } from '~/shared/controls';
import { isRevert } from '~/shared/revert';
import { valueAt } from '~/shared/setup';
import type { CommandRecord, RunView } from '~/shared/view';

/** What charts show of a run besides its rows. All are functions of the view alone. */

type Happened = Pick<
  RunView,
  'commands' | 'evaluations' | 'checkpoints' | 'snapshots' | 'alerts' | 'statuses' | 'notes' | 'controls'
>;

export const describeValue = (v: ControlValue): string =>
  v === null ? 'off' : typeof v === 'number' ? formatValue(v, 6) : typeof v === 'boolean' ? (v ? 'on' : 'off') : v;

/** Everything that happened, in step order. Snapshots only where somebody asked for one: the others are on the scrubber. */
export function marksOf(view: Happened): Mark[] {
  const marks: Mark[] = [
    ...view.commands.flatMap((c) => commandMark(view, c)),
    ...view.evaluations.map(
      (e): Mark => ({
        id: `e${e.seq}`,
        step: e.step,
        kind: 'evaluation',
        label: `${e.split} accuracy ${formatPercent(e.accuracy)}, loss ${formatValue(e.loss, 4)}`,
        detail: e.parametersStep === e.step ? '' : `parameters of step ${formatStep(e.parametersStep)}`,
        color: evaluationColor[e.split],
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

const evaluationColor = { train: 0, validation: 1, test: 2 } as const;
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

function commandMark(view: Happened, { seq, actor, command, outcome, undone }: CommandRecord): Mark[] {
  // Its rows are no longer the run's.
  if (undone) return [];
  if (outcome.status === 'applied') {
    const base = { id: `k${seq}`, step: outcome.step, kind: 'command' as const, detail: actor.name, color: 'accent' as const };
    if (isRevert(command))
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

/** Evaluations as points on the loss or accuracy chart, one line per split that was evaluated. */
export function evaluationPoints(evaluations: RunView['evaluations'], what: 'loss' | 'accuracy'): PointSpec[] {
  return (['train', 'validation', 'test'] as const).flatMap((split) => {
    const points = evaluations
      .filter((e) => e.split === split)
      .map((e) => ({ step: e.step, value: e[what], note: e.trigger }))
      .sort((a, b) => a.step - b.step);
    return points.length === 0
      ? []
      : [{ name: `${split}.${what}`, label: split, color: split === 'train' ? 5 : evaluationColor[split], points }];
  });
}

/** The clip threshold over time, from the configuration and every applied change; off while clipping is by value or off: it is then no norm. */
export function clipRule(view: Pick<RunView, 'setup' | 'commands'>): RuleSpec {
  const given = (field: string) => valueAt(view.setup.config, `clip.${field}`);
  let mode = String(given('mode') ?? 'off');
  let threshold = Number(given('threshold') ?? Number.NaN);
  const value = () => (mode === 'norm' ? threshold : null);
  const from: { step: number; value: number | null }[] = [{ step: 0, value: value() }];
  const changes = view.commands
    .flatMap((c) =>
      c.command.kind === 'set' && c.outcome.status === 'applied' && !c.undone
        ? [{ control: c.command.control, ...c.outcome }]
        : [],
    )
    .sort((a, b) => a.step - b.step || a.seq - b.seq);
  for (const { control, step, after } of changes) {
    if (control === 'clipThreshold' && typeof after === 'number') threshold = after;
    else if (control === 'clipMode' && typeof after === 'string') mode = after;
    else continue;
    if (from.at(-1)!.step === step) from.pop();
    from.push({ step, value: value() });
  }
  return { label: 'clip', from, marks: { line: 'gradNorm', label: 'clipped' } };
}

/** When which step was reached, as far as the log says. */
export function timeAnchors(
  view: Pick<RunView, 'evaluations' | 'snapshots' | 'checkpoints' | 'statuses' | 'createdAt' | 'updatedAt' | 'step'>,
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
