import { io } from 'socket.io-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { socketOptions, socketWire } from '~/app/_live/socket';
import { startApp, type TestApp } from '~/test/support/app';
import { openMemoryStore } from '~/test/support/memoryStore';
import { startProxy } from '~/test/support/proxy';
import { publishedSetup } from '~/test/support/setups';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ store: openMemoryStore() });
});
afterAll(() => app.close());

it.each([
  ['refuses', 'refused'],
  ['swallows', 'swallowed'],
] as const)('a tab whose proxy %s websockets watches over plain requests instead', async (_how, websockets) => {
  const proxy = await startProxy(app.url, { basePath: '', strips: false, websockets });
  const { runId } = await app.hub.create({ id: 'x', name: 'X', role: 'admin' }, publishedSetup('reverse'));
  const socket = io(proxy.origin, { ...socketOptions, forceNew: true });
  const wire = socketWire(socket, { get: () => true, subscribe: () => () => {}, show: () => () => {} });
  await new Promise<void>((resolve) => void wire.listen({ up: resolve }));
  expect(socket.io.engine.transport.name).toBe('polling');
  // A line that is slow has more time from then on.
  expect(socket.io.timeout()).toBe(12_000);
  expect(await wire.watch({ runId, cursor: null })).toMatchObject({ ok: true });
  socket.disconnect();
  await proxy.close();
});
