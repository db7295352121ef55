/** The whole of Headroom below a path of a proxy that lets no websocket through. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { ownFolder } from '~/test/support/folder';
import { startProxy } from '~/test/support/proxy';
import { type ScriptedTrainer, startScriptedTrainer } from '~/test/support/scriptedTrainer';
import { publishedSetup } from '~/test/support/setups';

const basePath = '/headroom';
const root = fileURLToPath(new URL('../../', import.meta.url));
const you = { id: 'local', name: 'You', role: 'admin' } as const;

describeInBrowser('below a base path', { timeout: 300_000 }, () => {
  const folder = ownFolder();
  let app: TestApp;
  let trainer: ScriptedTrainer;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let runId: string;

  beforeAll(async () => {
    // The development server compiles for the base path as it goes; a build for it would replace the one other tests use.
    app = await startApp({ dataFolder: folder.path, basePath, pages: { dev: true, root } });
    ({ runId } = await app.hub.create(you, { ...publishedSetup('reverse'), name: 'Scripted' }));
    trainer = await startScriptedTrainer({ ...app.address, url: app.url }, { stepMs: 200 });
    browser = await openBrowser();
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    trainer?.close();
    await app?.close();
    folder.remove();
  });

  it.each(['refused', 'swallowed'] as const)(
    'pages, live steps and exports come through a proxy by which websockets are %s, within 5 s',
    async (websockets) => {
      const proxy = await startProxy(new URL(app.url).origin, { basePath, strips: true, websockets });
      const page = await browser.browser.newPage();
      page.setDefaultTimeout(120_000);
      const outside: string[] = [];
      page.on('request', (request) => {
        const { origin, pathname } = new URL(request.url());
        if (origin === proxy.origin && !pathname.startsWith(basePath)) outside.push(pathname);
      });
      await page.goto(`${proxy.origin}${basePath}/`);
      await page.getByRole('link', { name: 'Scripted' }).click();
      await page.waitForURL(`${proxy.origin}${basePath}/runs/${runId}`);
      await page.getByLabel('Clip at').waitFor();
      // Everything is compiled now: what a second visit takes is the proxy's doing.
      const startedAt = performance.now();
      await page.reload();
      await page.getByLabel('Clip at').waitFor();
      expect(performance.now() - startedAt).toBeLessThan(websockets === 'swallowed' ? 10_000 : 8_000);
      const file = await page.evaluate(
        async (path) => (await fetch(path)).status,
        `${basePath}/api/runs/${runId}/export?format=csv`,
      );
      expect({ file, outside }).toEqual({ file: 200, outside: [] });
      await page.close();
      await proxy.close();
    },
  );
});
