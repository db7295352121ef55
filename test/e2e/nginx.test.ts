/** The pages behind a real nginx, with the lines of server/README.md as they stand there. */
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { chromiumPath, openBrowser } from '~/test/support/browser';
import { startDetour } from '~/test/support/detour';
import { documentedLocation, startNginx, withoutNginx } from '~/test/support/nginx';
import { root } from '~/test/support/root';
import { type ScriptedTrainer, startScriptedTrainer } from '~/test/support/scriptedTrainer';
import { publishedSetup } from '~/test/support/setups';

const you = { id: 'local', name: 'You', role: 'admin' } as const;
if (withoutNginx) console.warn(`SKIPPED: ${withoutNginx}`);

describe.skipIf(withoutNginx || !chromiumPath)('behind nginx', () => {
  let app: TestApp;
  let trainer: ScriptedTrainer;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let target: string;

  beforeAll(async () => {
    await build(() => {}, '/headroom', '.build/below');
    app = await startApp({ basePath: '/headroom', loginRequired: true, pages: { dev: false, root, folder: '.build/below' } });
    target = new URL(app.url).origin;
    await app.hub.create(you, { ...publishedSetup('reverse'), name: 'Live' });
    trainer = await startScriptedTrainer(app.address, { stepMs: 300 });
    browser = await openBrowser();
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    trainer?.close();
    await app?.close();
  });

  let nginx: Awaited<ReturnType<typeof startNginx>> | null = null;
  afterEach(async () => {
    await nginx?.close();
    nginx = null;
  });
  /** Of Ada's browser, once she has joined. */
  let cookies: Awaited<ReturnType<BrowserContext['cookies']>> = [];

  async function newPage(): Promise<Page> {
    const page = await (await browser.browser.newContext()).newPage();
    await page.context().addCookies(cookies);
    await page.addInitScript(() => localStorage.setItem('headroom.tour', 'seen'));
    return page;
  }
  async function joins(page: Page, origin: string): Promise<void> {
    await page.goto(`${origin}/headroom${app.adminLink}`);
    await page.getByLabel('Your name').fill('Ada');
    await page.getByRole('button', { name: 'Join' }).click();
  }

  it('a proxy that passes on another Host is named to whoever wants to join', async () => {
    nginx = await startNginx(documentedLocation(target, '/headroom/').replace('$http_host', '$proxy_host'));
    const page = await newPage();
    await joins(page, nginx.origin);
    const alert = page.getByRole('alert').getByText('a proxy in between must pass on the header Host or X-Forwarded-Host');
    await alert.waitFor();
    await page.context().close();
  }, 60_000);

  const small =
    'client_header_buffer_size 512; large_client_header_buffers 2 1k; proxy_buffer_size 1k; proxy_buffers 2 1k; proxy_busy_buffers_size 1k;';
  it.each([
    ['the documented lines', '', '', ''],
    ['a proxy that takes the path away', '/', '', ''],
    ['a path at the end of proxy_pass', '/headroom/', '', ''],
    ['small headers and buffers, everything compressed', '', `${small} gzip on; gzip_proxied any; gzip_types *;`, ''],
    ['no websockets', '', '', 'proxy_set_header Upgrade $http_upgrade;'],
  ])(
    '%s: the list leads to a run, whose steps arrive',
    async (_name, pathAtEnd, more, leftOut) => {
      nginx = await startNginx(more + documentedLocation(target, '/headroom/', pathAtEnd).replace(leftOut, ''));
      const page = await newPage();
      let heard = 0;
      page.on('websocket', (socket) => void socket.on('framereceived', () => heard++));
      if (cookies.length === 0) await joins(page, nginx.origin);
      else await page.goto(`${nginx.origin}/headroom/`);
      await page.getByRole('link', { name: 'Live' }).first().click();
      cookies = await page.context().cookies();
      const step = async () => Number((await page.getByTestId('step').textContent())!.replaceAll(',', ''));
      const before = await step();
      await expect.poll(step, { timeout: 60_000 }).toBeGreaterThan(before + 2);
      expect(heard > 0).toBe(leftOut === '');
      await page.context().close();
    },
    180_000,
  );

  it('a proxy that cuts every connection: the page says nothing of it and loads nothing anew; a note and a command arrive once', async () => {
    const detour = await startDetour(target);
    const page = await newPage();
    if (cookies.length === 0) await joins(page, detour.url);
    else await page.goto(`${detour.url}/headroom/`);
    await page.getByRole('link', { name: 'Live' }).first().click();
    const step = async () => Number((await page.getByTestId('step').textContent())!.replaceAll(',', ''));
    await expect.poll(step, { timeout: 60_000 }).toBeGreaterThan(0);
    await page.getByRole('tab', { name: /^Notes/ }).click();
    const field = page.getByLabel(/^Note at step/);
    await field.fill('kept');
    await page.evaluate(() => {
      const said: string[] = [];
      Object.assign(window, { said });
      const words = /reconnecting|connection|does not answer|not sent/i;
      new MutationObserver(() => {
        for (const { textContent } of document.querySelectorAll('[role=alert], [role=status]'))
          if (words.test(textContent)) said.push(textContent);
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    const asked: string[] = [];
    page.on('request', (request) => void asked.push(new URL(request.url()).pathname));
    for (let cuts = 0; cuts < 5; cuts++) {
      const before = await step();
      detour.cut();
      if (cuts === 2) await field.press('Enter');
      if (cuts === 3) await page.getByRole('button', { name: 'Pause', exact: true }).first().click();
      if (cuts === 3) await page.getByTestId('status').getByText('paused').waitFor();
      else await expect.poll(step, { timeout: 60_000 }).toBeGreaterThan(before + 2);
      if (cuts === 3) await page.getByRole('button', { name: 'Resume', exact: true }).first().click();
    }
    await page.getByText('kept').first().waitFor();
    const { runId } = app.hub.summaries()[0]!;
    const view = (await app.hub.view(runId))!;
    const commands = view.recent.commands.items.map(({ command }) => command.kind === 'act' && command.action);
    expect([view.counts.notes.count, commands]).toEqual([1, ['pause', 'resume']]);
    expect(await page.evaluate(() => (window as unknown as { said: string[] }).said)).toEqual([]);
    expect(asked.filter((path) => path.includes('trpc/runs.') && !path.endsWith('runs.note'))).toEqual([]);
    await page.context().close();
    await detour.close();
  }, 180_000);
});
