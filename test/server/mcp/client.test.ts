/** The typed client `headroom/client`: what a script is told when a request cannot be answered. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TRPCClientError } from '@trpc/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, readBlob } from '~/server/mcp/client';
import { startApp, type TestApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';

const messageOf = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'answered',
    (error: Error) => error.message,
  );
const hash = '0'.repeat(64);

describe('a script is told', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ loginRequired: true });
  });
  afterAll(() => app?.close());

  it('that its token is not known, or that it has to send one', async () => {
    expect(await messageOf(connect({ url: app.url, token: 'wrong' }).runs.list.query())).toBe(
      'The token that was sent is not known here: it is wrong, has expired or was revoked. The Team page makes tokens.',
    );
    expect(await messageOf(connect({ url: app.url }).runs.list.query())).toMatch(
      /^You are not signed in\. .* A script sends its token/,
    );
    expect(await messageOf(readBlob({ url: app.url, token: 'wrong' }, hash))).toMatch(
      /^The token that was sent is not known here/,
    );
  });

  it('that a text is no address of a server', () => {
    const problem = (url: string) => `${JSON.stringify(url)} is not the address of a server: give one like http://127.0.0.1:3000`;
    for (const url of ['', 'localhost:3000', '127.0.0.1:3000', 'http://', 'the server'])
      expect(() => connect({ url })).toThrow(problem(url));
    expect(() => connect({} as { url: string })).toThrow('undefined is not the address of a server');
  });

  it.each([
    [502, 'the address is not that of a Headroom server, or a proxy before it cannot reach it'],
    [413, 'a proxy before the server refuses files of this size; raise its limit (nginx: client_max_body_size)'],
  ])('that a web page came instead of an answer, and from where: %i', async (status, why) => {
    const proxy = createServer((_, response) => {
      response.writeHead(status, { 'content-type': 'text/html' }).end('<html><h1>Of the proxy</h1></html>');
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const page = `answered ${status} with a web page: ${why}`;
    expect(await messageOf(connect({ url }).runs.list.query())).toBe(`${url}/api/trpc/runs.list ${page}`);
    expect(await messageOf(readBlob({ url }, hash))).toBe(`${url}/api/blobs/${hash} ${page}`);
    proxy.close();
    proxy.closeAllConnections();
  });

  it('that a blob is not there', async () => {
    const open = await startApp();
    expect(await messageOf(readBlob({ url: open.url }, hash))).toBe(`there is no blob ${hash}`);
    await open.close();
  });
});

it('a client asks on when its server is back, and is told meanwhile that there is none', async () => {
  const folder = ownFolder();
  let app = await startApp({ dataFolder: folder.path });
  const { port } = new URL(app.url);
  const client = connect({ url: app.url });
  expect(await client.runs.list.query()).toEqual([]);
  await app.close();
  const away = await client.runs.list.query().catch((error: unknown) => error);
  expect(away).toBeInstanceOf(TRPCClientError);
  expect((away as Error).message).toBe(
    `${app.url} cannot be reached (connect ECONNREFUSED 127.0.0.1:${port}): start the server, or give its address`,
  );
  app = await startApp({ dataFolder: folder.path, port: Number(port) });
  expect(await client.runs.list.query()).toEqual([]);
  await app.close();
  folder.remove();
});
