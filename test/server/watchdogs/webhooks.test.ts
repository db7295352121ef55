import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { deliver, type Notice, payload } from '~/server/watchdogs/webhooks';

const notice: Notice = {
  run: 'A <b>',
  runId: 'run001',
  kind: 'not-finite',
  step: 7,
  message: 'at step 7 the loss is NaN',
  link: 'http://x/runs/run001?step=7',
};

it('each service gets the payload it reads', () => {
  expect(payload('slack', notice)).toEqual({
    text: 'Headroom: not-finite in "A &lt;b&gt;": at step 7 the loss is NaN <http://x/runs/run001?step=7|open>',
  });
  expect(payload('discord', notice)).toEqual({
    content: 'Headroom: not-finite in "A <b>": at step 7 the loss is NaN\nhttp://x/runs/run001?step=7',
    allowed_mentions: { parse: [] },
  });
  expect(payload('json', notice)).toEqual(notice);
});

/** A service that answers with these statuses in turn, or throws where one is null. */
function service(statuses: (number | null)[]) {
  const waits: number[] = [];
  const fetch = (async () => {
    const status = statuses.shift();
    if (status == null) throw new Error('connection refused');
    return new Response(null, { status });
  }) as typeof globalThis.fetch;
  return { waits, delivery: { fetch, pause: async (ms: number) => void waits.push(ms) } };
}
const hook = { url: 'http://x', format: 'json' as const };

it('a service that is away is tried again until it answers', async () => {
  const { waits, delivery } = service([null, 503, 429, 204]);
  expect(await deliver(hook, notice, delivery)).toEqual({ ok: true });
  expect(waits).toEqual([1_000, 5_000, 30_000]);
});

it('a refusal is not repeated, and an absence ends with its reason', async () => {
  const refused = service([404]);
  expect(await deliver(hook, notice, refused.delivery)).toEqual({ ok: false, message: 'it answered 404' });
  const away = service([null, null, null, null, null]);
  expect(await deliver(hook, notice, away.delivery)).toEqual({ ok: false, message: 'connection refused (5 attempts)' });
});

it.each(['slack', 'discord'] as const)('%s over real HTTP: two failures, then it is there, once', async (format) => {
  const statuses = [500, 429, 204];
  const got: unknown[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    response.statusCode = statuses.shift()!;
    if (response.statusCode === 204) got.push([request.method, request.headers['content-type'], JSON.parse(text)]);
    response.end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const waits: number[] = [];
  const delivery = { fetch, pause: async (ms: number) => void waits.push(ms) };
  expect(await deliver({ url, format }, notice, delivery)).toEqual({ ok: true });
  expect([statuses, waits, got]).toEqual([[], [1_000, 5_000], [['POST', 'application/json', payload(format, notice)]]]);
  await new Promise((closed) => server.close(closed));
});
