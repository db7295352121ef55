import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reach, reachJson, refusalOf } from '~/app/_live/reach';

it('a server that is away is named in our words; what the caller gave up stays that', async () => {
  // Nobody listens on the port of a server that has just closed.
  const port = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
  await expect(reach(`http://127.0.0.1:${port}/`)).rejects.toThrow('the server does not answer');
  await expect(reach(`http://127.0.0.1:${port}/`, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
});

describe('an answer that is not the API’s is said in its words', () => {
  const answers: Record<string, [number, string, string]> = {
    '/node': [503, 'text/plain', 'no node leads; try again in a moment\n'],
    '/origin': [403, 'text/plain', 'a page of http://a may not use this server\n'],
    '/proxy': [502, 'text/html', '<html>502 Bad Gateway</html>'],
    '/wrong': [404, 'text/html; charset=utf-8', '<html>404</html>'],
    '/empty': [400, 'text/plain', ''],
    '/signedOut': [401, 'application/json', '{"error":{"message":"You were signed out","code":-32001}}'],
    '/api': [400, 'application/json', '{"error":"x"}'],
  };
  const server = createHttp((request, response) => {
    const [status, type, text] = answers[request.url!]!;
    response.writeHead(status, { 'content-type': type }).end(text);
  });
  let origin: string;
  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  it.each([
    ['/node', 'no node leads; try again in a moment'],
    ['/origin', 'a page of http://a may not use this server'],
    ['/proxy', 'the server does not answer (502)'],
    ['/wrong', 'the answer is 404 with a web page: the address is not that of a Headroom server'],
    ['/empty', 'the server answered 400'],
  ])('%s', async (path, words) => {
    await expect(reachJson(origin + path)).rejects.toThrow(words);
  });

  it('the API’s own refusals are passed on', async () => {
    expect((await refusalOf(await reach(`${origin}/signedOut`))).message).toBe('You were signed out');
    expect((await refusalOf(await reach(`${origin}/api`))).message).toBe('x');
    expect(await (await reachJson(`${origin}/api`)).json()).toEqual({ error: 'x' });
  });
});
