import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { isInside, postJson } from '~/server/watchdogs/publicFetch';
import { masked, maskedUrl, wholeUrl, withSecretsKept } from '~/server/watchdogs/webhookSecrets';
import { deliver, type Notice, payload } from '~/server/watchdogs/webhooks';
import { defaultRules, type WatchdogRules, type Webhook } from '~/shared/watchdogs';

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

const address = async (hook: Webhook) => hook.url;

/** A service that answers with these statuses in turn, or throws where one is null. */
function service(statuses: (number | null)[]) {
  const waits: number[] = [];
  const post = async () => {
    const status = statuses.shift();
    if (status == null) throw new Error('connection refused');
    return status;
  };
  return { waits, delivery: { address, post, pause: async (ms: number) => void waits.push(ms) } };
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
  const post = (to: string, body: string) => postJson(to, body, { allowInside: true });
  const delivery = { address, post, pause: async (ms: number) => void waits.push(ms) };
  expect(await deliver({ url, format }, notice, delivery)).toEqual({ ok: true });
  expect([statuses, waits, got]).toEqual([[], [1_000, 5_000], [['POST', 'application/json', payload(format, notice)]]]);
  await new Promise((closed) => server.close(closed));
});

it('addresses inside the own network are told from public ones', () => {
  const insideOnes = [
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '::1',
    '::',
    'fe80::1',
    'fd00::1',
  ];
  expect(insideOnes.filter((a) => !isInside(a))).toEqual([]);
  expect(isInside('::ffff:10.0.0.1')).toBe(true);
  expect(['8.8.8.8', '172.32.0.1', '192.169.0.1', '2606:4700::1111', '::ffff:8.8.8.8'].filter(isInside)).toEqual([]);
});

it.each(['http://127.0.0.1:1/x', 'http://[::1]:1/x', 'http://localhost:1/x', 'http://2130706433/x'])(
  '%s is refused unless a setting allows it',
  async (url) => {
    await expect(postJson(url, '{}', { allowInside: false })).rejects.toThrow(/HEADROOM_PRIVATE_WEBHOOKS=1 allows that/);
  },
);

it.each([
  [
    'closes the connection',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    'the service closed the connection without an answer',
  ],
  ['says nothing', '', 'no answer within 0.2 s'],
])('a service that %s is one that gave no answer', async (_, bytes, message) => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    if (bytes) socket.write(bytes);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
  await expect(postJson(url, '{}', { allowInside: true, withinMs: 200 })).rejects.toThrow(message);
  server.close();
});

it('a redirect is not followed: it could lead inside', async () => {
  const { delivery } = service([302]);
  expect(await deliver(hook, notice, delivery)).toEqual({ ok: false, message: 'it answered 302' });
});

describe('the address of a webhook', () => {
  const settings = () => {
    const kept = new Map<string, string>();
    return {
      kept,
      setting: async (key: string) => kept.get(key) ?? null,
      setSetting: async (key: string, value: string) => void kept.set(key, value),
    };
  };
  const secret = 'https://hooks.example/services/T000/B000/abcdefgh';
  const withHooks = (...webhooks: Webhook[]): WatchdogRules => ({ ...defaultRules, webhooks });

  it('is masked in what is logged and shown, and whole where it is posted to', async () => {
    const store = settings();
    const rules = await withSecretsKept(withHooks({ url: secret, format: 'slack' }), withHooks(), store);
    expect(JSON.stringify(rules)).not.toContain('abcdefgh');
    expect(rules.webhooks[0]).toEqual({ url: 'https://hooks.example/…efgh', format: 'slack', secretId: expect.any(String) });
    expect(await wholeUrl(rules.webhooks[0]!, store)).toBe(secret);
  });

  it('stays the same when its masked form comes back with other rules', async () => {
    const store = settings();
    const before = await withSecretsKept(withHooks({ url: secret, format: 'slack' }), withHooks(), store);
    const after = await withSecretsKept(withHooks({ url: before.webhooks[0]!.url, format: 'json' }), before, store);
    expect(after.webhooks).toEqual([{ ...before.webhooks[0], format: 'json' }]);
    expect(store.kept.size).toBe(1);
  });

  it('two with the same masked form keep their own; without their ids it is not guessed which is meant', async () => {
    const store = settings();
    const hooks = ['http://hooks.lab/a', 'http://hooks.lab/b'].map((url) => ({ url, format: 'json' as const }));
    const before = await withSecretsKept(withHooks(...hooks), withHooks(), store);
    expect(before.webhooks.map(({ url }) => url)).toEqual(['http://hooks.lab/…', 'http://hooks.lab/…']);
    const after = await withSecretsKept(withHooks(...before.webhooks), before, store);
    expect(after).toEqual(before);
    const [, second] = before.webhooks;
    expect((await withSecretsKept(withHooks(second!), before, store)).webhooks).toEqual([second]);
    await expect(withSecretsKept(withHooks({ url: second!.url, format: 'json' }), before, store)).rejects.toThrow(
      'rules.webhooks.0.url: "http://hooks.lab/…" is the masked form of 2 addresses; give its secretId too',
    );
  });

  it('a masked form that was changed is an error that names the field', async () => {
    const store = settings();
    await expect(
      withSecretsKept(withHooks({ url: 'https://hooks.example/…zzzz', format: 'json' }), withHooks(), store),
    ).rejects.toThrow(
      'rules.webhooks.0.url: "https://hooks.example/…zzzz" is the masked form of another address; give the whole address',
    );
  });

  it('of rules that were logged in clear by version 0.1 is masked when shown', () => {
    expect(masked(withHooks({ url: secret, format: 'json' })).webhooks[0]!.url).toBe('https://hooks.example/…efgh');
    expect([maskedUrl('https://x.example/'), maskedUrl('https://x.example/short')]).toEqual([
      'https://x.example',
      'https://x.example/…',
    ]);
  });
});
