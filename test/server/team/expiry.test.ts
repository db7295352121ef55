import { expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { startApp } from '~/test/support/app';
import { fakeClock } from '~/test/support/fakeClock';
import { openMemoryStore } from '~/test/support/memoryStore';
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
  clock.advance(3_000);
  expect(await first.received.next('dropped')).toMatchObject({
    message: 'You were signed out. To come back, sign in again or open an invite link.',
  });
  expect(await gone).toBe('io server disconnect');
  expect(second.socket.connected).toBe(true);
  second.close();
  await app.close();
});
