import { expect, it } from 'vitest';
import type { Route } from '~/server/base/route';
import { fakeClock } from '~/test/support/fakeClock';
import { serveRoutes } from '~/test/support/routeServer';

const megabyte = 2 ** 20;

it('whoever has taken more than 32 MB of lists waits until the rest has refilled, at 4 MB/s; other routes answer on', async () => {
  const clock = fakeClock();
  const list: Route = {
    method: 'GET',
    path: '/list',
    for: 'known',
    metered: true,
    handle: ({ response }) => response.end(Buffer.alloc(20 * megabyte)),
  };
  const plain: Route = { method: 'GET', path: '/plain', for: 'known', handle: ({ response }) => response.end('here') };
  const server = await serveRoutes([list, plain], { id: 'ada', name: 'Ada', role: 'viewer' }, clock);
  const ask = async (path: string) => {
    const answer = await fetch(server.url + path, { headers: { connection: 'close' } });
    const text = await answer.text();
    return {
      status: answer.status,
      wait: answer.headers.get('retry-after'),
      message: answer.status === 429 ? JSON.parse(text).error.message : null,
    };
  };
  const fine = { status: 200, wait: null, message: null };
  expect(await ask('/list')).toEqual(fine);
  expect(await ask('/list')).toEqual(fine);
  // 40 of 32 MB are spent: 8 MB and a little take 2 s and a little.
  expect(await ask('/list')).toEqual({ status: 429, wait: '3', message: 'too much was asked for lately; ask again in 3 s' });
  expect(await ask('/plain')).toEqual(fine);
  clock.advance(3_000);
  expect(await ask('/list')).toEqual(fine);
  await server.close();
});
