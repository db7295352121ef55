import { actionRoles } from './actionRoles';
import type { Command } from './commands';
import type { ActionRole, Controls } from './controls';
import { actionWithRole } from './controlValues';

/** The meaning of a command to the program: by the role that the run declares for its control or action, never by a name. */

type Declared = { controls: Controls };
type ActCommand = Extract<Command, { kind: 'act' }>;

/**
 * The role of the action that a command asks for; null = it has none. If the run declares no action of that name, the name is
 * read as a role: the server itself stops a run that nobody trains, takes back a run of a recipe, and cancels a question about a
 * checkpoint, with or without a declaration.
 */
export function roleOf({ controls }: Declared, command: Command): ActionRole | null {
  if (command.kind !== 'act') return null;
  const spec = controls.actions.find((a) => a.name === command.action);
  if (spec) return spec.role ?? null;
  return actionRoles.find((role) => role === command.action) ?? null;
}

/** The command with the declared action's name, if it named the action by its role. */
export function asDeclared({ controls }: Declared, command: Command): Command {
  if (command.kind !== 'act' || controls.actions.some((a) => a.name === command.action)) return command;
  const role = roleOf({ controls }, command);
  const spec = role && actionWithRole(controls, role);
  return spec ? ({ ...command, action: spec.name } satisfies ActCommand) : command;
}

/** The words by which the team's rules match a command: the name of its control or action, and the role if there is one. */
export function wordsOf({ controls }: Declared, command: Command): string[] {
  if (command.kind === 'act') return [command.action, roleOf({ controls }, command)].filter((word) => word !== null);
  const role = controls.values.find((c) => c.name === command.control)?.role;
  return role === undefined ? [command.control] : [command.control, role];
}
