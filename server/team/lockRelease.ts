import type { AuditLog } from '~/server/audit/auditLog';
import { may } from '~/server/base/permissions';
import type { Hub } from '~/server/runs/hub';
import { ended } from '~/shared/view';

/** Takes the control lock from whoever was removed or may not steer any more. @returns stop */
export function releaseLocks(hub: Hub, auditLog: AuditLog, onError: (error: unknown) => void): () => void {
  return auditLog.onRow(({ actor, event }, { people }) => {
    const id =
      event.type === 'person.removed' || event.type === 'person.changed'
        ? event.personId
        : event.type === 'token.revoked'
          ? `token-${event.tokenId}`
          : null;
    const person = id === null ? undefined : people[id];
    if (id === null || (person && may(person, 'steer runs'))) return;
    for (const { runId, status } of hub.summaries())
      if (!ended(status))
        hub
          .decide(runId, ({ controlLock }) =>
            controlLock?.holder.id === id ? [{ type: 'control.locked', actor, holder: null, until: null }] : [],
          )
          .catch(onError);
  });
}
