import { binaryBytes } from '~/app/_components/format';
import type { Command } from '~/shared/commands';
import { describeCondition } from '~/shared/conditions';
import type { AuditEvent, AuditRow } from '~/shared/team';
import { unreachable } from '~/shared/unreachable';

const describeCommand = (c: Command): string => {
  const what =
    c.kind === 'set'
      ? `${c.control} = ${JSON.stringify(c.value)}`
      : [c.action, ...Object.entries(c.args).map(([name, value]) => `${name} ${JSON.stringify(value)}`)].join(' ');
  return c.when ? `${what} ${describeCondition(c.when)}` : what;
};

// Browsers also name those that they resemble: the least copied names come first.
const browsers = { Edg: 'Edge', OPR: 'Opera', Firefox: 'Firefox', Chrome: 'Chrome', Safari: 'Safari' };
const systems = { Android: 'Android', iPhone: 'iPhone', iPad: 'iPad', Windows: 'Windows', 'Mac OS': 'macOS', Linux: 'Linux' };
const named = (of: Record<string, string>, text: string) => Object.entries(of).find(([mark]) => text.includes(mark))?.[1];

/** "Firefox on Linux", from what a browser sends as its name; other text as it is. */
export const deviceName = (text: string): string =>
  [named(browsers, text) ?? text, named(browsers, text) && named(systems, text)].filter(Boolean).join(' on ');

/** What rows tell of others: names of people by id, those removed since among them, names of runs, and what commands asked for. */
export interface Told {
  people: ReadonlyMap<string, string>;
  runs: Readonly<Record<string, string>>;
  commands: ReadonlyMap<string, string>;
}

/**
 * @param rows in the order of the log
 * @param present whose names of today count
 * @param runs names by id
 */
export function toldBy(
  rows: readonly AuditRow[],
  present: readonly { id: string; name: string }[] = [],
  runs: Readonly<Record<string, string>> = {},
): Told {
  const people = new Map<string, string>();
  const commands = new Map<string, string>();
  for (const { actor, event } of rows) {
    if (event.type === 'person.joined') people.set(event.person.id, event.person.name);
    else if (!people.has(actor.id)) people.set(actor.id, actor.name);
    if (event.type === 'command.requested') commands.set(event.command.id, describeCommand(event.command));
  }
  for (const { id, name } of present) people.set(id, name);
  return { people, runs, commands };
}

/** A row of the audit log as a sentence without its subject. */
export function describeAuditEvent(e: AuditEvent, told: Told): string {
  const nameOf = (personId: string) => told.people.get(personId) ?? personId;
  const run = (runId: string) => (Object.hasOwn(told.runs, runId) ? `“${told.runs[runId]}”` : `run ${runId}`);
  const outcome = (what: string, { runId, commandId }: { runId: string; commandId: string }) =>
    `${run(runId)}: ${what} ${told.commands.get(commandId) ?? `command ${commandId}`}`;
  switch (e.type) {
    case 'person.joined':
      return `joined as ${e.person.role}${e.account ? ` with the account ${e.account.email}` : ''}`;
    case 'account.linked':
      return `linked the account ${e.account.email}`;
    case 'person.changed':
      return `changed ${nameOf(e.personId)}: ${[e.name && `name ${e.name}`, e.role && `role ${e.role}`, e.colour && `color ${e.colour}`].filter(Boolean).join(', ')}`;
    case 'person.removed':
      return `removed ${nameOf(e.personId)}`;
    case 'invite.made':
      return `made an invite link for ${e.invite.uses} as ${e.invite.role}`;
    case 'invite.revoked':
      return `revoked invite ${e.inviteId}`;
    case 'session.opened':
      return `signed in with ${deviceName(e.session.device)}`;
    case 'session.revoked':
      return `ended session ${e.sessionId}`;
    case 'token.made':
      return `made the token “${e.token.name}” as ${e.token.scope}`;
    case 'token.revoked':
      return `revoked token ${e.tokenId}`;
    case 'approval.rules':
      return e.names.length ? `asked for a second operator on ${e.names.join(', ')}` : 'asked for a second operator on nothing';
    case 'watchdog.rules':
      return `changed the watchdogs of ${e.runId === null ? 'all runs' : run(e.runId)}`;
    case 'retention.limits':
      return `limited what each run keeps: ${(['snapshots', 'checkpoints'] as const)
        .flatMap((kind) => (e[kind] === undefined ? [] : [`${kind} ${binaryBytes(e[kind])}`]))
        .join(', ')}`;
    case 'run.created':
      return e.parent ? `branched ${run(e.runId)} from ${run(e.parent)}` : `started ${run(e.runId)}`;
    case 'run.changed':
      return `${run(e.runId)}: ${e.what}`;
    case 'command.requested':
      return `${run(e.runId)}: asked for ${describeCommand(e.command)}`;
    case 'command.applied': {
      const change = e.before === null && e.after === null ? '' : `: ${JSON.stringify(e.before)} → ${JSON.stringify(e.after)}`;
      return `${outcome('applied', e)} at step ${e.step}${change}`;
    }
    case 'command.refused':
      return `${outcome('refused', e)} (${e.reason})`;
    default:
      return unreachable(e);
  }
}
