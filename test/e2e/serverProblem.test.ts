/** A server that is there and cannot work says so on its pages, while it lasts. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { openMemoryStore } from '~/test/support/memoryStore';
import { root } from '~/test/support/root';
import { publishedSetup } from '~/test/support/setups';

const you = { id: 'local', name: 'You', role: 'admin' } as const;

describeInBrowser('a server whose database does not answer', () => {
  let app: TestApp;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  let answers = true;

  beforeAll(async () => {
    await build(() => {});
    const check = async () => {
      if (!answers) throw new Error('PostgreSQL does not answer');
    };
    app = await startApp({ pages: { dev: false, root }, store: { ...openMemoryStore(), check } });
    ({ browser, close: closeBrowser } = await openBrowser());
  }, 400_000);
  afterAll(async () => {
    await closeBrowser?.();
    await app?.close();
  });

  it('is said on the list of runs and on the page of a run, until it answers again', async () => {
    const { runId } = await app.hub.create(you, publishedSetup('reverse'));
    const pages = await Promise.all(
      ['/', `/runs/${runId}`].map(async (path) => {
        const page = await browser.newPage();
        await page.goto(app.url + path);
        return page;
      }),
    );
    const alert =
      'The server has a problem (store: PostgreSQL does not answer): what you see may stand still until it is solved.';
    const said = pages.map((page) => page.getByRole('alert').filter({ hasText: 'The server has a problem' }));
    answers = false;
    expect(await Promise.all(said.map((bar) => bar.textContent()))).toEqual([alert, alert]);
    answers = true;
    await Promise.all(said.map((bar) => bar.waitFor({ state: 'detached' })));
  });
});
