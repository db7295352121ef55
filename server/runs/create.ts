/** The entries that follow a run's creation in its log: the commands that were given with it. Pure. */
import { nanoid } from 'nanoid';
import { FieldError } from '~/server/base/fieldError';
import { gate } from '~/server/team/gate';
import type { Command } from '~/shared/commands';
import type { ServerEvent } from '~/shared/events';
import { emptyView } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import type { RecipeSpec } from '~/shared/recipes';
import type { CreateRun } from '~/shared/runRequests';
import { judge } from './judge';

/** Options of a new run besides its setup. */
export interface FirstEntries extends Pick<CreateRun, 'commands' | 'paused' | 'runId'> {
  /** Actions of its runs, as its recipe declares them. */
  actions?: RecipeSpec['actions'];
  /** It waits behind all others, including later ones, and gives up its trainer when another run waits for it. */
  givesWay?: boolean;
}

export interface FirstEntriesDeps {
  now: number;
  /** Controls and actions that a second operator has to approve. */
  needsApproval: readonly string[];
  newId?: () => string;
}

type RunCreated = Extract<ServerEvent, { type: 'run.created' }>;

/** @throws FieldError naming the command that is not possible */
export function firstEntries(
  runId: string,
  actor: Actor,
  created: RunCreated,
  { commands = [], paused = false, actions = [] }: FirstEntries,
  { now, needsApproval, newId = nanoid }: FirstEntriesDeps,
): ServerEvent[] {
  const view = emptyView(runId, { seq: 1, attempt: 0, at: now, event: created });
  const given = commands.map(
    (c): Command => ({ ...(c.kind === 'act' && { args: {} }), ...c, id: c.id ?? newId(), runId }) as Command,
  );
  const pause = actions.find((a) => a.role === 'pause');
  if (paused && !pause)
    throw new FieldError('paused', 'its recipe declares no action with the role "pause"; start the run and pause it then');
  // Pause first: commands for the first step then take effect there while the run waits.
  const all: Command[] = paused ? [{ kind: 'act', id: newId(), runId, action: pause!.name, args: {} }, ...given] : given;
  const ids = new Set<string>();
  return all.map((command, i): ServerEvent => {
    const field = paused && i === 0 ? 'paused' : `commands.${i - Number(paused)}`;
    if (ids.has(command.id)) throw new FieldError(`${field}.id`, `${command.id} is the id of an earlier one`);
    ids.add(command.id);
    const refusal = judge(view, actor, command, []);
    if (refusal) throw new FieldError(refusal.field ? `${field}.${refusal.field}` : field, refusal.message);
    const words = actions.filter((a) => command.kind === 'act' && a.name === command.action).map((a) => a.role);
    const gated = gate(view, needsApproval, actor, command, now, words);
    return { type: gated === 'propose' ? 'command.proposed' : 'command.requested', actor, command };
  });
}
