import { count } from '~/app/_components/format';
import { numberTyped } from '~/app/_components/numberTyped';
import { whyWatches } from '~/app/_live/identity';
import { triggerWords } from '~/app/_live/triggerWords';
import type { DraftCommand } from '~/app/_live/types';
import type { Command } from '~/shared/commands';
import { describeCondition } from '~/shared/conditions';
import type { ActionSpec, ControlRole, ControlSpec, ControlValue } from '~/shared/controls';
import { controlValueError, describe } from '~/shared/controlValues';
import type { Actor } from '~/shared/ids';
import { own, put, type Table } from '~/shared/own';
import { roleOf } from '~/shared/roles';
import type { SeriesRole } from '~/shared/series';
import { latestWithRole } from '~/shared/streams';
import { type CommandRecord, ended, type ListItems, type RunView, type WithLists } from '~/shared/view';

/** Why `you` may not steer this run now; null = allowed. */
export function whyNot(view: Pick<RunView, 'status' | 'controlLock'>, you: Actor | null, now: number): string | null {
  return whyNotRevert(view, you, now) ?? (ended(view.status) ? `the run has ended (${view.status})` : null);
}

/** Why `you` may not take the run back to a checkpoint; null = allowed. An ended run allows it too, and then continues. */
export function whyNotRevert(view: Pick<RunView, 'controlLock'>, you: Actor | null, now: number): string | null {
  if (!you) return 'waiting for the server';
  const watches = whyWatches(you);
  if (watches !== null) return watches;
  const { controlLock } = view;
  if (controlLock && controlLock.holder.id !== you.id && (controlLock.until === null || controlLock.until > now))
    return `${controlLock.holder.name} holds the control lock`;
  return null;
}

/** A value as text for a sentence, never rounded: "5", "off", "0.0005 steps". */
export function describeValue(spec: ControlSpec | undefined, value: ControlValue): string {
  if (value === null) return spec?.nullLabel ?? 'none';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (value === '') return 'empty';
  return spec?.unit ? `${value} ${spec.unit}` : String(value);
}

/** Everything that a declaration says about its values: "An integer >= 1 or off, in steps; 20 at the start; takes effect with ..." */
export function aboutControl(spec: ControlSpec): string {
  const what = `${describe(spec)}${spec.nullLabel === null ? '' : ` or ${spec.nullLabel} (empty)`}${spec.unit ? `, in ${spec.unit}` : ''}`;
  const start = describeValue({ ...spec, unit: '' }, spec.default);
  return `${what[0]!.toUpperCase()}${what.slice(1)}; ${start} at the start; takes effect with the ${spec.takesEffect}. ${spec.help}`;
}

/** The declared defaults of an action's arguments. */
export function startArgs({ args }: ActionSpec): Table<ControlValue> {
  const out: Table<ControlValue> = {};
  for (const arg of args) put(out, arg.name, arg.default);
  return out;
}

/** A value as the text of its field; null is the empty text. */
export const textOf = (value: ControlValue): string => (value === null ? '' : String(value));

/** The value that a field's text means, or one sentence on what is valid. */
export function readText(spec: ControlSpec, text: string): { ok: true; value: ControlValue } | { ok: false; message: string } {
  const trimmed = text.trim();
  const value = meant(spec, trimmed);
  if (value !== undefined && controlValueError(spec, value) === null) return { ok: true, value };
  const point = trimmed.replace(',', '.');
  const comma = point !== trimmed && meant(spec, point) !== undefined ? ` (decimals have a point: ${point})` : '';
  const given = trimmed ? `"${trimmed}" does not fit${comma}; ` : '';
  const empty = spec.nullLabel === null ? '' : ` or nothing (${spec.nullLabel})`;
  return { ok: false, message: `${spec.label}: ${given}give ${describe(spec)}${empty}` };
}

function meant(spec: ControlSpec, text: string): ControlValue | undefined {
  if (text === '' && spec.nullLabel !== null) return null;
  switch (spec.type) {
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'enum':
    case 'text':
      return text;
    case 'number':
    case 'integer':
      return numberTyped(text) ?? undefined;
  }
}

/** For each role of a control: the role of the series with the value in effect. */
const seriesOfControl: Partial<Record<ControlRole, SeriesRole>> = {
  learningRate: 'learningRate',
  clipThreshold: 'clipThreshold',
};

/** The value of a control that is in effect now, from its series; null without one. */
export function effectiveOf(view: Pick<RunView, 'streams'>, { role }: ControlSpec): number | null {
  const series = role && seriesOfControl[role];
  return series ? latestWithRole(view, series) : null;
}

export const valueSpec = (view: Pick<RunView, 'controls'>, name: string): ControlSpec | undefined =>
  view.controls.values.find((c) => c.name === name);

/** "Clip value → 1", "Evaluate (Set test)" */
export function describeCommand(
  view: Pick<RunView, 'controls'> & Partial<Pick<WithLists, 'checkpoints'>>,
  command: Command,
): string {
  const when = command.when ? ` ${describeCondition(command.when)}` : '';
  if (command.kind === 'set') {
    const spec = valueSpec(view, command.control);
    return `${spec?.label ?? command.control} → ${describeValue(spec, command.value)}${when}`;
  }
  if (roleOf(view, command) === 'revert')
    return `Back to the checkpoint${typeof command.args.step === 'number' ? ` at step ${count(command.args.step)}` : ''}`;
  const spec = view.controls.actions.find((a) => a.name === command.action);
  const asked = view.checkpoints?.find((c) => c.blob.hash === command.checkpoint);
  const of = command.checkpoint === undefined ? '' : asked ? ` of step ${count(asked.step)}` : ' of a checkpoint';
  const args = Object.entries(command.args).map(([name, value]) => {
    const arg = spec?.args.find((a) => a.name === name);
    return arg?.type === 'enum' ? String(value) : `${arg?.label ?? name} ${describeValue(arg, value)}`;
  });
  return `${spec?.label ?? command.action}${args.length ? ` (${args.join(', ')})` : ''}${of}${when}`;
}

/** The commands that a view holds: the newest ones, and all that wait. */
export const heldCommands = ({ recent, openCommands }: Pick<RunView, 'recent' | 'openCommands'>): CommandRecord[] => [
  ...recent.commands.items,
  ...openCommands,
];

/** Newest command on a control that was not refused. */
export const lastOn = (commands: readonly CommandRecord[], control: string): CommandRecord | undefined =>
  commands.findLast((c) => c.command.kind === 'set' && c.command.control === control && c.outcome.status !== 'refused');

export const open = (c: CommandRecord): boolean =>
  c.outcome.status === 'requested' || c.outcome.status === 'scheduled' || c.outcome.status === 'proposed';

/**
 * The command that undoes an applied change; null when there is nothing to undo: it did not change a value, or the value has changed again
 * since.
 */
export function undoOf(view: Pick<RunView, 'values'>, record: CommandRecord): DraftCommand | null {
  const { command, outcome } = record;
  if (command.kind !== 'set' || outcome.status !== 'applied' || Object.is(outcome.before, outcome.after)) return null;
  if (!Object.is(own(view.values, command.control)?.value, outcome.after)) return null;
  return { kind: 'set', control: command.control, value: outcome.before, expected: outcome.after };
}

/** A checkpoint as a choice: its value is its hash. */
export const checkpointOption = ({ step, trigger, blob }: ListItems['checkpoints']) => ({
  value: blob.hash,
  text: `step ${count(step)}, ${triggerWords[trigger]}`,
});
