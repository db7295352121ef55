import { expect, it } from 'vitest';
import { rpcRoute } from '~/server/web/rpcRoute';
import { paths } from '~/shared/protocol';
import { serveRoutes } from '~/test/support/routeServer';

it('a page that leaves before it is answered is no error of the server; what fails otherwise is', async () => {
  const asked: { signal: AbortSignal; fail(error: unknown): void }[] = [];
  const range = (_query: unknown, signal: AbortSignal) =>
    new Promise((_resolve, fail) => {
      signal.addEventListener('abort', () => fail(signal.reason));
      asked.push({ signal, fail });
    });
  const errors: unknown[] = [];
  const context = { hub: { view: async () => ({}), store: { range } } };
  const route = rpcRoute(context as never, (error) => void errors.push((error as Error).message));
  const server = await serveRoutes([route], { id: 'ada', name: 'Ada', role: 'viewer' });
  const input = JSON.stringify({ runId: 'run001abcd', series: ['loss'], fromStep: 0, toStep: null, buckets: 10 });
  const ask = (signal?: AbortSignal) =>
    fetch(`${server.url}${paths.trpc}/runs.range?input=${encodeURIComponent(input)}`, { signal }).then(
      async (answer) => `${answer.status} ${await answer.text()}`,
      (error: Error) => error.name,
    );

  const leave = new AbortController();
  const left = ask(leave.signal);
  await expect.poll(() => asked.length).toBe(1);
  leave.abort();
  expect(await left).toBe('AbortError');
  await expect.poll(() => asked[0]!.signal.aborted).toBe(true);

  const stays = ask();
  await expect.poll(() => asked.length).toBe(2);
  asked[1]!.fail(new Error('the disk is gone'));
  expect(await stays).toMatch(/^500 /);
  expect(errors).toEqual(['the disk is gone']);
  await server.close();
});
