import { createHash, randomBytes } from 'node:crypto';
import type { AuditLog } from '~/server/audit/auditLog';
import type { Actor } from '~/shared/ids';
import type { AuditEvent, Invite, Person, PersonRole, Session, Team, Token } from '~/shared/team';

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

export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');
/** 40 hexadecimal digits: clients of other tools accept it as one of their keys. */
export const newSecret = (): string => randomBytes(20).toString('hex');
const newId = (): string => randomBytes(9).toString('base64url');

/** Okabe and Ito's color-blind-safe palette, without black. */
const colors = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#f0e442'];

/** The person who needs no login on loopback, and the author of everything made before there were people. */
export const localAdmin: Actor = { id: 'local', name: 'You', role: 'admin' };

/** The author of the server's own actions. */
export const systemActor: Actor = { id: 'system', name: 'Headroom', role: 'system' };

/** People, links, sessions and tokens: who may sign in, and as whom. Secrets are returned once; only their hashes are kept. */
export class People {
  constructor(
    private readonly auditLog: AuditLog,
    private readonly clock: () => number,
  ) {}

  get team(): Team {
    return this.auditLog.team;
  }

  /** The person with this session cookie; null when it is unknown or was revoked. */
  ofSession(secret: string): { person: Person; session: Session } | null {
    const hash = hashSecret(secret);
    const session = Object.values(this.team.sessions).find((s) => s.hash === hash);
    const person = session && this.team.people[session.personId];
    return session && person ? { person, session } : null;
  }

  ofToken(secret: string): Token | null {
    const hash = hashSecret(secret);
    const token = Object.values(this.team.tokens).find((t) => t.hash === hash);
    return token && (token.expiresAt === null || token.expiresAt > this.clock()) ? token : null;
  }

  /** The invite with this secret, if it would be accepted now; otherwise null. */
  openInvite(secret: string): Invite | null {
    const hash = hashSecret(secret);
    const invite = Object.values(this.team.invites).find((i) => i.hash === hash);
    return invite && invite.used < invite.uses && invite.expiresAt > this.clock() ? invite : null;
  }

  invite(by: Actor, wish: { role: PersonRole; expiresInMs: number; uses: number }): Promise<{ invite: Invite; secret: string }> {
    const secret = newSecret();
    return this.auditLog.record(by, () => {
      const { role, uses } = wish;
      const invite = { id: newId(), role, uses, expiresAt: this.clock() + wish.expiresInMs, madeBy: by.name };
      return {
        events: [{ type: 'invite.made', invite, hash: hashSecret(secret) }],
        result: { invite: { ...invite, used: 0 }, secret },
      };
    });
  }

  /** Makes a person and a session from an invite link. @throws TeamError when the link is used up, expired, revoked or unknown */
  join(
    secret: string,
    wish: { name: string; colour?: string; device: string },
  ): Promise<{ person: Person; sessionSecret: string }> {
    const sessionSecret = newSecret();
    const newcomer: Actor = { id: newId(), name: wish.name, role: 'viewer' };
    return this.auditLog.record(newcomer, (team) => {
      const invite = this.openInvite(secret);
      if (!invite) throw new TeamError('this invite link is not valid any more; ask an admin for a new one', 'invite');
      if (Object.values(team.people).some((p) => p.name.toLowerCase() === wish.name.toLowerCase()))
        throw new TeamError(`name: "${wish.name}" is taken on this team; choose another`, 'name');
      const count = Object.keys(team.people).length;
      const person: Person = {
        id: newcomer.id,
        name: wish.name,
        colour: wish.colour ?? colors[count % colors.length]!,
        role: invite.role,
        since: this.clock(),
      };
      const events: AuditEvent[] = [
        { type: 'person.joined', person, inviteId: invite.id },
        this.#session(person.id, wish.device, sessionSecret),
      ];
      return { events, result: { person, sessionSecret } };
    });
  }

  #session(personId: string, device: string, secret: string): AuditEvent {
    const session = { id: newId(), personId, device: device.slice(0, 200), since: this.clock() };
    return { type: 'session.opened', session, hash: hashSecret(secret) };
  }

  change(by: Actor, personId: string, wish: { name?: string; colour?: string; role?: PersonRole }): Promise<void> {
    return this.auditLog.record(by, (team) => {
      const person = known(team.people, personId, 'person');
      if (wish.role && wish.role !== 'admin') this.#keepAnAdmin(team, person);
      const twin = Object.values(team.people).find((p) => p.id !== personId && p.name.toLowerCase() === wish.name?.toLowerCase());
      if (twin) throw new TeamError(`name: "${wish.name}" is taken on this team; choose another`, 'name');
      return { events: [{ type: 'person.changed', personId, ...wish }], result: undefined };
    });
  }

  remove(by: Actor, personId: string): Promise<void> {
    return this.auditLog.record(by, (team) => {
      this.#keepAnAdmin(team, known(team.people, personId, 'person'));
      return { events: [{ type: 'person.removed', personId }], result: undefined };
    });
  }

  /** A team without an admin could only be repaired by editing the data folder. */
  #keepAnAdmin(team: Team, person: Person): void {
    const admins = Object.values(team.people).filter((p) => p.role === 'admin');
    if (admins.length === 1 && admins[0]!.id === person.id)
      throw new TeamError(`${person.name} is the only admin; make somebody else admin first`, 'role');
  }

  revokeInvite(by: Actor, inviteId: string): Promise<void> {
    return this.auditLog.record(by, (team) => {
      known(team.invites, inviteId, 'invite');
      return { events: [{ type: 'invite.revoked', inviteId }], result: undefined };
    });
  }

  revokeSession(by: Actor, sessionId: string): Promise<void> {
    return this.auditLog.record(by, (team) => {
      const session = known(team.sessions, sessionId, 'session');
      if (session.personId !== by.id && by.role !== 'admin')
        throw new TeamError('sessionId: only an admin may end somebody else’s session', 'sessionId');
      return { events: [{ type: 'session.revoked', sessionId }], result: undefined };
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
      return { events: [{ type: 'token.made', token, hash: hashSecret(secret) }], result: { token, secret } };
    });
  }

  revokeToken(by: Actor, tokenId: string): Promise<void> {
    return this.auditLog.record(by, (team) => {
      known(team.tokens, tokenId, 'token');
      return { events: [{ type: 'token.revoked', tokenId }], result: undefined };
    });
  }
}

function known<T>(record: Record<string, T>, id: string, what: string): T {
  const found = Object.hasOwn(record, id) ? record[id] : undefined;
  if (!found) throw new TeamError(`${what}Id: there is no ${what} ${id}`, `${what}Id`);
  return found;
}
