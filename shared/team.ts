import { z } from 'zod';
import { command, refusalReason } from './commands';
import { controlValue } from './controls';
import { actor, commandId, runId, seen, seq, step } from './ids';
import { unreachable } from './unreachable';
import { defaultRules, type WatchdogRules, watchdogRules } from './watchdogs';

/**
 * The audit log: who is on the team, which links and tokens exist, and every action of a person, in one append-only, hash-chained
 * list. The team is its fold, as a run's view is the fold of the run's log. Secrets never enter it, only their SHA-256.
 */

/** Roles of people; `trainer` and `system` are machine roles. */
export const personRole = z.enum(['viewer', 'operator', 'admin']);
export type PersonRole = z.infer<typeof personRole>;

export const personName = z.string().trim().min(1, 'name: say who you are').max(80, 'name: at most 80 characters');
/** A name that somebody takes from now on. */
export const newPersonName = seen(personName, 'name: ');
/** Spelled so in every audit log since 0.1, whose hashes cover the names. */
export const colour = z.string().regex(/^#[0-9a-f]{6}$/, 'colour: "#" and six lower-case hex digits');

const id = z.string().regex(/^[A-Za-z0-9_-]{6,64}$/, 'id: 6 to 64 letters, digits, "_" or "-"');
const secretHash = z.string().regex(/^[0-9a-f]{64}$/);
/** ms since 1970 */
const time = z.number().int().nonnegative();

export const person = z.strictObject({ id, name: personName, colour, role: personRole, since: time });
export type Person = z.infer<typeof person>;

export const invite = z.strictObject({
  id,
  role: personRole,
  expiresAt: time,
  uses: z.int().min(1).max(1000),
  madeBy: z.string(),
});
export type Invite = z.infer<typeof invite> & { used: number };

/** A browser in which a person is signed in. */
export const session = z.strictObject({ id, personId: id, device: z.string().max(200), since: time });
export type Session = z.infer<typeof session>;

/** Scope of a token, with which a script or a trainer signs in. */
export const tokenScope = z.enum(['viewer', 'operator', 'admin', 'trainer']);
export const token = z.strictObject({
  id,
  name: z.string().trim().min(1, 'name: say what the token is for').max(80),
  scope: tokenScope,
  expiresAt: time.nullable(),
  madeBy: z.string(),
});
export type Token = z.infer<typeof token>;

/** A person's account at the sign-in provider `issuer`, which calls it `subject` for ever; its e-mail address may change. */
export const account = z.strictObject({
  issuer: z.string().max(2000),
  subject: z.string().min(1).max(255),
  email: z.string().max(320),
});
export type Account = z.infer<typeof account>;
export const accountKey = ({ issuer, subject }: Account): string => `${issuer} ${subject}`;

export const auditEvent = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('person.joined'), person, inviteId: id.nullable(), account: account.optional() }),
  /** From now on the account signs this person in. */
  z.strictObject({ type: z.literal('account.linked'), personId: id, account }),
  z.strictObject({
    type: z.literal('person.changed'),
    personId: id,
    name: personName.optional(),
    colour: colour.optional(),
    role: personRole.optional(),
  }),
  z.strictObject({ type: z.literal('person.removed'), personId: id }),
  z.strictObject({ type: z.literal('invite.made'), invite, hash: secretHash }),
  z.strictObject({ type: z.literal('invite.revoked'), inviteId: id }),
  z.strictObject({ type: z.literal('session.opened'), session, hash: secretHash }),
  z.strictObject({ type: z.literal('session.revoked'), sessionId: id }),
  z.strictObject({ type: z.literal('token.made'), token, hash: secretHash }),
  z.strictObject({ type: z.literal('token.revoked'), tokenId: id }),
  /** Actions and controls that need a second operator. */
  z.strictObject({ type: z.literal('approval.rules'), names: z.array(z.string().min(1).max(128)).max(200) }),
  /** Rules of one run, or (null) of every run without its own. */
  z.strictObject({ type: z.literal('watchdog.rules'), runId: runId.nullable(), rules: watchdogRules }),
  /** Bytes that each run's snapshots and its checkpoints may take; absent: as before. */
  z.strictObject({
    type: z.literal('retention.limits'),
    snapshots: z.int().positive().optional(),
    checkpoints: z.int().positive().optional(),
  }),
  // Actions on runs, in addition to the entry in the run's own log.
  z.strictObject({ type: z.literal('run.created'), runId, parent: runId.nullable() }),
  z.strictObject({ type: z.literal('run.changed'), runId, what: z.string().max(200) }),
  z.strictObject({ type: z.literal('command.requested'), runId, seq, command }),
  z.strictObject({
    type: z.literal('command.applied'),
    runId,
    seq,
    commandId,
    step,
    before: controlValue,
    after: controlValue,
  }),
  z.strictObject({ type: z.literal('command.refused'), runId, seq: seq.nullable(), commandId, reason: refusalReason }),
]);
export type AuditEvent = z.infer<typeof auditEvent>;

/** One row of the audit log; `hash` covers the row and the hash before it. */
export const auditRow = z.strictObject({
  seq,
  at: time,
  actor,
  event: auditEvent,
  prevHash: secretHash,
  hash: secretHash,
});
export type AuditRow = z.infer<typeof auditRow>;
/** `nextSeq`: where the next page starts, null = there is none. `names`: by the ids of runs. */
export interface AuditPage {
  rows: AuditRow[];
  nextSeq: number | null;
  names: Record<string, string>;
}

export interface Team {
  people: Record<string, Person>;
  /**
   * By accountKey. `personId` null: that person was removed, and only an invite lets the account in again. `invited`: an invite let it in
   * or its person linked it, so that no rule of the server is needed.
   */
  accounts: Record<string, Account & { personId: string | null; invited: boolean }>;
  invites: Record<string, Invite & { hash: string }>;
  sessions: Record<string, Session & { hash: string }>;
  tokens: Record<string, Token & { hash: string }>;
  needsApproval: string[];
  watchdogs: { everywhere: WatchdogRules; ofRun: Record<string, WatchdogRules> };
  /** Bytes; absent: never changed since the audit log holds limits. */
  limits: Partial<Record<'snapshots' | 'checkpoints', number>>;
}

export const emptyTeam: Team = {
  people: {},
  accounts: {},
  invites: {},
  sessions: {},
  tokens: {},
  needsApproval: [],
  watchdogs: { everywhere: defaultRules, ofRun: {} },
  limits: {},
};

export const rulesFor = ({ watchdogs }: Team, run: string): WatchdogRules => watchdogs.ofRun[run] ?? watchdogs.everywhere;

const without = <T>(record: Record<string, T>, key: string): Record<string, T> => {
  const { [key]: _gone, ...rest } = record;
  return rest;
};

const withAccount = ({ accounts }: Team, added: Account, personId: string, invited: boolean): Team['accounts'] => ({
  ...accounts,
  [accountKey(added)]: { ...added, personId, invited },
});

export function foldTeam(team: Team, event: AuditEvent): Team {
  switch (event.type) {
    case 'person.joined': {
      const used = event.inviteId === null ? undefined : team.invites[event.inviteId];
      return {
        ...team,
        people: { ...team.people, [event.person.id]: event.person },
        accounts: event.account ? withAccount(team, event.account, event.person.id, event.inviteId !== null) : team.accounts,
        invites: used ? { ...team.invites, [used.id]: { ...used, used: used.used + 1 } } : team.invites,
      };
    }
    case 'account.linked':
      return { ...team, accounts: withAccount(team, event.account, event.personId, true) };
    case 'person.changed': {
      const known = team.people[event.personId];
      if (!known) return team;
      const { name = known.name, colour: paint = known.colour, role = known.role } = event;
      return { ...team, people: { ...team.people, [known.id]: { ...known, name, colour: paint, role } } };
    }
    case 'person.removed':
      return {
        ...team,
        people: without(team.people, event.personId),
        accounts: Object.fromEntries(
          Object.entries(team.accounts).map(([key, a]) => [key, a.personId === event.personId ? { ...a, personId: null } : a]),
        ),
        sessions: Object.fromEntries(Object.entries(team.sessions).filter(([, s]) => s.personId !== event.personId)),
      };
    case 'invite.made':
      return { ...team, invites: { ...team.invites, [event.invite.id]: { ...event.invite, used: 0, hash: event.hash } } };
    case 'invite.revoked':
      return { ...team, invites: without(team.invites, event.inviteId) };
    case 'session.opened':
      return { ...team, sessions: { ...team.sessions, [event.session.id]: { ...event.session, hash: event.hash } } };
    case 'session.revoked':
      return { ...team, sessions: without(team.sessions, event.sessionId) };
    case 'token.made':
      return { ...team, tokens: { ...team.tokens, [event.token.id]: { ...event.token, hash: event.hash } } };
    case 'token.revoked':
      return { ...team, tokens: without(team.tokens, event.tokenId) };
    case 'approval.rules':
      return { ...team, needsApproval: event.names };
    case 'watchdog.rules': {
      const { runId: run, rules } = event;
      const { watchdogs } = team;
      if (run === null) return { ...team, watchdogs: { ...watchdogs, everywhere: rules } };
      return { ...team, watchdogs: { ...watchdogs, ofRun: { ...watchdogs.ofRun, [run]: rules } } };
    }
    case 'retention.limits': {
      const { type: _type, ...limits } = event;
      return { ...team, limits: { ...team.limits, ...limits } };
    }
    case 'run.created':
    case 'run.changed':
    case 'command.requested':
    case 'command.applied':
    case 'command.refused':
      return team;
    default:
      return unreachable(event);
  }
}
