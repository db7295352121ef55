/** Imports that take longer than a proxy lets an answer take: they go on, their answer is not lost, and nothing comes in twice. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { main } from '~/server/import/cli';
import { ImportDesk } from '~/server/import/desk';
import { connect } from '~/server/mcp/client';
import { startApp, type TestApp } from '~/test/support/app';
import { fakeClock } from '~/test/support/fakeClock';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';
import { startNginx, withoutNginx } from '~/test/support/nginx';

const folder = ownFolder();
afterAll(folder.remove);
const file = path.join(folder.path, 'metrics.csv');
const csv = 'step,loss\n0,1\n1,2\n';
writeFileSync(file, csv);
let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app?.close());
afterEach(() => vi.restoreAllMocks());
const names = () => app.hub.summaries().map((run) => run.name);

/** Reading and writing begin when the result is called. */
function held(): () => void {
  let release = () => {};
  const promise = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { inTurn } = ImportDesk.prototype;
  vi.spyOn(ImportDesk.prototype, 'inTurn').mockImplementation(function (this: ImportDesk, job, work) {
    return inTurn.call(this, job, async () => {
      await promise;
      return work();
    }) as never;
  });
  return () => release();
}
const post = async (address: string, body = '') => {
  const answer = await fetch(app.url + address, { method: 'POST', body });
  return { status: answer.status, body: await answer.json() };
};

it('one request, asked again with its job, gets 202 until the run is there, and then the run each time; it comes in once', async () => {
  const release = held();
  const address = '/api/import?name=once.csv&job=long-0001&wait=0';
  const begun = { status: 202, body: { job: 'long-0001' } };
  expect([await post(address, csv), await post(address)]).toEqual([begun, begun]);
  release();
  const last = address.replace('wait=0', 'wait=60');
  const answer = await post(last);
  expect(answer).toEqual({ status: 201, body: { runId: expect.any(String), leftOut: null } });
  expect([await post(last), names().filter((name) => name === 'once')]).toEqual([answer, ['once']]);
  expect(await post('/api/import?name=once.csv&job=long-0001')).toMatchObject({ status: 400 });
  for (const [query, words] of [
    ['wait=5', 'job: 8 to 64 letters'],
    ['wait=soon&job=long-0002', 'wait: a whole number of seconds'],
  ])
    expect(await post(`/api/import?${query}`)).toEqual({ status: 400, body: { error: expect.stringContaining(words!) } });
});

it('an import is kept while it receives a file or is written, however long that takes, and for an hour after', async () => {
  const clock = fakeClock();
  const own = await startApp({ store: openMemoryStore(), clock });
  const ask = async (method: string, path: string, body?: BodyInit) => {
    const answer = await fetch(own.url + path, { method, body, duplex: 'half' } as RequestInit);
    return { status: answer.status, body: (await answer.text()) || '{}' };
  };
  const open = async () => (JSON.parse((await ask('POST', '/api/imports')).body) as { id: string }).id;
  const twoHours = 7_200_000;
  const id = await open();

  const [rest, file] = [new TransformStream<Uint8Array>(), `/api/imports/${id}/files?path=slow.csv`];
  const writer = rest.writable.getWriter();
  const uploaded = ask('PUT', `${file}&job=slow-upload`, rest.readable);
  await writer.write(new TextEncoder().encode(csv));
  const received = async () => (await connect({ url: own.url }).jobs.get.query({ id: 'slow-upload' }))?.done;
  await expect.poll(received).toBe(csv.length);
  clock.advance(twoHours);
  await open();
  await writer.close();
  expect((await uploaded).status).toBe(204);

  const release = held();
  const runs = `/api/imports/${id}/runs?job=slow-writing&wait=`;
  expect((await ask('POST', `${runs}0`)).status).toBe(202);
  clock.advance(twoHours);
  await open();
  release();
  expect((await ask('POST', `${runs}60`)).status).toBe(201);
  expect(own.hub.summaries().map((run) => run.name)).toEqual(['slow']);

  const idle = await open();
  const planned = () => ask('POST', `/api/imports/${idle}/plan`);
  expect((await planned()).status).toBe(200);
  clock.advance(3_600_001);
  await open();
  expect((await planned()).status).toBe(404);
  await own.close();
});

it('an import that is given up is canceled, although it went on without its client', async () => {
  const release = held();
  const before = names();
  const { id } = (await post('/api/imports')).body as { id: string };
  await fetch(`${app.url}/api/imports/${id}/files?path=given-up.csv`, { method: 'PUT', body: csv });
  const address = `/api/imports/${id}/runs?job=long-0003&wait=`;
  expect((await post(`${address}0`)).status).toBe(202);
  await fetch(`${app.url}/api/imports/${id}`, { method: 'DELETE' });
  release();
  expect(await post(`${address}60`)).toEqual({ status: 409, body: { error: 'canceled: nothing was imported' } });
  expect(names()).toEqual(before);
});

it.skipIf(withoutNginx)(
  '`headroom import` through a proxy that cuts each of its requests off brings the run in once',
  async () => {
    const nginx = await startNginx(
      `location / { proxy_pass ${app.url}; proxy_read_timeout 1s; proxy_set_header Host $http_host; }`,
    );
    const release = held();
    const said: string[] = [];
    const terminal = { out: (text: string) => void said.push(text), err: (text: string) => void said.push(text) };
    const code = main([file, '--server', nginx.origin], terminal);
    await vi.waitFor(() => expect(nginx.log()).toContain('upstream timed out'), { timeout: 20_000, interval: 20 });
    release();
    expect([await code, said]).toEqual([0, [expect.stringMatching(/^metrics: .*\/runs\/[a-z0-9]+$/)]]);
    expect(names().filter((name) => name === 'metrics')).toEqual(['metrics']);
    await nginx.close();
  },
  60_000,
);
