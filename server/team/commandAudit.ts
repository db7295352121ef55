import type { AuditLog } from '~/server/audit/auditLog';
import type { Entry } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { describeLabels } from '~/shared/labels';
import type { AuditEvent } from '~/shared/team';
import type { RunView } from '~/shared/view';
import { systemActor } from './people';

/** Writes people's actions on runs into the audit log, once they are committed in the run's own log. @returns stop */
export function keepAudit(
  hub: { onEntries(listener: (runId: string, entries: Entry[], view: RunView, before: RunView) => void): () => void },
  auditLog: AuditLog,
  onError: (error: unknown) => void,
): () => void {
  return hub.onEntries((runId, entries, view, before) => {
    const authors = authorsOf(entries, view, before);
    for (const entry of entries) {
      const row = rowOf(runId, entry, authors);
      if (row) auditLog.append(row.actor, () => [row.event]).catch(onError);
    }
  });
}

function rowOf(
  runId: string,
  { seq, event }: Entry,
  authors: ReadonlyMap<string, Actor>,
): { actor: Actor; event: AuditEvent } | null {
  switch (event.type) {
    case 'run.created':
      return { actor: event.actor, event: { type: 'run.created', runId, parent: event.parent?.runId ?? null } };
    case 'run.labelled':
      return { actor: event.actor, event: { type: 'run.changed', runId, what: describeLabels(event).slice(0, 200) } };
    case 'run.queued':
      return { actor: event.actor, event: { type: 'run.changed', runId, what: 'moved in the queue' } };
    case 'command.proposed':
    case 'command.requested':
      return { actor: event.actor, event: { type: 'command.requested', runId, seq, command: event.command } };
    case 'proposal.answered': {
      const did = event.approved ? 'approved' : authors.get(event.commandId)?.id === event.actor.id ? 'took back' : 'declined';
      const what = `${did} command ${event.commandId}`;
      return { actor: event.actor, event: { type: 'run.changed', runId, what } };
    }
    case 'command.applied': {
      const { commandId, step, before, after } = event;
      return {
        actor: authors.get(commandId) ?? systemActor,
        event: { type: 'command.applied', runId, seq, commandId, step, before, after },
      };
    }
    case 'command.refused': {
      const { commandId, reason } = event;
      return { actor: authors.get(commandId) ?? systemActor, event: { type: 'command.refused', runId, seq, commandId, reason } };
    }
    default:
      return null;
  }
}

/** Authors of the commands that these entries answer. */
function authorsOf(entries: readonly Entry[], view: RunView, before: RunView): Map<string, Actor> {
  const authors = new Map<string, Actor>();
  for (const { command, actor } of [...view.recent.commands.items, ...before.openCommands]) authors.set(command.id, actor);
  for (const { event } of entries)
    if (event.type === 'command.requested') authors.set(event.command.id, event.actor);
    else if ('asked' in event && event.asked) authors.set(event.asked.command.id, event.asked.actor);
  return authors;
}
