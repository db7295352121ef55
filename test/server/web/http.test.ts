import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect as connectTo } from '~/server/mcp/client';
import { paths } from '~/shared/protocol';
import { startApp, type TestApp } from '~/test/support/app';
import { openMemoryStore } from '~/test/support/memoryStore';
import { publishedSetup } from '~/test/support/setups';
import { blobOf } from '~/test/support/synthetic';
import { TestViewer } from '~/test/support/viewer';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ store: openMemoryStore() });
});
afterAll(() => app.close());

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}
/** Unlike fetch, lets a test choose Host and Origin. */
async function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Uint8Array } = {},
): Promise<Answer> {
  const request = httpRequest(app.url, { path, method: options.method ?? 'GET', headers: options.headers ?? {} });
  request.end(options.body);
  const [response] = await once(request, 'response');
  let body = '';
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, headers: response.headers, body };
}
const asTrainer = () => ({ authorization: `Bearer ${app.trainerToken}` });
const blob = blobOf(new TextEncoder().encode('0123456789'));
const blobPath = `${paths.blobs}/${blob.hash}`;

describe('blobs', () => {
  it('are stored by trainers and whoever may start runs, under the hash of their bytes', async () => {
    expect(await ask(blobPath)).toMatchObject({ status: 404 });
    const token = { name: 'watches', scope: 'viewer', expiresInMs: null } as const;
    const { secret } = await connectTo({ url: app.url }).team.makeToken.mutate(token);
    const watching = { authorization: `Bearer ${secret}` };
    expect(await ask(blobPath, { method: 'PUT', body: blob.bytes, headers: watching })).toMatchObject({ status: 403 });
    const wrong = await ask(blobPath, { method: 'PUT', body: 'other bytes', headers: asTrainer() });
    expect(wrong.status).toBe(400);
    expect(wrong.body).toContain('have SHA-256');
    const stored = await ask(blobPath, { method: 'PUT', body: blob.bytes, headers: asTrainer() });
    expect(stored).toMatchObject({ status: 201, body: JSON.stringify({ hash: blob.hash, bytes: 10 }) });
  });

  it('are read by whoever may watch, may be kept for ever, and in parts', async () => {
    const whole = await ask(blobPath);
    expect(whole).toMatchObject({
      status: 200,
      body: '0123456789',
      headers: {
        etag: `"${blob.hash}"`,
        'cache-control': 'private, max-age=31536000, immutable',
        'content-length': '10',
        'content-type': 'application/octet-stream',
        'x-content-type-options': 'nosniff',
      },
    });
    expect(await ask(blobPath, { headers: { 'if-none-match': `"${blob.hash}"` } })).toMatchObject({ status: 304, body: '' });
    const part = await ask(blobPath, { headers: { range: 'bytes=2-4' } });
    expect(part).toMatchObject({ status: 206, body: '234', headers: { 'content-range': 'bytes 2-4/10' } });
    expect(await ask(blobPath, { headers: { range: 'bytes=-3' } })).toMatchObject({ status: 206, body: '789' });
    expect(await ask(blobPath, { headers: { range: 'bytes=10-' } })).toMatchObject({ status: 416 });
    expect(await ask(blobPath, { method: 'HEAD' })).toMatchObject({ status: 200, body: '', headers: { 'content-length': '10' } });
  });

  it('a hash that is none, and a method that is none, are refused in words', async () => {
    expect(await ask(`${paths.blobs}/..%2fsecret`)).toMatchObject({
      status: 400,
      body: 'hash: 64 lower-case hex digits (SHA-256) are needed\n',
    });
    expect(await ask(blobPath, { method: 'DELETE' })).toMatchObject({ status: 405 });
  });

  it('announced too large are refused before they are sent', async () => {
    const request = httpRequest(app.url + blobPath, {
      method: 'PUT',
      headers: { ...asTrainer(), 'content-length': String(2 ** 40) },
    });
    request.on('error', () => {});
    request.flushHeaders();
    const [response] = await once(request, 'response');
    expect(response.statusCode).toBe(413);
    request.destroy();
  });
});

describe('who may ask', () => {
  it('a page under another name than ours (DNS rebinding) is refused', async () => {
    const refused = await ask('/healthz', { headers: { host: 'evil.example:3000' } });
    expect(refused.status).toBe(403);
    expect(refused.body).toContain('not as "evil.example"');
    for (const host of ['localhost:3000', '127.0.0.1', '[::1]:3000'])
      expect((await ask('/healthz', { headers: { host } })).status).toBe(200);
  });

  it('a foreign page changes nothing, and opens no socket', async () => {
    const origin = 'http://evil.example';
    const post = await ask(`${paths.trpc}/runs.create`, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json' },
      body: '{}',
    });
    expect(post).toMatchObject({
      status: 403,
      body: `a page of ${origin} may not use this server; a proxy in between must pass on the header Host or X-Forwarded-Host\n`,
    });
    await expect(TestViewer.connect(app.url, { origin })).rejects.toThrow();
    (await TestViewer.connect(app.url, { origin: app.url })).close();
  });

  it('a token that is not ours is nobody', async () => {
    const refused = await ask(`${paths.trpc}/runs.list`, { headers: { authorization: 'Bearer guess-guess-guess' } });
    expect(refused.status).toBe(401);
  });

  it('a trainer’s token trains and does nothing else', async () => {
    const refused = await ask(`${paths.trpc}/runs.list`, { headers: asTrainer() });
    expect(refused.status).toBe(403);
    expect(refused.body).toContain('Trainer (trainer) may not watch runs');
  });

  it('a trainer’s link without its token is refused, and the operator reads it once', async () => {
    const { io } = await import('socket.io-client');
    const refused = async () => {
      const socket = io(app.url, { path: paths.trainers, transports: ['websocket'], reconnection: false, forceNew: true });
      const error = await new Promise<Error>((resolve) => socket.once('connect_error', resolve));
      socket.close();
      return error.message;
    };
    const message = await refused();
    expect(message).toContain('a trainer needs a token');
    expect(await refused()).toBe(message);
    expect(app.trouble.filter((t) => t.startsWith('trainer refused'))).toEqual([`trainer refused: ${message}`]);
  });
});

describe('the one port', () => {
  it('says that it is well', async () => {
    expect(await ask('/healthz')).toMatchObject({ status: 200, body: '{"ok":true,"version":"test"}' });
  });

  it('answers what is no path', async () => {
    expect(await ask('http://[')).toMatchObject({ status: 400, body: 'the path of this request cannot be read\n' });
  });

  it('answers what is not there', async () => {
    expect(await ask('/api/nothing')).toMatchObject({ status: 404, body: 'there is nothing at /api/nothing\n' });
    expect(await ask('/')).toMatchObject({ status: 404 });
  });

  it('closes websockets that are nobody’s at once', async () => {
    for (const path of ['/nowhere', '/_next/hmr', '//', '/rt%zz']) {
      const { port, hostname } = new URL(app.url);
      const socket = connect(Number(port), hostname);
      socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`);
      let said = '';
      socket.on('data', (chunk) => {
        said += chunk;
      });
      await once(socket, 'close');
      expect(said).toMatch(/^HTTP\/1\.1 404 /);
    }
  });

  it('a tRPC call that does not fit names the field, without a stack', async () => {
    const answer = await ask(`${paths.trpc}/runs.view?input=${encodeURIComponent('{"runId":"NO"}')}`);
    expect(answer.status).toBe(400);
    const { error } = JSON.parse(answer.body);
    expect(error).toMatchObject({
      message: 'runId: the id of a run has 6 to 32 lower-case letters or digits',
      data: { field: 'runId' },
    });
    expect(error.data.stack).toBeUndefined();
  });

  it('a run of a recipe that no trainer has declared is refused with the field', async () => {
    const answer = await ask(`${paths.trpc}/runs.create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ setup: publishedSetup('reverse') }),
    });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body).error).toMatchObject({
      message: 'setup.recipe.name: recipe: there is no recipe "reverse"; no trainer has declared any yet',
      data: { field: 'setup.recipe.name' },
    });
  });

  it('a body without end is cut off', async () => {
    const answer = await ask(`${paths.trpc}/runs.create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"config":"${'x'.repeat(3 * 2 ** 20)}"}`,
    });
    expect(answer.status).toBe(413);
  });
});
