import type { Command } from './commands';
import { type ActionRole, actionRole, actionWithRole, type Controls } from './controls';

/** What a command means to the program: by the role that the run declares for its control or action, never by a name. */

type Declared = { controls: Controls };
type ActCommand = Extract<Command, { kind: 'act' }>;

/**
 * The role of the action that a command asks for; null = it has none. Where the run declares no action of that name, the word is a role: the server itself stops a
 * run that nobody trains, takes back a run of a recipe, and calls off a question about a checkpoint, with or without a declaration.
 */
export function roleOf({ controls }: Declared, command: Command): ActionRole | null {
  if (command.kind !== 'act') return null;
  const spec = controls.actions.find((a) => a.name === command.action);
  if (spec) return spec.role ?? null;
  return actionRole.safeParse(command.action).data ?? null;
}

/** The command with the name of the declared action, where it asked for an action by its role. */
export function asDeclared({ controls }: Declared, command: Command): Command {
  if (command.kind !== 'act' || controls.actions.some((a) => a.name === command.action)) return command;
  const role = roleOf({ controls }, command);
  const spec = role && actionWithRole(controls, role);
  return spec ? ({ ...command, action: spec.name } satisfies ActCommand) : command;
}

/** The words by which rules of the team know what a command steers: its name, and its role where it has one. */
export function wordsOf({ controls }: Declared, command: Command): string[] {
  if (command.kind === 'act') return [command.action, roleOf({ controls }, command)].filter((word) => word !== null);
  const role = controls.values.find((c) => c.name === command.control)?.role;
  return role === undefined ? [command.control] : [command.control, role];
}
