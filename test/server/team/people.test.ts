import { beforeEach, describe, expect, it } from 'vitest';
import { AuditLog, type AuditStore } from '~/server/audit/auditLog';
import { firstBroken } from '~/server/audit/chain';
import { localAdmin, People } from '~/server/team/people';
import { type AuditRow, auditRow } from '~/shared/team';

class MemoryAudit implements AuditStore {
  rows: AuditRow[] = [];
  async appendAudit(rows: AuditRow[]) {
    this.rows.push(...rows.map((r) => auditRow.parse(structuredClone(r))));
  }
  async audit({ fromSeq, limit }: { fromSeq: number; limit: number }) {
    return this.rows.slice(fromSeq - 1, fromSeq - 1 + limit);
  }
}

let now = 1_000_000;
let store: MemoryAudit;
let people: People;
beforeEach(async () => {
  now = 1_000_000;
  store = new MemoryAudit();
  people = new People(await AuditLog.open(store, () => now), () => now);
});
const hour = 3_600_000;
const joinAs = async (name: string, role: 'viewer' | 'operator' | 'admin') => {
  const { secret } = await people.invite(localAdmin, { role, expiresInMs: hour, uses: 1 });
  return people.join(secret, { name, device: 'test' });
};

describe('invites', () => {
  it('a link works as often as it says, then never again', async () => {
    const { secret } = await people.invite(localAdmin, { role: 'operator', expiresInMs: hour, uses: 2 });
    await people.join(secret, { name: 'Ada', device: 'laptop' });
    await people.join(secret, { name: 'Bob', device: 'laptop' });
    await expect(people.join(secret, { name: 'Cyd', device: 'laptop' })).rejects.toThrow('not valid any more');
    expect(Object.values(people.team.people).map((p) => [p.name, p.role])).toEqual([
      ['Ada', 'operator'],
      ['Bob', 'operator'],
    ]);
  });

  it('two who use the last place at once: one is in, the other is told', async () => {
    const { secret } = await people.invite(localAdmin, { role: 'viewer', expiresInMs: hour, uses: 1 });
    const outcomes = await Promise.allSettled(['Ada', 'Bob'].map((name) => people.join(secret, { name, device: 'x' })));
    expect(outcomes.map((o) => o.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(Object.keys(people.team.people)).toHaveLength(1);
  });

  it('an expired or revoked link opens nothing', async () => {
    const late = await people.invite(localAdmin, { role: 'viewer', expiresInMs: hour, uses: 1 });
    now += hour;
    expect(people.openInvite(late.secret)).toBeNull();
    const gone = await people.invite(localAdmin, { role: 'viewer', expiresInMs: hour, uses: 1 });
    await people.revokeInvite(localAdmin, gone.invite.id);
    expect(people.openInvite(gone.secret)).toBeNull();
  });

  it('a taken name is refused with the field', async () => {
    await joinAs('Ada', 'viewer');
    await expect(joinAs('ada', 'viewer')).rejects.toMatchObject({ field: 'name' });
  });
});

describe('sessions and tokens', () => {
  it('a session is its person until it is revoked; another person may not revoke it', async () => {
    const ada = await joinAs('Ada', 'operator');
    const bob = await joinAs('Bob', 'viewer');
    const found = people.ofSession(ada.sessionSecret)!;
    expect(found.person).toEqual(ada.person);
    const asBob = { id: bob.person.id, name: 'Bob', role: 'viewer' as const };
    await expect(people.revokeSession(asBob, found.session.id)).rejects.toMatchObject({ field: 'sessionId' });
    await people.revokeSession(localAdmin, found.session.id);
    expect(people.ofSession(ada.sessionSecret)).toBeNull();
  });

  it('removing a person ends all their sessions', async () => {
    const ada = await joinAs('Ada', 'operator');
    await people.remove(localAdmin, ada.person.id);
    expect(people.ofSession(ada.sessionSecret)).toBeNull();
  });

  it('the only admin can neither leave nor step down', async () => {
    const ada = await joinAs('Ada', 'admin');
    await expect(people.remove(localAdmin, ada.person.id)).rejects.toThrow('only admin');
    await expect(people.change(localAdmin, ada.person.id, { role: 'viewer' })).rejects.toThrow('only admin');
  });

  it('a token is good until it expires or is revoked', async () => {
    const { token, secret } = await people.makeToken(localAdmin, { name: 'nightly', scope: 'operator', expiresInMs: hour });
    expect(people.ofToken(secret)?.scope).toBe('operator');
    now += hour;
    expect(people.ofToken(secret)).toBeNull();
    await people.revokeToken(localAdmin, token.id);
    await expect(people.revokeToken(localAdmin, token.id)).rejects.toMatchObject({ field: 'tokenId' });
  });
});

describe('the audit log', () => {
  it('the team after a restart is the team before, and no secret is in the log', async () => {
    const ada = await joinAs('Ada', 'admin');
    const { secret } = await people.makeToken(localAdmin, { name: 't', scope: 'trainer', expiresInMs: null });
    const again = await AuditLog.open(store, () => now);
    expect(again.team).toEqual(people.team);
    const text = JSON.stringify(store.rows);
    expect(text.includes(ada.sessionSecret) || text.includes(secret)).toBe(false);
  });

  it('a changed, removed or added row is found at its place', async () => {
    await joinAs('Ada', 'admin');
    await joinAs('Bob', 'viewer');
    expect(firstBroken(null, store.rows)).toBeNull();
    const changed = structuredClone(store.rows);
    changed[2]!.actor.name = 'Mallory';
    expect(firstBroken(null, changed)?.seq).toBe(3);
    expect(firstBroken(null, store.rows.toSpliced(3, 1))?.seq).toBe(4);
    expect(firstBroken(null, store.rows.toSpliced(1, 0, store.rows[0]!))?.seq).toBe(2);
  });
});
