/** A node that stands by sends a run's frames on to many viewers; everything else is between a viewer and the leader, as without it. */
import { createServer } from 'node:http';
import { Server, type Socket } from 'socket.io';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Target } from '~/server/cluster/forward';
import { startRelayNode } from '~/server/cluster/relayNode';
import { StandIn, standInHealth } from '~/server/cluster/standIn';
import { healthRoutes } from '~/server/process/health';
import { closeHttp, listen } from '~/server/web/listen';
import { paths } from '~/shared/protocol';
import type { RunView } from '~/shared/view';
import type { Looking } from '~/shared/viewerProtocol';
import { startApp, type TestApp } from '~/test/support/app';
import { inbox } from '~/test/support/inbox';
import { seeded } from '~/test/support/seeded';
import { publishedSetup } from '~/test/support/setups';
import { runStarted, startValues, steps } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';
import { TestViewer } from '~/test/support/viewer';

const you = { id: 'local', name: 'You', role: 'admin' } as const;
const values = startValues(publishedSetup('reverse'));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startStandIn(target: () => Target) {
  const standIn = new StandIn(target, [], '');
  const http = createServer((request, response) => standIn.request(request, response));
  http.on('upgrade', (request, socket, head) => standIn.upgrade(request, socket, head));
  const port = await listen(http, '127.0.0.1', 0);
  closers.push(async () => {
    await standIn.close();
    await closeHttp(http);
  });
  return { standIn, url: `http://127.0.0.1:${port}` };
}

async function begin() {
  const app = await startApp();
  closers.push(() => app.close());
  let target: Target = { address: app.url };
  const relay = await startStandIn(() => target);
  const { runId } = await app.hub.create(you, publishedSetup('reverse'));
  const trainer = await TrainerClient.connect(app.address);
  closers.push(() => trainer.close());
  trainer.ready();
  await trainer.assigned();
  await trainer.send(runStarted(0, values), { type: 'status', status: 'running', step: 0, message: '' });
  let step = 0;
  const train = async (count: number) => {
    await trainer.send(steps(step, count, values));
    step += count;
  };
  const viewer = async (url = relay.url) => {
    const v = await TestViewer.connect(url);
    closers.push(() => v.close());
    return v;
  };
  const retarget = (to: Target) => {
    target = to;
  };
  return { app, relay, runId, trainer, train, viewer, retarget };
}

/** The run as the leader has it. */
const truth = async (app: TestApp, runId: string): Promise<RunView> => (await app.hub.view(runId))!;

/** Waits until the viewer has everything, and compares the whole view. */
async function isWhole(viewer: TestViewer, app: TestApp, runId: string): Promise<void> {
  const whole = await truth(app, runId);
  expect(await viewer.until((view) => view.seq >= whole.seq)).toEqual(whole);
}

describe('a relay', () => {
  it('has the frames of a run sent once, to the first of its viewers; when that one leaves, to another, without a gap', async () => {
    const { app, runId, train, viewer } = await begin();
    const watch = vi.spyOn(app.hub as unknown as { watch(...args: unknown[]): unknown }, 'watch');
    const froms = () => watch.mock.calls.map(([, , from]) => from);
    const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => viewer()));
    expect(await first!.watch(runId)).toMatchObject({ ok: true, you });
    for (const other of others) expect(await other.watch(runId)).toMatchObject({ ok: true, you });
    expect(froms()).toEqual([null, 'relayed', 'relayed', 'relayed', 'relayed']);
    await train(50);
    for (const v of [first!, ...others]) await isWhole(v, app, runId);
    first!.close();
    await vi.waitFor(() => expect(froms()).toHaveLength(6), { timeout: 30_000 });
    expect(froms().at(-1)).toEqual({ attempt: 1, seq: (await truth(app, runId)).seq });
    await train(50);
    for (const v of others) await isWhole(v, app, runId);
    expect((await app.hub.watchers(runId))[0]).toEqual({ actor: you, tabs: 4 });
  });

  it.each([1, 2, 3])(
    'whoever comes, leaves, comes again with its cursor, and when: each has the whole run in order (seed %i)',
    async (seed) => {
      const { app, runId, train, viewer } = await begin();
      const random = seeded(seed);
      const all: { viewer: TestViewer; watching: boolean }[] = [];
      for (let round = 0; round < 40; round++) {
        const some = all[Math.floor(random() * all.length)];
        const dice = random();
        if (dice < 0.3 || !some) all.push({ viewer: await viewer(), watching: false });
        else if (dice < 0.5 && some.watching) {
          some.viewer.socket.emit('unwatch', { runId });
          some.watching = false;
        } else if (dice < 0.6) {
          some.viewer.close();
          all.splice(all.indexOf(some), 1);
        } else if (!some.watching || dice < 0.7) {
          const { view } = some.viewer;
          const answer = some.viewer.watch(runId, view && { attempt: view.attempt, seq: view.seq });
          some.watching = true;
          // Not always awaited: the next may come while this one is still joining.
          if (random() < 0.5) expect(await answer, `seed ${seed}, round ${round}`).toMatchObject({ ok: true });
        } else await train(1 + Math.floor(random() * 20));
      }
      await train(1);
      for (const { viewer: v, watching } of all) if (watching) await isWhole(v, app, runId);
    },
  );

  it('passes commands, refusals, watchers and looks on: a page knows its own tab', async () => {
    const { app, runId, trainer, viewer } = await begin();
    const [one, other] = [await viewer(), await viewer()];
    expect(await one.watch('nosuchrun1')).toEqual({
      ok: false,
      reason: 'unknown-run',
      message: 'there is no run nosuchrun1',
      field: 'runId',
    });
    expect(await one.raw('watch', { runId: 7 })).toEqual(await (await viewer(app.url)).raw('watch', { runId: 7 }));
    await one.watch(runId);
    await other.watch(runId);
    const looks = new Promise<Looking[]>((resolve) => other.socket.on('looks', (l) => resolve(l.looks)));
    const own = new Promise<Looking[]>((resolve) => one.socket.on('looks', (l) => resolve(l.looks)));
    one.socket.emit('look', { runId, look: { live: false, step: 3, zoom: null, spot: null, shows: [], leads: true } });
    expect((await own)[0]!.tab).toBe(one.socket.id);
    const seen = (await looks)[0]!;
    expect([seen.actor, seen.look.step, seen.tab === one.socket.id]).toEqual([you, 3, false]);
    expect(await one.command({ kind: 'set', id: 'set-by-relay', runId, control: 'clipThreshold', value: 2 })).toMatchObject({
      ok: true,
    });
    const { seq, command } = await trainer.received.next('command');
    await trainer.send({ type: 'command.applied', commandId: command.id, seq, step: 0, before: 0, after: 2, message: '' });
    for (const v of [one, other])
      await v.until((view) =>
        view.recent.commands.items.some((c) => c.command.id === 'set-by-relay' && c.outcome.status === 'applied'),
      );
  });

  it('refuses with the words of the leader, and ends its connections with it', async () => {
    const { app, relay, runId, train, viewer, retarget } = await begin();
    const foreign = await TestViewer.connect(relay.url, { origin: 'http://elsewhere.example' }).catch((e: Error) => e.message);
    expect(foreign).toBe('websocket error');
    const one = await viewer();
    await one.watch(runId);
    const gone = new Promise((resolve) => one.socket.once('disconnect', resolve));
    retarget({ problem: 'no node leads at this moment' });
    relay.standIn.cut();
    expect(await gone).toBe('transport close');
    expect(await TestViewer.connect(relay.url).catch((e: Error) => e.message)).toBe('websocket error');
    retarget({ address: app.url });
    const again = await viewer();
    again.view = one.view;
    expect(await again.watch(runId, { attempt: one.view!.attempt, seq: one.view!.seq })).toEqual({ ok: true, view: null, you });
    await train(5);
    await isWhole(again, app, runId);
  });

  it('refuses whom a leader takes and does not let in before it ends, or before another leads', async () => {
    const onTaken = inbox<{ taken: Socket }>();
    const http = createServer();
    const io = new Server(http, { path: paths.viewers });
    io.use((socket) => onTaken.put('taken', socket));
    const port = await listen(http, '127.0.0.1', 0);
    closers.push(() => io.close());
    const relay = await startStandIn(() => ({ address: `http://127.0.0.1:${port}` }));
    const said = () => TestViewer.connect(relay.url).catch((e: Error) => e.message);
    const [ended, replaced] = [said(), said()];
    const [first] = [await onTaken.next('taken'), await onTaken.next('taken')];
    first.conn.close();
    expect(await Promise.race([ended, replaced])).toBe('websocket error');
    relay.standIn.cut();
    expect(await Promise.all([ended, replaced])).toEqual(['websocket error', 'websocket error']);
  });

  it('lets in whom the leader lets in, as the person whom the leader knows', async () => {
    const app = await startApp({ loginRequired: true });
    closers.push(() => app.close());
    const relay = await startStandIn(() => ({ address: app.url }));
    const words = (url: string) => TestViewer.connect(url).catch((e: Error) => e.message);
    expect(await words(relay.url)).toBe('You are not signed in. Sign in again, or open an invite link.');
    expect(await words(relay.url)).toBe(await words(app.url));
  });

  it('leaves plain requests to the leader, whose session they belong to', async () => {
    const { app, relay, runId, viewer } = await begin();
    const watch = vi.spyOn(app.hub as unknown as { watch(...args: unknown[]): unknown }, 'watch');
    expect(await (await viewer()).watch(runId)).toMatchObject({ ok: true });
    const plain = await TestViewer.connect(relay.url, {}, ['polling', 'websocket']);
    closers.push(() => plain.close());
    await vi.waitFor(() => expect(plain.socket.io.engine.transport.name).toBe('websocket'), { timeout: 30_000 });
    expect(await plain.watch(runId)).toMatchObject({ ok: true, you });
    // Over the relay the second viewer would get none from the leader: "relayed".
    expect(watch.mock.calls.map(([, , from]) => from)).toEqual([null, null]);
    await isWhole(plain, app, runId);
  });
});

describe('a process that only relays', () => {
  const options = { host: '127.0.0.1', port: 0, basePath: '' };
  const routes = (target: () => Target) => {
    const { checks, about } = standInHealth(target);
    return healthRoutes('test', checks, about);
  };
  const relayNode = async (leader: string, open: boolean) => {
    const node = await startRelayNode({ ...options, routes, leader, open });
    closers.push(() => node.close());
    return { ...node, url: `http://127.0.0.1:${node.port}` };
  };

  it('serves pages and viewers of a server with a login, wherever it listens', async () => {
    const app = await startApp({ loginRequired: true });
    closers.push(() => app.close());
    const node = await relayNode(app.url, false);
    expect(node.problem()).toBe(null);
    expect((await fetch(`${node.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${node.url}/api/runs/nosuch/export`)).status).toBe(401);
  });

  it('does not open a server without a login to more than this machine', async () => {
    const app = await startApp();
    closers.push(() => app.close());
    const message = `the server at ${app.url} lets everybody in without a login; set HEADROOM_LOGIN=required there, or HOST=127.0.0.1 here`;
    const node = await relayNode(app.url, false);
    expect(node.problem()).toBe(message);
    const refused = await fetch(node.url);
    expect([refused.status, await refused.text()]).toEqual([503, `${message}; try again in a moment\n`]);
    expect(await TestViewer.connect(node.url).catch((e: Error) => e.message)).toBe('websocket error');
    expect((await relayNode(app.url, true)).problem()).toBe(null);
  });

  it('does not relay a relay, such as itself', async () => {
    const app = await startApp();
    closers.push(() => app.close());
    const node = await relayNode((await relayNode(app.url, true)).url, true);
    expect(node.problem()).toMatch(
      / does not say whether people sign in: it is a relay or stands by itself, .*; give the address of a server$/,
    );
  });

  it('says so while its server does not answer', async () => {
    const app = await startApp();
    await app.close();
    const node = await relayNode(app.url, true);
    expect(node.problem()).toBe(`the server at ${app.url} has not answered yet`);
    const server = await startApp();
    const relay = await relayNode(server.url, true);
    const ready = () => fetch(`${relay.url}/readyz`);
    expect((await ready()).status).toBe(200);
    await server.close();
    await vi.waitFor(async () => expect((await ready()).status).toBe(503), { timeout: 60_000, interval: 200 });
    expect(await (await ready()).json()).toMatchObject({ problems: { leader: `the server at ${server.url} does not answer` } });
  });
});
