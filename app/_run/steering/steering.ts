import type { DraftCommand } from '~/app/_live/types';
import { type Command, describeCondition } from '~/shared/commands';
import {
  type ActionSpec,
  type ControlRole,
  type ControlSpec,
  type ControlValue,
  controlValueError,
  describe,
} from '~/shared/controls';
import type { Actor } from '~/shared/ids';
import { own, put, type Table } from '~/shared/own';
import { roleOf } from '~/shared/roles';
import type { SeriesRole } from '~/shared/series';
import { latestWithRole } from '~/shared/streams';
import { type CommandRecord, ended, type RunView, type WithLists } from '~/shared/view';

/** Why `you` may not steer this run now; null = go ahead. */
export function whyNot(view: Pick<RunView, 'status' | 'controlLock'>, you: Actor | null, now: number): string | null {
  return whyNotRevert(view, you, now) ?? (ended(view.status) ? `the run has ended (${view.status})` : null);
}

/** The same of taking the run back to a checkpoint, by which also one that has ended goes on. */
export function whyNotRevert(view: Pick<RunView, 'controlLock'>, you: Actor | null, now: number): string | null {
  if (!you) return 'waiting for the server';
  if (you.role === 'viewer' || you.role === 'trainer') return `${you.name} (${you.role}) may watch but not steer`;
  const { controlLock } = view;
  if (controlLock && controlLock.holder.id !== you.id && (controlLock.until === null || controlLock.until > now))
    return `${controlLock.holder.name} holds the control lock`;
  return null;
}

/** A value as it stands in a sentence, never rounded: "5", "off", "0.0005 steps". */
export function describeValue(spec: ControlSpec | undefined, value: ControlValue): string {
  if (value === null) return spec?.nullLabel ?? 'none';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (value === '') return 'empty';
  return spec?.unit ? `${value} ${spec.unit}` : String(value);
}

/** All that a declaration says of its values: "An integer >= 1 or off, in steps; 20 unless changed; takes effect from the next snapshot on. ..." */
export function aboutControl(spec: ControlSpec): string {
  const what = `${describe(spec)}${spec.nullLabel === null ? '' : ` or ${spec.nullLabel} (empty)`}${spec.unit ? `, in ${spec.unit}` : ''}`;
  const start = describeValue({ ...spec, unit: '' }, spec.default);
  return `${what[0]!.toUpperCase()}${what.slice(1)}; ${start} at the start; takes effect with the ${spec.takesEffect}. ${spec.help}`;
}

const plainNumber = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });
/** A change by more than this factor is asked about, where no usual range is declared. */
const largeFactor = 100;

/** Why a value is worth a second look, in words: "× 2,500 of now; usually 0.00001 to 0.01". null = it is an ordinary one. */
export function unusual(spec: ControlSpec, value: ControlValue, current: ControlValue): string | null {
  if (typeof value !== 'number') return null;
  const factor = typeof current === 'number' && current !== 0 && value !== 0 ? value / current : null;
  const outside = spec.usual && (value < spec.usual[0] || value > spec.usual[1]);
  const large = factor !== null && (Math.abs(factor) >= largeFactor || Math.abs(factor) <= 1 / largeFactor);
  if (!outside && (!large || spec.usual)) return null;
  const words = factor === null || factor === 1 ? [] : [`× ${plainNumber.format(factor)} of now`];
  if (spec.usual) words.push(`usually ${spec.usual.map(String).join(' to ')}${spec.unit ? ` ${spec.unit}` : ''}`);
  return words.join('; ');
}

/** The arguments of an action as they are declared to be at first. */
export function startArgs({ args }: ActionSpec): Table<ControlValue> {
  const out: Table<ControlValue> = {};
  for (const arg of args) put(out, arg.name, arg.default);
  return out;
}

/** A value as the text of its field; null is the empty text. */
export const textOf = (value: ControlValue): string => (value === null ? '' : String(value));

/** What a field's text means, or one sentence on what would fit. */
export function readText(spec: ControlSpec, text: string): { ok: true; value: ControlValue } | { ok: false; message: string } {
  const trimmed = text.trim();
  const value = meant(spec, trimmed);
  if (value === undefined)
    return { ok: false, message: `${spec.label}: ${trimmed ? `"${trimmed}" does not fit; ` : ''}give ${describe(spec)}` };
  const error = controlValueError(spec, value);
  return error === null ? { ok: true, value } : { ok: false, message: error };
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
    case 'integer': {
      const n = Number(text);
      return text === '' || !Number.isFinite(n) ? undefined : n;
    }
  }
}

/** The series that shows what is in effect of a control of a role. */
const seriesOfControl: Partial<Record<ControlRole, SeriesRole>> = {
  learningRate: 'learningRate',
  clipThreshold: 'clipThreshold',
};

/** What is in effect of a control now, as its series tells; null when none does. */
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
    return `Back to the checkpoint${command.args.step === undefined ? '' : ` at step ${command.args.step}`}`;
  const spec = view.controls.actions.find((a) => a.name === command.action);
  const asked = view.checkpoints?.find((c) => c.blob.hash === command.checkpoint);
  const of = command.checkpoint === undefined ? '' : asked ? ` of step ${asked.step}` : ' of a checkpoint';
  const args = Object.entries(command.args).map(([name, value]) => {
    const arg = spec?.args.find((a) => a.name === name);
    return arg?.type === 'enum' ? String(value) : `${arg?.label ?? name} ${describeValue(arg, value)}`;
  });
  return `${spec?.label ?? command.action}${args.length ? ` (${args.join(', ')})` : ''}${of}${when}`;
}

/** Newest command on a control, whatever became of it. */
export const lastOn = (commands: readonly CommandRecord[], control: string): CommandRecord | undefined =>
  commands.findLast((c) => c.command.kind === 'set' && c.command.control === control);

export const open = (c: CommandRecord): boolean =>
  c.outcome.status === 'requested' || c.outcome.status === 'scheduled' || c.outcome.status === 'proposed';

/**
 * The command that takes an applied change back; null when there is nothing to take back: it is no value change, changed nothing, or the value is no longer
 * what it made of it.
 */
export function undoOf(view: Pick<RunView, 'values'>, record: CommandRecord): DraftCommand | null {
  const { command, outcome } = record;
  if (command.kind !== 'set' || outcome.status !== 'applied' || Object.is(outcome.before, outcome.after)) return null;
  if (!Object.is(own(view.values, command.control)?.value, outcome.after)) return null;
  return { kind: 'set', control: command.control, value: outcome.before, expected: outcome.after };
}
