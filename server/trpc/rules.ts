import { FieldError } from '~/server/base/fieldError';
import { canonical } from '~/shared/canonical';
import type { AuditEvent, Team } from '~/shared/team';
import type { Context } from './base';

const nouns = { 'approval.rules': 'rules', 'watchdog.rules': 'rules', 'retention.limits': 'limits' } as const;
type RuleEvent = Extract<AuditEvent, { type: keyof typeof nouns }>;

/** Whether something is no longer what the caller expects, who may expect nothing (undefined). */
export const differs = (now: unknown, expected: unknown): boolean =>
  expected !== undefined && canonical(now) !== canonical(expected);

/** Writes rules unless they are `stale`: changed since the caller read them. @throws FieldError that names who changed them */
export async function writeRules({ auditLog, actor }: Context, event: RuleEvent, stale: (team: Team) => boolean): Promise<void> {
  const written = await auditLog.record(actor, (team) => ({ events: stale(team) ? [] : [event], result: !stale(team) }));
  if (written) return;
  const runOf = 'runId' in event ? event.runId : null;
  let who = 'somebody';
  for await (const row of auditLog.newestFirst(null)) {
    // The rules of all runs are also those of a run without its own.
    const ofOther = 'runId' in row.event && row.event.runId !== null && row.event.runId !== runOf;
    if (row.event.type !== event.type || ofOther) continue;
    who = row.actor.name;
    break;
  }
  throw new FieldError('expected', `${who} changed these ${nouns[event.type]} after you had read them`);
}
