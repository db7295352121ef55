import { cut } from '~/app/_charts/format';
import { count, duration } from '~/app/_components/format';
import { statusWord } from '~/app/_components/statusWord';
import { describeMetrics, metricValue, rankedMetrics } from '~/app/_live/evaluationWords';
import { triggerWords } from '~/app/_live/triggerWords';
import type { DraftCommand } from '~/app/_live/types';
import { describeAnchorAtStep } from '~/app/_run/notes/anchors';
import { describeCommand, describeValue, undoOf, valueSpec } from '~/app/_run/steering/steering';
import type { ActivityEntry } from '~/shared/activity';
import { evaluatedStep } from '~/shared/evaluations';
import type { CheckpointEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { describeLabels } from '~/shared/labels';
import { unreachable } from '~/shared/unreachable';
import type { CommandRecord, WithLists } from '~/shared/view';

export type Tone = 'plain' | 'good' | 'warn' | 'bad';

/** One line of the activity list. */
export interface Item {
  seq: number;
  at: number;
  kind: 'command' | 'evaluation' | 'checkpoint' | 'snapshot' | 'analysis' | 'status' | 'alert' | 'note' | 'team' | 'record';
  tone: Tone;
  /** Where a click moves the cursor; null = no step yet. */
  step: number | null;
  who: Actor | null;
  title: string;
  /** The outcome: "applied: 5 → 1", "refused: ...". */
  detail: string;
  undo: DraftCommand | null;
  /** Hash of the checkpoint that the line is about. */
  checkpoint?: string;
  /** For a change of a value: the checkpoint from which the run can be repeated without the change. */
  whatIf?: { checkpoint: string; without: string };
}

export type Listed = Pick<
  WithLists,
  | 'commands'
  | 'evaluations'
  | 'checkpoints'
  | 'snapshots'
  | 'analyses'
  | 'statuses'
  | 'alerts'
  | 'controls'
  | 'values'
  | 'notes'
  | 'activity'
  | 'createdBy'
  | 'createdAt'
  | 'parent'
  | 'branchChange'
>;

/** Everything that happened to the run besides steps, newest first. Only snapshots that somebody asked for are listed. */
export function activity(view: Listed): Item[] {
  const askedBy = (commandId: string | null) =>
    commandId === null ? null : (view.commands.find((c) => c.command.id === commandId)?.actor ?? null);
  const items: Item[] = [
    {
      ...of({ seq: 1, at: view.createdAt, step: view.parent?.step ?? 0 }, 'team', 'plain'),
      who: view.createdBy,
      title: view.parent
        ? `${view.createdBy.name} branched it at step ${count(view.parent.step)}`
        : `${view.createdBy.name} asked for this run`,
      detail: view.parent ? (view.branchChange ?? `from run ${view.parent.runId}`) : '',
    },
    ...view.activity.flatMap((d) => activityItem(view, d) ?? []),
    ...view.commands.map((c) => commandItem(view, c)),
    ...view.evaluations.map(
      (e): Item => ({
        ...of(e, 'evaluation', e.trigger === 'best' || evaluatedStep(e) !== e.step ? 'good' : 'plain'),
        who: askedBy(e.commandId),
        title: `${e.split} ${describeMetrics(rankedMetrics(e).slice(0, 1))}`,
        detail: [
          describeMetrics(rankedMetrics(e).slice(1)),
          evaluatedStep(e) === e.step ? '' : `of the parameters at step ${count(evaluatedStep(e))}`,
        ]
          .filter(Boolean)
          .join(', '),
      }),
    ),
    ...view.checkpoints.map(
      (c): Item => ({
        ...of(c, 'checkpoint', 'plain'),
        who: askedBy(c.commandId),
        title: 'checkpoint saved',
        detail: `${c.trigger === 'best' && c.main ? `best so far, ${describeMain(c.main)}` : triggerWords[c.trigger]}${c.reference === undefined ? '' : `, kept by the script at ${c.reference}`}`,
        checkpoint: c.blob.hash,
      }),
    ),
    ...view.snapshots
      .filter((s) => s.trigger === 'command')
      .map(
        (s): Item => ({
          ...of(s, 'snapshot', 'plain'),
          who: askedBy(s.commandId),
          title: 'snapshot taken',
          detail: triggerWords[s.trigger],
        }),
      ),
    ...view.analyses.map(
      (a): Item => ({
        ...of(a, 'analysis', 'plain'),
        who: askedBy(a.commandId),
        title: labelOf(view, a.kind),
        detail: a.message,
      }),
    ),
    ...view.statuses.map(
      (s): Item => ({
        ...of(
          s,
          'status',
          s.status === 'failed' || s.status === 'crashed'
            ? 'bad'
            : s.status === 'waiting'
              ? 'warn'
              : s.status === 'finished'
                ? 'good'
                : 'plain',
        ),
        title: statusWord(s.status),
        detail: s.message,
      }),
    ),
    ...view.alerts.map(
      (a): Item => ({
        ...of(a, 'alert', a.level === 'error' ? 'bad' : a.level === 'warning' ? 'warn' : 'plain'),
        title: a.kind,
        detail: a.message,
      }),
    ),
  ];
  return items.sort((a, b) => b.seq - a.seq);
}

/** "validation accuracy 97.8 %" */
const describeMain = ({ split, metric }: NonNullable<CheckpointEvent['main']>): string =>
  `${split} ${metric.name} ${metricValue(metric)}`;

const labelOf = ({ controls }: Listed, action: string): string =>
  controls.actions.find((a) => a.name === action)?.label ?? action;

const of = (e: { seq: number; at: number; step: number | null }, kind: Item['kind'], tone: Tone) =>
  ({ seq: e.seq, at: e.at, step: e.step, kind, tone, who: null, undo: null }) as const;

/** null: no longer of interest, such as a deleted note. */
function activityItem(view: Listed, { seq, at, step, event }: ActivityEntry): Item | null {
  const who = 'actor' in event ? event.actor : null;
  const line = (kind: Item['kind'], title: string, detail = ''): Item => ({
    ...of({ seq, at, step }, kind, 'plain'),
    who,
    title: who ? `${who.name} ${title}` : title,
    detail,
  });
  switch (event.type) {
    case 'control.locked': {
      const { holder, until, actor } = event;
      if (!holder) return line('team', 'released the control lock');
      const what = holder.id === actor.id ? 'took the control lock' : `handed the control lock to ${holder.name}`;
      return line('team', what, until === null ? '' : `for ${duration(until - at)}`);
    }
    case 'control.requested':
      return line('team', 'asked for the control lock');
    case 'control.refused':
      return line('team', `declined the request of ${event.asker.name} for the control lock`);
    case 'proposal.answered': {
      const asked = view.commands.find((c) => c.command.id === event.commandId);
      const what = asked ? `${describeCommand(view, asked.command)}, asked for by ${asked.actor.name}` : event.commandId;
      const did = event.approved ? 'approved' : asked?.actor.id === event.actor.id ? 'took back' : 'declined';
      return line('team', `${did} a command`, what);
    }
    case 'note': {
      const { note } = event;
      const written = view.notes.find((n) => n.id === note.id);
      if (!written || note.kind === 'edit' || note.kind === 'delete') return null;
      const did =
        note.kind === 'add' ? (note.replyTo ? 'answered' : 'noted') : note.resolved ? 'resolved a thread' : 'reopened a thread';
      return {
        ...line('note', `${did}: ${cut(written.text, 120)}`, describeAnchorAtStep(written.anchor)),
        step: written.anchor.step,
      };
    }
    case 'run.labelled':
      return line('team', describeLabels(event));
    case 'run.queued':
      return line('team', 'moved it in the queue');
    case 'snapshots.thinned':
    case 'checkpoints.thinned':
      return line('record', event.type.replace('.', ' '), event.message);
    default:
      return unreachable(event);
  }
}

function commandItem(view: Listed, record: CommandRecord): Item {
  const { command, outcome, actor, seq, at, askedAtStep = null } = record;
  const base = { seq, at, kind: 'command', who: actor, title: describeCommand(view, command) } as const;
  switch (outcome.status) {
    case 'requested':
      return { ...base, tone: 'plain', step: askedAtStep, detail: 'requested', undo: null };
    case 'proposed':
      return { ...base, tone: 'warn', step: askedAtStep, detail: 'waits for a second operator', undo: null };
    case 'scheduled':
      return { ...base, tone: 'plain', step: askedAtStep, detail: `scheduled: ${outcome.message}`, undo: null };
    case 'refused':
      return { ...base, tone: 'bad', step: outcome.step ?? askedAtStep, detail: `refused: ${outcome.message}`, undo: null };
    case 'applied': {
      const spec = command.kind === 'set' ? valueSpec(view, command.control) : undefined;
      const change =
        outcome.before === null && outcome.after === null && !spec
          ? outcome.message
          : `${describeValue(spec, outcome.before)} → ${describeValue(spec, outcome.after)}`;
      if (record.undone)
        return { ...base, tone: 'plain', step: outcome.step, detail: `undone by going back: ${change}`, undo: null };
      if (record.takesBack) return { ...base, tone: 'warn', step: outcome.step, detail: outcome.message, undo: null };
      const before = spec && view.checkpoints.findLast((c) => c.seq < outcome.seq);
      return {
        ...base,
        tone: 'good',
        step: outcome.step,
        detail: `applied: ${change}`,
        undo: undoOf(view, record),
        ...(before && { whatIf: { checkpoint: before.blob.hash, without: command.id } }),
      };
    }
  }
}
