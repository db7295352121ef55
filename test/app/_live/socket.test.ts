import { io } from 'socket.io-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { socketOptions, socketWire } from '~/app/_live/socket';
import type { Look, Looking } from '~/shared/viewerProtocol';
import { startApp, type TestApp } from '~/test/support/app';
import { openMemoryStore } from '~/test/support/memoryStore';
import { publishedSetup } from '~/test/support/setups';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ store: openMemoryStore() });
});
afterAll(() => app.close());

it('where a person looks is known also when it was reported before the server let the page watch the run; the newest report counts', async () => {
  const { runId } = await app.hub.create({ id: 'x', name: 'X', role: 'admin' }, publishedSetup('reverse'));
  const socket = io(app.url, { ...socketOptions, forceNew: true });
  const refusals: string[] = [];
  socket.on('refused', ({ message }: { message: string }) => refusals.push(message));
  const wire = socketWire(socket, { get: () => true, subscribe: () => () => {}, show: () => () => {} });
  await new Promise<void>((resolve) => void wire.listen({ up: resolve }));
  const heard = new Promise<Looking[]>((resolve) => void wire.listen({ looks: (_, looks) => resolve(looks) }));
  const at = (step: number): Look => ({ live: false, step, zoom: null, spot: null, shows: [], leads: false });
  wire.look(runId, at(1));
  wire.look(runId, at(2));
  expect(await wire.watch({ runId, cursor: null })).toMatchObject({ ok: true });
  expect((await heard).map((l) => l.look)).toEqual([at(2)]);
  expect(refusals).toEqual(Array(2).fill(`watch ${runId} before you share where you look`));
  socket.disconnect();
});
