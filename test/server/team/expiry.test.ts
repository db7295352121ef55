import { expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { localAdmin } from '~/server/team/people';
import { startApp } from '~/test/support/app';
import { fakeClock } from '~/test/support/fakeClock';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';
import { publishedSetup } from '~/test/support/setups';
import { TestViewer } from '~/test/support/viewer';

it('a token that ends loses its sockets at once, another one keeps them', async () => {
  const clock = fakeClock();
  const app = await startApp({ store: openMemoryStore(), clock });
  const { team } = connect({ url: app.url });
  const brief = await team.makeToken.mutate({ name: 'brief', scope: 'viewer', expiresInMs: 60_000 });
  const lasting = await team.makeToken.mutate({ name: 'lasting', scope: 'viewer', expiresInMs: 3_600_000 });
  const watch = ({ secret }: { secret: string }) => TestViewer.connect(app.url, { authorization: `Bearer ${secret}` });
  const [first, second] = [await watch(brief), await watch(lasting)];
  const gone = new Promise<string>((resolve) => first.socket.once('disconnect', resolve));
  clock.advance(58_000);
  expect(first.socket.connected).toBe(true);
  // One that is made in the same second does not hide it.
  await team.makeToken.mutate({ name: 'next', scope: 'viewer', expiresInMs: null });
  clock.advance(3_000);
  expect(await first.received.next('dropped')).toMatchObject({
    message: 'You were signed out. To come back, sign in again or open an invite link.',
  });
  expect(await gone).toBe('io server disconnect');
  expect(second.socket.connected).toBe(true);
  second.close();
  await app.close();
});

it('the control lock of a token that ends is released, also when no server ran then; that of a person stays', async () => {
  const clock = fakeClock();
  const store = openMemoryStore();
  const folder = ownFolder();
  const start = () => startApp({ store, clock, dataFolder: folder.path });
  let app = await start();
  const mine = (await app.hub.create(localAdmin, publishedSetup('reverse'))).runId;
  const { runId } = await app.hub.create(localAdmin, publishedSetup('reverse'));
  const holder = async (of = runId) => (await app.hub.view(of))!.controlLock?.holder.name;
  const request = { kind: 'take', forMs: null } as const;
  const take = async (name: string) => {
    const { secret } = await connect({ url: app.url }).team.makeToken.mutate({ name, scope: 'operator', expiresInMs: 60_000 });
    await connect({ url: app.url, token: secret }).runs.controlLock.mutate({ runId, request });
    expect(await holder()).toBe(name);
  };
  await connect({ url: app.url }).runs.controlLock.mutate({ runId: mine, request });
  await take('brief');
  clock.advance(61_000);
  await expect.poll(holder).toBeUndefined();
  await take('longer');
  await app.close();
  clock.advance(61_000);
  app = await start();
  await expect.poll(holder).toBeUndefined();
  expect(await holder(mine)).toBe('You');
  expect(app.trouble).toEqual([]);
  await app.close();
  folder.remove();
});
