/** Many tabs of one browser on one run: those in the background cost the server nothing. */
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { root } from '~/test/support/root';
import { type ScriptedTrainer, startScriptedTrainer } from '~/test/support/scriptedTrainer';
import { publishedSetup } from '~/test/support/setups';

const you = { id: 'local', name: 'You', role: 'admin' } as const;

describeInBrowser('many tabs of one browser', () => {
  let app: TestApp;
  let context: BrowserContext;
  let closeBrowser: () => Promise<void>;
  let trainer: ScriptedTrainer;
  let runId: string;

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root } });
    ({ runId } = await app.hub.create(you, { ...publishedSetup('reverse'), name: 'Many tabs' }));
    trainer = await startScriptedTrainer(app.address, { stepMs: 150 });
    const { browser, close } = await openBrowser();
    closeBrowser = close;
    context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  }, 400_000);
  afterAll(async () => {
    trainer?.close();
    await closeBrowser?.();
    await app?.close();
  });

  /** A tab that says whether it is hidden as the browser of a person would: here all are drawn. */
  async function open(hidden: boolean): Promise<Page> {
    const page = await context.newPage();
    await page.addInitScript((is) => {
      const state = Object.assign(window, { isHidden: is });
      Object.defineProperty(document, 'hidden', { get: () => state.isHidden });
      Object.defineProperty(document, 'visibilityState', { get: () => (state.isHidden ? 'hidden' : 'visible') });
    }, hidden);
    await page.goto(`${app.url}/runs/${runId}`);
    return page;
  }
  const turn = (page: Page, hidden: boolean) =>
    page.evaluate((is) => {
      Object.assign(window, { isHidden: is });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  const held = async () => {
    const metrics = await (await fetch(`${app.url}/metrics`)).text();
    return ['viewers', 'watching'].map((name) => Number(new RegExp(`^headroom_${name} (\\d+)$`, 'm').exec(metrics)?.[1]));
  };

  it('those opened in the background say in their title what was when, hold no connection, and join when they are shown', async () => {
    const first = await open(false);
    await first.getByRole('slider', { name: 'Step', exact: true }).waitFor();
    await expect.poll(held).toEqual([1, 1]);
    const others = await Promise.all(Array.from({ length: 5 }, () => open(true)));
    for (const page of others) await expect.poll(() => page.title()).toMatch(/^[\d,]+ running at .+ · Many tabs$/);
    expect(await held()).toEqual([1, 1]);
    const [shown] = others;
    await turn(shown!, false);
    await shown!.getByRole('figure', { name: 'Loss', exact: true }).waitFor();
    await expect.poll(() => shown!.title()).toMatch(/^[\d,]+ running · Many tabs$/);
    await expect.poll(held).toEqual([2, 2]);
  });
});
