import type { Command, Refusal } from './commands';
import type { ActionSpec, Controls, ControlValue } from './controls';
import { controlValueError } from './controlValues';
import { refuse } from './refusals';

/**
 * Checks a command against the controls and actions that a run declares; null = it is valid. The server checks before a command
 * enters the log, a trainer before it applies one.
 */
export function commandError({ values, actions }: Controls, command: Command): Refusal | null {
  if (command.kind === 'set') {
    const spec = values.find((c) => c.name === command.control);
    if (!spec) return unknown('control', command.control, values);
    const wrong = controlValueError(spec, command.value);
    return wrong === null ? null : refuse('invalid', wrong, 'value');
  }
  const spec = actions.find((a) => a.name === command.action);
  return spec ? argumentError(spec, command.args) : unknown('action', command.action, actions);
}

/** Checks an action's arguments alone; missing ones have their defaults. */
export function argumentError(
  { name, args }: Pick<ActionSpec, 'name' | 'args'>,
  given: Readonly<Record<string, ControlValue>>,
): Refusal | null {
  const extra = Object.keys(given).find((key) => !args.some((a) => a.name === key));
  if (extra !== undefined) {
    const takes = args.length === 0 ? 'no arguments' : args.map((a) => a.name).join(', ');
    return refuse('invalid', `${name} takes ${takes}, not "${extra}"`, `args.${extra}`);
  }
  for (const spec of args) {
    const wrong = Object.hasOwn(given, spec.name) ? controlValueError(spec, given[spec.name]!) : null;
    if (wrong) return refuse('invalid', wrong, `args.${spec.name}`);
  }
  return null;
}

const unknown = (what: 'control' | 'action', name: string, known: readonly { name: string }[]): Refusal =>
  refuse('unknown-control', `there is no ${what} "${name}"; this run has ${known.map((k) => k.name).join(', ')}`, what);
