/** Sessions, roles and tokens may end while sockets are open and control locks are held: both are checked again then. */
import type { AuditLog } from '~/server/audit/auditLog';
import type { Clock } from '~/server/base/clock';
import type { Actor } from '~/shared/ids';
import type { AuditEvent } from '~/shared/team';
import { isValid, systemActor } from './people';

const matters = new Set<AuditEvent['type']>(['person.changed', 'person.removed', 'session.revoked', 'token.revoked']);
const lookEveryMs = 1_000;

/** Calls `recheck`, with who did it, when somebody lost a role or a session, and when a token expired. @returns stop */
export function recheckWhenEnded(auditLog: AuditLog, clock: Clock, recheck: (by: Actor) => void): () => void {
  const stop = auditLog.onRow((row) => {
    if (matters.has(row.event.type)) recheck(row.actor);
  });
  const valid = () =>
    new Set(
      Object.values(auditLog.team.tokens)
        .filter((t) => isValid(t, clock.now()))
        .map((t) => t.id),
    );
  let before = valid();
  let cancel = () => {};
  const look = () => {
    cancel = clock.after(lookEveryMs, look);
    const now = valid();
    if ([...before].some((id) => !now.has(id))) recheck(systemActor);
    before = now;
  };
  look();
  return () => {
    stop();
    cancel();
  };
}
