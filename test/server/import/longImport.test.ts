/** Imports that take longer than a proxy lets an answer take: they go on, their answer is not lost, and nothing comes in twice. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { main } from '~/server/import/cli';
import { ImportDesk } from '~/server/import/desk';
import { startApp, type TestApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
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
