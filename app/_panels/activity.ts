import type { CommandRecord, RunView } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { isRevert } from '~/shared/revert';
import { measured, percent } from '../_components/format';
import { statusWord } from '../_components/statusWord';
import type { DraftCommand } from '../_live/types';
import { commandInWords, undoOf, valueInWords, valueSpec } from './steering';

export type Tone = 'plain' | 'good' | 'warn' | 'bad';

/** One line of the activity list. */
export interface Item {
  seq: number;
  at: number;
  kind: 'command' | 'evaluation' | 'checkpoint' | 'snapshot' | 'analysis' | 'status' | 'alert';
  tone: Tone;
  /** Where the cursor goes; null = nowhere yet. */
  step: number | null;
  who: Actor | null;
  title: string;
  /** What became of it: "applied: 5 → 1", "refused: ...". */
  detail: string;
  undo: DraftCommand | null;
  /** Hash of the checkpoint that the line tells of. */
  checkpoint?: string;
}

type Listed = Pick<
  RunView,
  'commands' | 'evaluations' | 'checkpoints' | 'snapshots' | 'analyses' | 'statuses' | 'alerts' | 'controls' | 'values'
>;

/** Everything that happened to the run besides steps, newest first. Snapshots appear when somebody asked for them. */
export function activity(view: Listed): Item[] {
  const askedBy = (commandId: string | null) =>
    commandId === null ? null : (view.commands.find((c) => c.command.id === commandId)?.actor ?? null);
  const items: Item[] = [
    ...view.commands.map((c) => commandItem(view, c)),
    ...view.evaluations.map(
      (e): Item => ({
        ...of(e, 'evaluation', e.occasion === 'best' || e.split === 'test' ? 'good' : 'plain'),
        who: askedBy(e.commandId),
        title: `${e.split} accuracy ${percent(e.accuracy)}`,
        detail: `loss ${measured(e.loss)}${e.parametersStep === e.step ? '' : `, best checkpoint (step ${e.parametersStep})`}`,
      }),
    ),
    ...view.checkpoints.map(
      (c): Item => ({
        ...of(c, 'checkpoint', 'plain'),
        who: askedBy(c.commandId),
        title: 'checkpoint saved',
        detail: c.occasion === 'best' ? `best so far, validation ${percent(c.validationAccuracy)}` : words[c.occasion],
        checkpoint: c.blob.hash,
      }),
    ),
    ...view.snapshots
      .filter((s) => s.occasion === 'command')
      .map(
        (s): Item => ({
          ...of(s, 'snapshot', 'plain'),
          who: askedBy(s.commandId),
          title: 'snapshot taken',
          detail: words[s.occasion],
        }),
      ),
    ...view.analyses.map(
      (a): Item => ({ ...of(a, 'analysis', 'plain'), who: askedBy(a.commandId), title: a.kind, detail: a.message }),
    ),
    ...view.statuses.map(
      (s): Item => ({
        ...of(
          s,
          'status',
          s.status === 'failed' ? 'bad' : s.status === 'waiting' ? 'warn' : s.status === 'finished' ? 'good' : 'plain',
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

const words = {
  start: 'at the start',
  cadence: 'on schedule',
  epoch: 'end of an epoch',
  command: 'on request',
  best: 'best so far',
  end: 'at the end',
  alert: 'on an alert',
  shutdown: 'as the trainer was stopped',
} as const;

const of = (e: { seq: number; at: number; step: number | null }, kind: Item['kind'], tone: Tone) =>
  ({ seq: e.seq, at: e.at, step: e.step, kind, tone, who: null, undo: null }) as const;

function commandItem(view: Listed, record: CommandRecord): Item {
  const { command, outcome, actor, seq, at } = record;
  const base = { seq, at, kind: 'command', who: actor, title: commandInWords(view, command) } as const;
  switch (outcome.status) {
    case 'requested':
      return { ...base, tone: 'plain', step: null, detail: 'requested', undo: null };
    case 'proposed':
      return { ...base, tone: 'warn', step: null, detail: 'waits for a second operator', undo: null };
    case 'scheduled':
      return { ...base, tone: 'plain', step: null, detail: `scheduled: ${outcome.message}`, undo: null };
    case 'refused':
      return { ...base, tone: 'bad', step: outcome.step, detail: `refused: ${outcome.message}`, undo: null };
    case 'applied': {
      const spec = command.kind === 'set' ? valueSpec(view, command.control) : undefined;
      const change =
        outcome.before === null && outcome.after === null && !spec
          ? outcome.message
          : `${valueInWords(spec, outcome.before)} → ${valueInWords(spec, outcome.after)}`;
      if (record.undone)
        return { ...base, tone: 'plain', step: outcome.step, detail: `undone by going back: ${change}`, undo: null };
      if (isRevert(command)) return { ...base, tone: 'warn', step: outcome.step, detail: outcome.message, undo: null };
      return { ...base, tone: 'good', step: outcome.step, detail: `applied: ${change}`, undo: undoOf(view, record) };
    }
  }
}
