import { may } from '~/server/base/permissions';
import type { Command, Refusal } from '~/shared/commands';
import type { ServerEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { refuse } from '~/shared/refusals';
import { wordsOf } from '~/shared/roles';
import type { RunView } from '~/shared/view';

/** The present holder of the control lock; null when nobody holds it or the hold has expired. */
export function holder(view: Pick<RunView, 'controlLock'>, now: number): Actor | null {
  const { controlLock } = view;
  return controlLock && (controlLock.until === null || controlLock.until > now) ? controlLock.holder : null;
}

/**
 * Whether a command may be written to the log, must wait for a second operator, or is refused. The permission of the role is
 * checked before.
 *
 * @param needsApproval names or roles of controls and actions
 */
export function gate(
  view: Pick<RunView, 'controlLock' | 'controls'>,
  needsApproval: readonly string[],
  actor: Actor,
  command: Command,
  now: number,
  /** Further names by which the rules know the command. */
  words: readonly string[] = [],
): 'pass' | 'propose' | Refusal {
  // A rule of the server is a decision that the team made beforehand.
  if (actor.role === 'system') return 'pass';
  const locked = notTheHolder(view, now, actor);
  if (locked) return locked;
  return [...wordsOf(view, command), ...words].some((word) => needsApproval.includes(word)) ? 'propose' : 'pass';
}

function notTheHolder(view: Pick<RunView, 'controlLock'>, now: number, ...these: Actor[]): Refusal | null {
  const held = holder(view, now);
  return !held || these.some((person) => person.id === held.id)
    ? null
    : refuse('forbidden', `${held.name} holds the control lock; ask for it, or wait until it is released`);
}

export type ControlLockRequest =
  | { kind: 'take'; forMs: number | null }
  | { kind: 'ask' }
  | { kind: 'refuse'; askerId: string }
  | { kind: 'release' }
  | { kind: 'handOver'; to: Actor; forMs: number | null };

/** @returns the entry for the request, or why it is refused */
export function changeControlLock(
  view: Pick<RunView, 'controlLock'>,
  actor: Actor,
  request: ControlLockRequest,
  now: number,
  /** People who watch the run, as known to the server. */
  present: readonly Actor[],
): ServerEvent | Refusal {
  const held = holder(view, now);
  const until = (forMs: number | null) => (forMs === null ? null : now + forMs);
  switch (request.kind) {
    case 'take':
      if (held && held.id !== actor.id && actor.role !== 'admin')
        return refuse('forbidden', `${held.name} holds the control lock; ask for it`);
      return { type: 'control.locked', actor, holder: actor, until: until(request.forMs) };
    case 'ask':
      if (!held) return refuse('state', 'nobody holds the control lock; take it');
      if (held.id === actor.id) return refuse('state', 'you hold the control lock already');
      if (view.controlLock?.askedBy.some((who) => who.id === actor.id))
        return refuse('state', 'you have asked for the control lock already');
      return { type: 'control.requested', actor };
    case 'release':
    case 'refuse':
    case 'handOver': {
      if (!held) return refuse('state', 'nobody holds the control lock');
      if (held.id !== actor.id && actor.role !== 'admin')
        return refuse('forbidden', `only ${held.name} or an admin may give the control lock away, or decline a request for it`);
      if (request.kind === 'release') return { type: 'control.locked', actor, holder: null, until: null };
      if (request.kind === 'refuse') {
        const asker = view.controlLock?.askedBy.find((who) => who.id === request.askerId);
        return asker
          ? { type: 'control.refused', actor, asker }
          : refuse('state', `${request.askerId} does not ask for the control lock (any more)`, 'request.askerId');
      }
      // Look up the new holder: name and role in the request are not trusted.
      const to = present.find((person) => person.id === request.to.id);
      if (!to) return refuse('state', `${request.to.name} does not watch this run; hand it to somebody who does`, 'request.to');
      if (!may(to, 'steer runs'))
        return refuse('forbidden', `${to.name} (${to.role}) may not steer; hand it to an operator or an admin`, 'request.to');
      return { type: 'control.locked', actor, holder: to, until: until(request.forMs) };
    }
  }
}

/** @returns why this person may not answer the proposal, or null */
export function approvalProblem(
  view: Pick<RunView, 'openCommands' | 'controlLock'>,
  actor: Actor,
  commandId: string,
  approved: boolean,
  now: number,
): Refusal | null {
  const proposal = view.openCommands.find((c) => c.command.id === commandId);
  if (proposal?.outcome.status !== 'proposed')
    return refuse('state', `commandId: no command ${commandId} waits for approval`, 'commandId');
  // Who asked may take it back, and declining changes nothing.
  if (!approved) return null;
  if (proposal.actor.id === actor.id) return refuse('forbidden', 'a second operator must approve it, not the one who asked');
  return notTheHolder(view, now, actor, proposal.actor);
}
