import { createTRPCClient, httpBatchLink } from '@trpc/client';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AppRouter } from '~/server/trpc';
import type { Command, CommandAnswer } from '~/shared/commands';
import { transformer } from '~/shared/json';
import { personHeader } from '~/shared/paths';
import { paths } from '~/shared/protocol';
import { startApp, type TestApp } from '~/test/support/app';
import { publishedSetup } from '~/test/support/setups';

let app: TestApp;
let runId: string;
beforeAll(async () => {
  app = await startApp({ loginRequired: true });
  ({ runId } = await app.hub.create({ id: 'x', name: 'X', role: 'admin' }, publishedSetup('reverse')));
});
afterAll(() => app.close());

const client = (headers: Record<string, string>) =>
  createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: `${app.url}${paths.trpc}`, transformer, headers })] });

async function join(invite: string, name: string, headers: Record<string, string> = {}): Promise<{ cookie: string }> {
  const answer = await fetch(`${app.url}/api/join`, { method: 'POST', body: JSON.stringify({ invite, name }), headers });
  if (!answer.ok) throw new Error(await answer.text());
  return { cookie: answer.headers.get('set-cookie')!.split(';')[0]! };
}
const socketAs = (extraHeaders: Record<string, string>, auth = {}) =>
  io(app.url, { path: paths.viewers, transports: ['websocket'], reconnection: false, forceNew: true, extraHeaders, auth });
const set = (id: string): Command => ({ kind: 'set', id, runId, control: 'learningRate', value: 1 });

describe('who comes in', () => {
  let admin: { cookie: string };
  let viewer: { cookie: string };

  it('nobody without a link: not over HTTP, not over the socket', async () => {
    expect((await fetch(`${app.url}${paths.trpc}/runs.list`)).status).toBe(401);
    const socket = socketAs({});
    const error = await new Promise<Error>((resolve) => socket.on('connect_error', resolve));
    expect(error.message).toBe('You are not signed in. Sign in again, or open an invite link.');
    socket.close();
  });

  it('the first admin by the link printed at start, once', async () => {
    const secret = new URL(app.adminLink!, app.url).searchParams.get('invite')!;
    admin = await join(secret, 'Root');
    expect((await client(admin).system.info.query()).you).toMatchObject({ name: 'Root', role: 'admin' });
    await expect(join(secret, 'Second')).rejects.toThrow('not valid any more');
  });

  it('who opens the page for signing in again is known there', async () => {
    const ways = async (headers: Record<string, string>) => (await fetch(`${app.url}/api/join`, { headers })).json();
    const error = 'this invite link is not valid any more; ask an admin for a new one';
    expect([await ways({}), await ways(admin)]).toEqual([{ error }, { error, you: 'Root (admin)' }]);
  });

  it('behind a proxy the addresses of this machine, where it does not listen, are not offered for links', async () => {
    expect((await client(admin).system.info.query()).addresses).toEqual([]);
  });

  it('with a cookie that scripts and other sites never see, and that leaves a page served over TLS only over TLS', async () => {
    const { secret } = await client(admin).team.invite.mutate({ role: 'viewer', uses: 2, expiresInMs: 3_600_000 });
    const attributes = async (name: string, headers: Record<string, string>) => {
      const answer = await fetch(`${app.url}/api/join`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ invite: secret, name }),
      });
      return answer.headers.get('set-cookie')!.split('; ').slice(1);
    };
    expect(await attributes('Plain', {})).toEqual(['Max-Age=31536000', 'Path=/', 'HttpOnly', 'SameSite=Lax']);
    expect(await attributes('Behind a proxy', { 'x-forwarded-proto': 'https' })).toEqual([
      ...['Max-Age=31536000', 'Path=/', 'HttpOnly'],
      'Secure',
      'SameSite=Lax',
    ]);
  });

  it('a viewer watches and comments, and is refused steering over tRPC and over the socket', async () => {
    const { secret } = await client(admin).team.invite.mutate({ role: 'viewer', uses: 1, expiresInMs: 3_600_000 });
    viewer = await join(secret, 'Vic');
    const vic = client(viewer);
    expect((await vic.runs.list.query()).map((r) => r.runId)).toEqual([runId]);
    const refused = { ok: false, reason: 'forbidden', message: 'Vic (viewer) may not steer runs', field: null };
    expect(await vic.runs.command.mutate(set('command1'))).toEqual(refused);
    const socket = socketAs(viewer);
    const answer = await new Promise<CommandAnswer>((resolve) => socket.emit('command', set('command2'), resolve));
    expect(answer).toEqual(refused);
    socket.close();
    await expect(vic.team.invite.mutate({ role: 'admin', uses: 1, expiresInMs: 3_600_000 })).rejects.toThrow(
      'may not manage people',
    );
    const anchor = { step: 0, chart: null, head: null };
    const note = { kind: 'add', id: 'note-0001', anchor, text: 'hello', replyTo: null } as const;
    expect(await vic.runs.note.mutate({ runId, note })).toMatchObject({ ok: true });
    expect((await vic.runs.view.query({ runId })).recent.notes.items).toMatchObject([
      { text: 'hello', author: { name: 'Vic', role: 'viewer' } },
    ]);
  });

  it('an author that a client sends is ignored or refused, never taken', async () => {
    const forged = { ...set('command3'), actor: { id: 'x', name: 'Root', role: 'admin' } };
    await expect(client(admin).runs.command.mutate(forged as Command)).rejects.toThrow('actor');
  });

  it('a token acts within its scope and is nobody once revoked', async () => {
    const root = client(admin);
    const { token, secret } = await root.team.makeToken.mutate({ name: 'nightly', scope: 'operator', expiresInMs: null });
    const script = client({ authorization: `Bearer ${secret}` });
    expect(await script.runs.command.mutate(set('command4'))).toMatchObject({ ok: true });
    const asked = (await root.runs.view.query({ runId })).recent.commands.items.at(-1);
    expect(asked?.actor).toEqual({ id: `token-${token.id}`, name: 'nightly', role: 'operator' });
    await root.team.revokeToken.mutate({ tokenId: token.id });
    await expect(script.runs.list.query()).rejects.toThrow();
  });

  it('somebody promoted is told on the open socket, which acts in the new role at once', async () => {
    const socket = socketAs(viewer);
    await new Promise<void>((resolve) => socket.on('connect', () => resolve()));
    const received = new Promise((resolve) => socket.on('you', resolve));
    const vic = (await client(admin).team.people.query()).find((p) => p.name === 'Vic')!;
    await client(admin).team.changePerson.mutate({ personId: vic.id, role: 'operator' });
    expect(await received).toEqual({ id: vic.id, name: 'Vic', role: 'operator' });
    const answer = await new Promise<CommandAnswer>((resolve) => socket.emit('command', set('command-promoted'), resolve));
    expect(answer).toMatchObject({ ok: true });
    socket.close();
  });

  it('whoever may not steer any more loses the control lock, and whoever is removed too', async () => {
    const root = client(admin);
    const holder = async () => (await app.hub.view(runId))!.controlLock?.holder.name;
    const take = (who: { cookie: string }) =>
      client(who).runs.controlLock.mutate({ runId, request: { kind: 'take', forMs: null } });
    const { secret } = await root.team.invite.mutate({ role: 'operator', uses: 2, expiresInMs: 3_600_000 });
    const [fay, gus] = [await join(secret, 'Fay'), await join(secret, 'Gus')];
    const idOf = async (name: string) => (await root.team.people.query()).find((p) => p.name === name)!.id;
    await take(fay);
    await root.team.changePerson.mutate({ personId: await idOf('Fay'), name: 'Fay B' });
    expect(await take(gus)).toMatchObject({ reason: 'forbidden' });
    await root.team.changePerson.mutate({ personId: await idOf('Fay B'), role: 'viewer' });
    await expect.poll(holder).toBeUndefined();
    await take(gus);
    expect(await holder()).toBe('Gus');
    await root.team.removePerson.mutate({ personId: await idOf('Gus') });
    await expect.poll(holder).toBeUndefined();
  });

  it('whoever is signed in nowhere any more loses the control lock', async () => {
    const root = client(admin);
    const holder = async () => (await app.hub.view(runId))!.controlLock?.holder.name;
    const { secret } = await root.team.invite.mutate({ role: 'operator', uses: 1, expiresInMs: 3_600_000 });
    const hal = await join(secret, 'Hal');
    await client(hal).runs.controlLock.mutate({ runId, request: { kind: 'take', forMs: null } });
    expect(await holder()).toBe('Hal');
    await fetch(`${app.url}/api/signout`, { method: 'POST', headers: hal });
    await expect.poll(holder).toBeUndefined();
  });

  it('who signs in in a browser ends the session that it had; what was opened before does nothing in the new name', async () => {
    const root = client(admin);
    const { secret } = await root.team.invite.mutate({ role: 'operator', uses: 2, expiresInMs: 3_600_000 });
    const ida = await join(secret, 'Ida');
    const { id } = (await client(ida).system.info.query()).you;
    const before = socketAs(ida);
    await new Promise<void>((resolve) => before.on('connect', () => resolve()));
    const dropped = new Promise((resolve) => before.on('dropped', resolve));
    const jon = await join(secret, 'Jon', ida);
    await dropped;
    await expect(client(ida).runs.list.query()).rejects.toThrow('You are not signed in');
    const page = client({ ...jon, [personHeader]: id });
    await expect(page.runs.command.mutate(set('command-other'))).rejects.toThrow('Jon has signed in in this browser');
    // Nor does it sign the other person out.
    const refused = await fetch(`${app.url}/api/signout`, {
      method: 'POST',
      headers: { ...jon, [personHeader]: id, origin: app.url },
    });
    expect([refused.status, await refused.json()]).toEqual([409, { error: 'Jon has signed in in this browser' }]);
    expect((await client(jon).system.info.query()).you.name).toBe('Jon');
    const socket = socketAs(jon, { person: id });
    const error = await new Promise<Error>((resolve) => socket.on('connect_error', resolve));
    expect(error.message).toBe('Jon has signed in in this browser');
    socket.close();
  });

  it('a revoked session loses its open socket at once', async () => {
    const socket = socketAs(viewer);
    await new Promise<void>((resolve) => socket.on('connect', () => resolve()));
    const gone = new Promise<string>((resolve) => socket.on('dropped', (d: { message: string }) => resolve(d.message)));
    const [session] = await client(viewer).team.sessions.query();
    await client(admin).team.revokeSession.mutate({ sessionId: session!.id });
    expect(await gone).toBe('You were signed out. To come back, sign in again or open an invite link.');
    await expect(client(viewer).runs.list.query()).rejects.toThrow();
    // A page is told what helps its person.
    const page = client({ ...viewer, [personHeader]: 'of the page' });
    await expect(page.runs.list.query()).rejects.toThrow('You were signed out. To come back, sign in again');
  });

  it('a command marked as risky waits for a second operator, who is not the first', async () => {
    const root = client(admin);
    await root.team.setNeedsApproval.mutate({ names: ['learningRate'] });
    await root.runs.command.mutate(set('command5'));
    expect(await root.runs.answerProposal.mutate({ runId, commandId: 'command5', approved: true })).toMatchObject({
      reason: 'forbidden',
    });
    await root.runs.command.mutate(set('command6'));
    expect(await root.runs.answerProposal.mutate({ runId, commandId: 'command6', approved: false })).toMatchObject({ ok: true });
    const { secret } = await root.team.makeToken.mutate({ name: 'second', scope: 'operator', expiresInMs: null });
    const second = client({ authorization: `Bearer ${secret}` });
    expect(await second.runs.answerProposal.mutate({ runId, commandId: 'command5', approved: true })).toMatchObject({ ok: true });
    const { items } = (await root.runs.view.query({ runId })).recent.commands;
    expect(
      items
        .filter((c) => ['command5', 'command6'].includes(c.command.id))
        .sort((a, b) => a.command.id.localeCompare(b.command.id)),
    ).toMatchObject([
      { actor: { name: 'Root' }, outcome: { status: 'requested' } },
      { outcome: { status: 'refused', message: 'Root took it back' } },
    ]);
  });

  it('rules that somebody changed since they were read are not overwritten; the refusal names who changed them', async () => {
    const root = client(admin);
    const { secret } = await root.team.invite.mutate({ role: 'admin', uses: 1, expiresInMs: 3_600_000 });
    const second = client(await join(secret, 'Second'));
    const read = await root.team.watchdogs.query({ runId });
    const rules = (enabled: boolean) => ({ ...read, rules: read.rules.map((r, i) => (i === 0 ? { ...r, enabled } : r)) });
    await second.team.setWatchdogs.mutate({ runId, rules: rules(false), expected: read });
    const late = root.team.setWatchdogs.mutate({ runId, rules: read, expected: read });
    await expect(late).rejects.toMatchObject({
      message: 'expected: Second changed these rules after you had read them',
      data: { field: 'expected' },
    });
    expect(await root.team.watchdogs.query({ runId })).toEqual(rules(false));
    await root.team.setWatchdogs.mutate({ runId, rules: read, expected: rules(false) });
    const names = await root.team.needsApproval.query();
    await second.team.setNeedsApproval.mutate({ names: ['pause'], expected: names });
    await expect(root.team.setNeedsApproval.mutate({ names: ['stop'], expected: names })).rejects.toThrow('Second changed');
    // Of two at the same moment one is taken.
    const both = await Promise.allSettled(
      [root, second].map((c, i) => c.team.setNeedsApproval.mutate({ names: [`both${i}`], expected: ['pause'] })),
    );
    expect(both.map((b) => b.status).sort()).toEqual(['fulfilled', 'rejected']);
    await root.team.setNeedsApproval.mutate({ names });
    // So are limits, each by itself, and roles.
    const limits = await root.retention.get.query();
    const [less, least] = [2 ** 30, 2 ** 20];
    const [{ quotaBytes }, { checkpointBytes }] = [limits, limits];
    await second.retention.set.mutate({ quotaBytes: less, expected: { quotaBytes } });
    await expect(root.retention.set.mutate({ quotaBytes: least, expected: { quotaBytes } })).rejects.toMatchObject({
      message: 'expected: Second changed these limits after you had read them',
      data: { field: 'expected' },
    });
    expect(await root.retention.set.mutate({ checkpointBytes: least, expected: { checkpointBytes } })).toEqual({
      quotaBytes: less,
      checkpointBytes: least,
    });
    const vic = (await root.team.people.query()).find((p) => p.name === 'Vic')!;
    await second.team.changePerson.mutate({ personId: vic.id, role: 'viewer', expected: vic.role });
    await expect(root.team.changePerson.mutate({ personId: vic.id, role: 'admin', expected: vic.role })).rejects.toMatchObject({
      message: 'Vic is viewer now: somebody changed the role after you had read it',
      data: { field: 'expected' },
    });
    await second.team.changePerson.mutate({ personId: vic.id, role: vic.role });
    const { rows } = await root.team.audit.query({
      fromSeq: 1,
      limit: 9,
      actorId: null,
      runId: null,
      kinds: ['retention.limits'],
    });
    expect(rows.map(({ actor, event }) => [actor.name, event])).toEqual([
      ['Second', { type: 'retention.limits', snapshots: less }],
      ['Root', { type: 'retention.limits', checkpoints: least }],
    ]);
  });

  it('the audit log holds who did what, and continues after a page', async () => {
    const root = client(admin);
    const query = { fromSeq: 1, limit: 3, actorId: null, runId: null, kinds: null };
    const first = await root.team.audit.query(query);
    expect(first.rows.map((r) => r.event.type)).toEqual(['invite.made', 'run.created', 'person.joined']);
    const second = await root.team.audit.query({ ...query, fromSeq: first.nextSeq!, limit: 1000 });
    expect(second.rows[0]?.seq).toBe(4);
    const back = await root.team.audit.query({ ...query, newestFirst: true, fromSeq: 3, limit: 2 });
    expect(back).toEqual({ rows: first.rows.slice(1).toReversed(), nextSeq: 1, names: first.names });
    expect(first.names).toEqual({ [runId]: (await root.runs.list.query())[0]!.name });
    const newest = await root.team.audit.query({ ...query, newestFirst: true, fromSeq: null, limit: 1 });
    expect(newest.rows[0]!.seq).toBeGreaterThanOrEqual(second.rows.at(-1)!.seq);
    expect(newest.nextSeq).toBe(newest.rows[0]!.seq - 1);
    // A command is in the log of its run first, and in the audit log soon after.
    const commands = () => root.team.audit.query({ ...query, limit: 1000, runId, kinds: ['command.requested'] });
    await expect
      .poll(async () => (await commands()).rows.map((r) => r.actor.name), { timeout: 30_000 })
      .toEqual(['nightly', 'Vic', 'Root', 'Root', 'Root']);
  });
});
