/** Entries by which the server itself ends a run that no trainer holds, a question, or commands that nobody will answer. */

import { asksCheckpoint } from '~/shared/analyses';
import { applied, refused } from '~/shared/commandAnswers';
import type { Command } from '~/shared/commands';
import type { RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { roleOf } from '~/shared/roles';
import { type CommandRecord, isOpened, type RunView } from '~/shared/view';
import type { WayBack } from './resumed';

/** By role, whatever name the run declares for the action. */
export const isStop = (view: RunView, command: Command): boolean =>
  command.when === undefined && roleOf(view, command) === 'stop';

/**
 * The entries that stop a run without a trainer.
 *
 * @param back `wayBack` of the run
 */
export function stopped(view: RunView, actor: Actor, command: Command, seq: number, back: WayBack | null): RunEvent[] {
  const step = back?.step ?? view.step;
  const message = `stopped by ${actor.name}`;
  return [
    ...(back ? [back] : []),
    applied({ seq, command }, step, message),
    ...leftover(view, command.id, back),
    { type: 'status', status: 'stopped', step, message },
    // Its process learns this when it comes back.
    ...(isOpened(view) ? [{ type: 'trainer.lost' as const, message, released: true as const }] : []),
  ];
}

/** Cancels a question that waits or is being answered: its answer says that it was canceled. */
export function calledOff(view: RunView, actor: Actor, command: Command, seq: number, question: CommandRecord): RunEvent[] {
  const { step } = view;
  return [
    applied({ seq, command }, step, `command ${question.command.id} canceled`),
    refused(question, step, 'state', `canceled by ${actor.name}`),
  ];
}

/** Refuses open commands, except the one that ends the run, and questions about checkpoints; also those that wait again after it went back. */
export function leftover(view: RunView, ending?: string, back: WayBack | null = null): RunEvent[] {
  const open = view.openCommands.filter((c) => c.command.id !== ending && !asksCheckpoint(view, c));
  const message = 'the run ended before this could take effect';
  return [...open, ...(back?.resumed.waiting ?? [])].map((c) => refused(c, back?.step ?? view.step, 'run-ended', message));
}
