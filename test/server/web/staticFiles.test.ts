import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compressFiles, serveCompressed } from '~/server/web/staticFiles';
import { ownFolder } from '~/test/support/folder';

describe('scripts of the pages', () => {
  const script = 'console.log("a script");\n'.repeat(200);
  const folder = ownFolder();
  const server = createServer((req, res) => {
    if (!serve(req, res)) res.end('not compressed');
  });
  let serve: ReturnType<typeof serveCompressed>;
  beforeAll(async () => {
    mkdirSync(join(folder.path, 'chunks'));
    for (const name of ['a', 'late']) writeFileSync(join(folder.path, `chunks/${name}.js`), script);
    writeFileSync(join(folder.path, 'secret.txt'), 'secret');
    await compressFiles(folder.path);
    serve = serveCompressed(folder.path, '/team/_next/static/');
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterAll(() => {
    server.close();
    folder.remove();
  });

  /** Of a raw request: fetch would decompress the answer. */
  const ask = (path: string, accept: string | null, method = 'GET') =>
    new Promise<{ headers: Record<string, unknown>; body: Buffer }>((answered, failed) => {
      const { port } = server.address() as AddressInfo;
      const headers = accept === null ? {} : { 'accept-encoding': accept };
      request({ port, path, method, headers }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => answered({ headers: response.headers, body: Buffer.concat(parts) }));
      })
        .on('error', failed)
        .end();
    });

  it.each([
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['gzip, deflate', 'gzip', gunzipSync],
  ])('are sent as the build compressed them, for a browser that accepts "%s"', async (accept, encoding, decompress) => {
    const { headers, body } = await ask('/team/_next/static/chunks/a.js?v=1', accept);
    expect([headers['content-encoding'], headers['content-type'], headers['cache-control'], headers.vary]).toEqual([
      encoding,
      'application/javascript; charset=utf-8',
      'public, max-age=31536000, immutable',
      'accept-encoding',
    ]);
    expect(headers['content-length']).toBe(String(body.length));
    expect(body.length).toBeLessThan(script.length / 10);
    expect(decompress(body).toString()).toBe(script);
  });

  it('a question for the head gets the length and no content', async () => {
    const { headers, body } = await ask('/team/_next/static/chunks/a.js', 'gzip', 'HEAD');
    expect([Number(headers['content-length']) > 0, body.length]).toEqual([true, 0]);
  });

  it.each([
    ['/team/_next/static/chunks/a.js', null],
    ['/team/_next/static/chunks/b.js', 'br'],
    ['/team/_next/static/secret.txt', 'br'],
    ['/team/_next/static/chunks/../secret.txt', 'br'],
    ['/_next/static/chunks/a.js', 'br'],
  ])('%s for a browser that accepts %s is left to Next', async (path, accept) => {
    expect((await ask(path, accept)).body.toString()).toBe('not compressed');
  });

  it('are sent on after a build has replaced them under a server that goes on', async () => {
    rmSync(join(folder.path, 'chunks'), { recursive: true });
    const { body } = await ask('/team/_next/static/chunks/late.js', 'gzip');
    expect(gunzipSync(body).toString()).toBe(script);
  });
});
