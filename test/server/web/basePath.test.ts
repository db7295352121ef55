import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { openPages } from '~/server/web/pages';
import { addressAt, paths } from '~/shared/protocol';
import { startApp, type TestApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { openMemoryStore } from '~/test/support/memoryStore';
import { type ProxyOptions, startProxy } from '~/test/support/proxy';
import { publishedSetup } from '~/test/support/setups';
import { blobOf } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';
import { TestViewer } from '~/test/support/viewer';

const basePath = '/lab/headroom';
const you = { id: 'local', name: 'You', role: 'admin' } as const;

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ store: openMemoryStore(), basePath });
});
afterAll(() => app.close());

describe.each<[string, ProxyOptions]>([
  ['passes the path on', { basePath, strips: false }],
  ['takes the base path away', { basePath, strips: true }],
  ['puts a slash in its place', { basePath, strips: true, doublesSlash: true }],
  ['takes the base path away and asks under another name', { basePath, strips: true, changesHost: true }],
])('below a base path, through a proxy that %s', (_name, options) => {
  let proxy: Awaited<ReturnType<typeof startProxy>>;
  let url: string;
  beforeAll(async () => {
    proxy = await startProxy(new URL(app.url).origin, options);
    url = proxy.origin + basePath;
  });
  afterAll(() => proxy.close());

  it('the API answers, blobs are stored and read, and a run is exported', async () => {
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const trainer = await TrainerClient.connect({ url, token: app.trainerToken });
    const { runId } = await app.hub.create(you, publishedSetup('reverse'));
    const blob = blobOf(new TextEncoder().encode('0123456789'));
    expect((await trainer.put(blob)).status).toBe(201);
    expect(await (await fetch(addressAt(url, `${paths.blobs}/${blob.hash}`))).text()).toBe('0123456789');
    expect((await connect({ url }).runs.list.query()).map((run) => run.runId)).toContain(runId);
    expect((await fetch(`${url}/api/runs/${runId}/export?format=json`)).headers.get('content-disposition')).toContain('.json');
    trainer.close();
  });

  it('a page of the proxy’s own address may write and watch, any other may not', async () => {
    const post = (origin: string) => fetch(`${url}/api/signout`, { method: 'POST', headers: { origin } });
    expect([(await post(proxy.origin)).status, (await post('http://evil.example')).status]).toEqual([200, 403]);
    const viewer = await TestViewer.connect(url, { origin: proxy.origin });
    const { runId } = await app.hub.create(you, publishedSetup('reverse'));
    expect(await viewer.watch(runId)).toMatchObject({ ok: true, you });
    viewer.close();
  });

  it('the session’s cookie is sent to this path alone, and only over TLS where the proxy ends it', async () => {
    const cookie = async (headers: Record<string, string>) =>
      (await fetch(`${url}/api/signout`, { method: 'POST', headers })).headers.get('set-cookie');
    expect(await cookie({})).toBe('headroom=; Max-Age=0; Path=/lab/headroom; HttpOnly; SameSite=Lax');
    expect(await cookie({ 'x-forwarded-proto': 'https' })).toBe(
      'headroom=; Max-Age=0; Path=/lab/headroom; HttpOnly; Secure; SameSite=Lax',
    );
  });
});

it('a viewer whose proxy lets no websocket through follows a run over plain requests', async () => {
  const proxy = await startProxy(new URL(app.url).origin, { basePath, strips: true, websockets: 'refused' });
  const viewer = await TestViewer.connect(proxy.origin + basePath, {}, ['polling']);
  const { runId } = await app.hub.create(you, publishedSetup('reverse'));
  await viewer.watch(runId);
  await connect({ url: app.url }).runs.label.mutate({ runId, name: 'renamed' });
  expect((await viewer.until((view) => view.setup.name === 'renamed')).setup.name).toBe('renamed');
  viewer.close();
  await proxy.close();
});

it('a dashboard that was built for another path is named with what builds it for this one', async () => {
  const folder = ownFolder();
  mkdirSync(path.join(folder.path, '.next'));
  writeFileSync(path.join(folder.path, '.next/routes-manifest.json'), '{"basePath":""}');
  writeFileSync(path.join(folder.path, '.next/BUILD_ID'), '1');
  const open = openPages({ dev: false, root: folder.path, basePath: '/lab', host: '127.0.0.1', port: 0 });
  await expect(open).rejects.toThrow(
    'HEADROOM_BASE_PATH=/lab: the pages were built for /; in a clone, npm start builds them for it, and npm run pack with that setting makes a package for it',
  );
  folder.remove();
});

it('a dashboard that is not built, or whose build was cut short, is named with what builds it', async () => {
  const folder = ownFolder();
  mkdirSync(path.join(folder.path, '.next'));
  writeFileSync(path.join(folder.path, '.next/routes-manifest.json'), '{"basePath":""}');
  const open = openPages({ dev: false, root: folder.path, basePath: '', host: '127.0.0.1', port: 0 });
  await expect(open).rejects.toThrow(/^the dashboard is not built \(.*BUILD_ID.*\); `npm run build` builds it, `npm start` too$/);
  folder.remove();
});
