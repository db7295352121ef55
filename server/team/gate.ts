import { type Command, type Refusal, refuse } from '~/shared/commands';
import type { ServerEvent } from '~/shared/events';
import type { RunView } from '~/shared/fold';
import type { Actor } from '~/shared/ids';

/** The wheel as it is now: a hold whose time is over is no hold. */
export function holder(view: Pick<RunView, 'wheel'>, now: number): Actor | null {
  const { wheel } = view;
  return wheel && (wheel.until === null || wheel.until > now) ? wheel.holder : null;
}

/** Whether a command may go to the log as it is, must wait for a second operator, or not at all. Roles are checked before. */
export function gate(
  view: Pick<RunView, 'wheel'>,
  needsApproval: readonly string[],
  actor: Actor,
  command: Command,
  now: number,
): 'pass' | 'propose' | Refusal {
  // What the server does by a rule is a decision of the team made beforehand.
  if (actor.role === 'system') return 'pass';
  const held = holder(view, now);
  if (held && held.id !== actor.id)
    return refuse('forbidden', `${held.name} holds the wheel; ask for it, or wait until it is released`);
  return needsApproval.includes(command.kind === 'set' ? command.control : command.action) ? 'propose' : 'pass';
}

export type WheelRequest =
  | { kind: 'take'; forMs: number | null }
  | { kind: 'ask' }
  | { kind: 'release' }
  | { kind: 'handOver'; to: Actor };

/** @returns the entry that the request makes, or why it makes none */
export function turnWheel(view: Pick<RunView, 'wheel'>, actor: Actor, request: WheelRequest, now: number): ServerEvent | Refusal {
  const held = holder(view, now);
  switch (request.kind) {
    case 'take':
      if (held && held.id !== actor.id && actor.role !== 'admin')
        return refuse('forbidden', `${held.name} holds the wheel; ask for it`);
      return { type: 'wheel', actor, holder: actor, until: request.forMs === null ? null : now + request.forMs };
    case 'ask':
      if (!held) return refuse('state', 'nobody holds the wheel; take it');
      if (held.id === actor.id) return refuse('state', 'you hold the wheel already');
      return { type: 'wheel.asked', actor };
    case 'release':
    case 'handOver':
      if (!held) return refuse('state', 'nobody holds the wheel');
      if (held.id !== actor.id && actor.role !== 'admin')
        return refuse('forbidden', `only ${held.name} or an admin may give the wheel away`);
      return { type: 'wheel', actor, holder: request.kind === 'release' ? null : request.to, until: null };
  }
}

/** @returns why this person may not answer the proposal, or null */
export function approvalProblem(view: Pick<RunView, 'commands'>, actor: Actor, commandId: string): Refusal | null {
  const proposal = view.commands.find((c) => c.command.id === commandId);
  if (proposal?.outcome.status !== 'proposed')
    return refuse('state', `commandId: no command ${commandId} waits for approval`, 'commandId');
  if (proposal.actor.id === actor.id) return refuse('forbidden', 'a second operator must approve it, not the one who asked');
  return null;
}
