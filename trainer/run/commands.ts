/** Answers one command: checks it against the declarations, changes the settings, and returns the outcome. */
import { commandError } from '~/shared/commandError';
import type { Command, LoggedCommand, Refusal } from '~/shared/commands';
import type { Controls, ControlValue } from '~/shared/controls';
import type { Actor } from '~/shared/ids';
import { refuse } from '~/shared/refusals';
import type { RunState } from '~/trainer/nn/checkpoint';
import { actions, type Outcome, type Steered } from './actions';
import type { Control, Facts, Settings } from './controls';
import { withDefaults } from './questions';

/** The person who last changed a control, and the first step with the new value. */
export interface Change {
  by: Actor;
  step: number;
}

export interface Desk {
  controls: readonly Control[];
  facts: Facts;
  /** By control name; this module writes it. */
  changes: Map<string, Change>;
  run: Steered;
}

export const declaration = (controls: readonly Control[]): Controls => ({
  values: controls.map((c) => c.spec),
  actions: actions.map((a) => a.spec),
});

/** What a checkpoint keeps of the controls. */
export const valuesToKeep = (
  controls: readonly Control[],
  settings: Settings,
  changes: ReadonlyMap<string, Change>,
): RunState['values'] =>
  Object.fromEntries(
    controls.map(({ spec, read }) => {
      const change = changes.get(spec.name);
      return [spec.name, { value: read(settings), changedBy: change?.by ?? null, changedAtStep: change?.step ?? 0 }];
    }),
  );

/** Why a command is invalid at any step; null when it fits the declarations. */
export const validationError = ({ controls }: Pick<Desk, 'controls'>, { command }: LoggedCommand): Refusal | null =>
  commandError(declaration(controls), command);

/** Applies a command, ignoring its condition. */
export function answer(desk: Desk, logged: LoggedCommand): Outcome {
  const wrong = validationError(desk, logged);
  if (wrong) return wrong;
  const { command, actor } = logged;
  if (command.kind === 'set') return set(desk, actor, command);
  const { spec, act } = actions.find((a) => a.spec.name === command.action)!;
  return act(desk.run, withDefaults(spec, command.args), logged);
}

function set({ controls, facts, changes, run }: Desk, by: Actor, command: Extract<Command, { kind: 'set' }>): Outcome {
  const control = controls.find((c) => c.spec.name === command.control)!;
  const { name, label } = control.spec;
  const before = control.read(facts.settings);
  if (command.expected !== undefined && !Object.is(command.expected, before))
    return refuse('conflict', conflict(name, command.expected, before, changes.get(name)), name);
  const refusal = control.refusal?.(command.value, facts);
  if (refusal) return refuse('invalid', refusal, name);
  control.write(facts.settings, command.value);
  changes.set(name, { by, step: run.step });
  return {
    ok: true,
    before,
    after: command.value,
    message: `${label}: ${short(before)} -> ${short(command.value)} from step ${run.step}`,
  };
}

function conflict(name: string, expected: ControlValue, now: ControlValue, change: Change | undefined): string {
  const seen = `is ${short(now)}, not ${short(expected)} as you saw; look again and resend`;
  return change ? `${name}: changed by ${change.by.name} at step ${change.step}: it ${seen}` : `${name}: it ${seen}`;
}

/** A value for a message of bounded length. */
function short(value: ControlValue): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
