import type { AuditLog } from '~/server/audit/auditLog';
import { may } from '~/server/base/permissions';
import type { Hub } from '~/server/runs/hub';
import { ended } from '~/shared/view';

/** Takes the control lock from whoever was removed, may not steer any more, or is not signed in anywhere any more. @returns stop */
export function releaseLocks(hub: Hub, auditLog: AuditLog, onError: (error: unknown) => void): () => void {
  let before = auditLog.team.sessions;
  return auditLog.onRow(({ actor, event }, { people, sessions }) => {
    const id =
      event.type === 'person.removed' || event.type === 'person.changed'
        ? event.personId
        : event.type === 'session.revoked'
          ? (before[event.sessionId]?.personId ?? null)
          : event.type === 'token.revoked'
            ? `token-${event.tokenId}`
            : null;
    before = sessions;
    const person = id === null ? undefined : people[id];
    const here = event.type !== 'session.revoked' || Object.values(sessions).some((s) => s.personId === id);
    if (id === null || (person && may(person, 'steer runs') && here)) return;
    for (const { runId, status } of hub.summaries())
      if (!ended(status))
        hub
          .decide(runId, ({ controlLock }) =>
            controlLock?.holder.id === id ? [{ type: 'control.locked', actor, holder: null, until: null }] : [],
          )
          .catch(onError);
  });
}
