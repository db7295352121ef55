import { randomBytes } from 'node:crypto';
import type { AuditLog } from '~/server/audit/auditLog';
import { hashOf } from '~/server/base/hash';
import { may } from '~/server/base/permissions';
import { type Actor, withoutUnseen } from '~/shared/ids';
import {
  type Account,
  type AuditEvent,
  accountKey,
  type Invite,
  type Person,
  type PersonRole,
  type Session,
  type Team,
  type Token,
} from '~/shared/team';

/** A request about the team cannot be carried out; the message says why and `field` names the input. */
export class TeamError extends Error {
  override name = 'TeamError';
  constructor(
    message: string,
    readonly field: string | null = null,
  ) {
    super(message);
  }
}

/** 40 hexadecimal digits: clients of other tools accept it as one of their keys. */
export const newSecret = (): string => randomBytes(20).toString('hex');
const newId = (): string => randomBytes(9).toString('base64url');

/** Okabe and Ito's color-blind-safe palette, without black. */
const colors = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#f0e442'];

/** The person who needs no login on loopback, and the author of everything made before there were people. */
export const localAdmin: Actor = { id: 'local', name: 'You', role: 'admin' };

/** The author of the server's own actions. */
export const systemActor: Actor = { id: 'system', name: 'Headroom', role: 'system' };

export const actorOf = ({ id, name, role }: Person): Actor => ({ id, name, role });

export const tokenActor = ({ id, name, scope }: Token): Actor => ({ id: `token-${id}`, name, role: scope });

export const isValid = ({ expiresAt }: Token, now: number): boolean => expiresAt === null || expiresAt > now;

const linkOver = 'this invite link is not valid any more; ask an admin for a new one';

/** People, links, sessions and tokens: who may sign in, and as whom. Secrets are returned once; only their hashes are kept. */
export class People {
  constructor(
    private readonly auditLog: AuditLog,
    private readonly clock: () => number,
    /** Everybody without a token is the local admin. */
    private readonly open = false,
  ) {}

  get team(): Team {
    return this.auditLog.team;
  }

  /** The person with this session cookie; null when it is unknown or was revoked. */
  ofSession(secret: string): { person: Person; session: Session } | null {
    const hash = hashOf(secret);
    const session = Object.values(this.team.sessions).find((s) => s.hash === hash);
    const person = session && this.team.people[session.personId];
    return session && person ? { person, session } : null;
  }

  ofToken(secret: string): Token | null {
    const hash = hashOf(secret);
    const token = Object.values(this.team.tokens).find((t) => t.hash === hash);
    return token && isValid(token, this.clock()) ? token : null;
  }

  /** Whether somebody who took a control lock can still use it. */
  maySteer({ id }: Actor): boolean {
    if (id === localAdmin.id) return this.open;
    const token = Object.values(this.team.tokens).find((t) => tokenActor(t).id === id);
    if (token) return isValid(token, this.clock());
    const person = this.team.people[id];
    return !!person && may(person, 'steer runs') && Object.values(this.team.sessions).some((s) => s.personId === id);
  }

  /** The invite with this secret, if it would be accepted now; otherwise null. */
  openInvite(secret: string): Invite | null {
    const hash = hashOf(secret);
    const invite = Object.values(this.team.invites).find((i) => i.hash === hash);
    return invite && invite.used < invite.uses && invite.expiresAt > this.clock() ? invite : null;
  }

  invite(by: Actor, wish: { role: PersonRole; expiresInMs: number; uses: number }): Promise<{ invite: Invite; secret: string }> {
    const secret = newSecret();
    return this.auditLog.record(by, () => {
      const { role, uses } = wish;
      const invite = { id: newId(), role, uses, expiresAt: this.clock() + wish.expiresInMs, madeBy: by.name };
      return {
        events: [{ type: 'invite.made', invite, hash: hashOf(secret) }],
        result: { invite: { ...invite, used: 0 }, secret },
      };
    });
  }

  /** Makes a person and a session from an invite link. @throws TeamError when the link is used up, expired, revoked or unknown */
  join(
    secret: string,
    wish: { name: string; colour?: string; device: string },
  ): Promise<{ person: Person; sessionSecret: string }> {
    const newcomer: Actor = { id: newId(), name: wish.name, role: 'viewer' };
    return this.auditLog.record(newcomer, (team) => {
      const invite = this.openInvite(secret);
      if (!invite) throw new TeamError(linkOver, 'invite');
      if (isTaken(team, wish.name)) throw new TeamError(`name: "${wish.name}" is taken on this team; choose another`, 'name');
      return this.#join({ ...newcomer, role: invite.role }, { ...wish, inviteId: invite.id });
    });
  }

  #join(
    { id, name, role }: Actor & { role: PersonRole },
    how: { inviteId: string | null; account?: Account; colour?: string; device: string },
  ): { events: AuditEvent[]; result: { person: Person; sessionSecret: string } } {
    const count = Object.keys(this.team.people).length;
    const person: Person = { id, name, colour: how.colour ?? colors[count % colors.length]!, role, since: this.clock() };
    const { inviteId, account } = how;
    const { event, result } = this.#session(person, how.device);
    return { events: [{ type: 'person.joined', person, inviteId, ...(account && { account }) }, event], result };
  }

  /**
   * Opens a session for the owner of an account at the sign-in provider. An unknown account becomes a person, if an invite or a rule of
   * the server admits it.
   *
   * @param wish.name what the provider calls the person; made unique on the team
   * @param wish.role what the rules of the server give to this account; null: they do not admit it
   * @param wish.invite secret of the invite link that the person opened; null: none
   * @throws TeamError with the reason when the account is not admitted
   */
  enter(
    account: Account,
    wish: { name: string; role: PersonRole | null; invite: string | null; device: string },
  ): Promise<{ person: Person; sessionSecret: string }> {
    const before = this.#ownerOf(account);
    const by: Actor = before
      ? actorOf(before)
      : { id: newId(), name: freeName(this.team, wish.name, account.email), role: 'viewer' };
    return this.auditLog.record(by, (team) => {
      const known = team.accounts[accountKey(account)];
      const owner = this.#ownerOf(account);
      const noEntry = `${account.email} is not among those whom this server lets in; ask an admin for an invite link, or sign in with another account`;
      if (owner) {
        if (!known!.invited && wish.role === null) throw new TeamError(noEntry);
        const { event, result } = this.#session(owner, wish.device);
        return { events: [event], result };
      }
      const invite = wish.invite === null ? null : this.openInvite(wish.invite);
      if (!invite && known)
        throw new TeamError(`${account.email} was removed from this team; ask an admin for a new invite link`);
      const role = invite?.role ?? wish.role;
      if (role === null) throw new TeamError(wish.invite === null ? noEntry : linkOver);
      return this.#join({ ...by, role }, { inviteId: invite?.id ?? null, account, device: wish.device });
    });
  }

  /** From now on the account signs this person in. @throws TeamError when it signs in somebody else */
  linkAccount(person: Person, account: Account): Promise<void> {
    return this.auditLog.append(actorOf(person), () => {
      const owner = this.#ownerOf(account);
      if (owner && owner.id !== person.id)
        throw new TeamError(`${account.email} already signs in ${owner.name}; choose another account`);
      return owner ? [] : [{ type: 'account.linked', personId: person.id, account }];
    });
  }

  #ownerOf(account: Account): Person | undefined {
    const personId = this.team.accounts[accountKey(account)]?.personId;
    return personId ? this.team.people[personId] : undefined;
  }

  #session(person: Person, device: string): { event: AuditEvent; result: { person: Person; sessionSecret: string } } {
    const sessionSecret = newSecret();
    const session = { id: newId(), personId: person.id, device: device.slice(0, 200), since: this.clock() };
    return { event: { type: 'session.opened', session, hash: hashOf(sessionSecret) }, result: { person, sessionSecret } };
  }

  /** @param expected the role as `by` read it; not given = any */
  change(
    by: Actor,
    personId: string,
    wish: { name?: string; colour?: string; role?: PersonRole },
    expected?: PersonRole,
  ): Promise<void> {
    return this.auditLog.append(by, (team) => {
      const person = known(team.people, personId, 'person');
      if (expected !== undefined && person.role !== expected)
        throw new TeamError(`${person.name} is ${person.role} now: somebody changed the role after you had read it`, 'expected');
      if (wish.role && wish.role !== 'admin') this.#keepAnAdmin(team, person);
      if (wish.name !== undefined && isTaken(team, wish.name, personId))
        throw new TeamError(`name: "${wish.name}" is taken on this team; choose another`, 'name');
      return [{ type: 'person.changed', personId, ...wish }];
    });
  }

  remove(by: Actor, personId: string): Promise<void> {
    return this.auditLog.append(by, (team) => {
      this.#keepAnAdmin(team, known(team.people, personId, 'person'));
      return [{ type: 'person.removed', personId }];
    });
  }

  /** A team without an admin could only be repaired by editing the data folder. */
  #keepAnAdmin(team: Team, person: Person): void {
    const admins = Object.values(team.people).filter((p) => p.role === 'admin');
    if (admins.length === 1 && admins[0]!.id === person.id)
      throw new TeamError(`${person.name} is the only admin; make somebody else admin first`, 'role');
  }

  revokeInvite(by: Actor, inviteId: string): Promise<void> {
    return this.auditLog.append(by, (team) => {
      known(team.invites, inviteId, 'invite');
      return [{ type: 'invite.revoked', inviteId }];
    });
  }

  revokeSession(by: Actor, sessionId: string): Promise<void> {
    return this.auditLog.append(by, (team) => {
      const session = known(team.sessions, sessionId, 'session');
      if (session.personId !== by.id && by.role !== 'admin')
        throw new TeamError('sessionId: only an admin may end somebody else’s session', 'sessionId');
      return [{ type: 'session.revoked', sessionId }];
    });
  }

  makeToken(
    by: Actor,
    wish: { name: string; scope: Token['scope']; expiresInMs: number | null },
  ): Promise<{ token: Token; secret: string }> {
    const secret = newSecret();
    return this.auditLog.record(by, () => {
      const { name, scope } = wish;
      const expiresAt = wish.expiresInMs === null ? null : this.clock() + wish.expiresInMs;
      const token: Token = { id: newId(), name, scope, expiresAt, madeBy: by.name };
      return { events: [{ type: 'token.made', token, hash: hashOf(secret) }], result: { token, secret } };
    });
  }

  revokeToken(by: Actor, tokenId: string): Promise<void> {
    return this.auditLog.append(by, (team) => {
      known(team.tokens, tokenId, 'token');
      return [{ type: 'token.revoked', tokenId }];
    });
  }
}

const alike = (name: string): string => name.normalize('NFKC').toLowerCase();

const isTaken = ({ people }: Team, name: string, except?: string): boolean =>
  Object.values(people).some((p) => p.id !== except && alike(p.name) === alike(name));

/** The name, or, if somebody of the team has it, the name with the e-mail address or a number. */
function freeName(team: Team, wanted: string, email: string): string {
  const name = withoutUnseen(wanted).trim().slice(0, 80).trim() || email.slice(0, 80);
  const others = [`${name} (${email})`.slice(0, 80), ...Array.from({ length: 1000 }, (_, i) => `${name.slice(0, 70)} ${i + 2}`)];
  return [name, ...others].find((n) => !isTaken(team, n)) ?? newId();
}

function known<T>(record: Record<string, T>, id: string, what: string): T {
  const found = Object.hasOwn(record, id) ? record[id] : undefined;
  if (!found) throw new TeamError(`${what}Id: there is no ${what} ${id}`, `${what}Id`);
  return found;
}
