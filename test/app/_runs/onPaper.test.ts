/** The list of runs on paper: all of its lines, not those in sight. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { root } from '~/test/support/root';
import { publishedSetup } from '~/test/support/setups';

describeInBrowser('the list of runs on paper', { timeout: 240_000 }, () => {
  let app: TestApp;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root } });
    const you = { id: 'local', name: 'You', role: 'admin' } as const;
    for (let i = 1; i <= 130; i++) await app.hub.create(you, publishedSetup('reverse', {}, { name: `Run ${i}` }));
    ({ browser, close: closeBrowser } = await openBrowser());
  }, 600_000);
  afterAll(async () => {
    await closeBrowser?.();
    await app?.close();
  });

  it('the lines that were read are printed and the others counted; the key for printing reads them all', async () => {
    const page: Page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.addInitScript(() => {
      window.print = () => {
        document.documentElement.dataset.asked = 'yes';
      };
    });
    await page.goto(app.url);
    await page.getByRole('link', { name: 'Run 130', exact: true }).waitFor();
    const tell = (type: string) => page.evaluate((type) => void dispatchEvent(new Event(type)), type);
    const links = () => page.getByRole('rowheader').getByRole('link').count();
    const shown = await links();
    expect(shown).toBeLessThan(50);
    await tell('beforeprint');
    expect(await links()).toBe(100);
    await page.getByText('100 of 130 lines.').waitFor();
    // Whole, without a line that waits for its time.
    expect(await page.getByRole('rowheader').last().locator('xpath=..').textContent()).toMatch(
      /You, (now|\d+ s ago|\d+ min ago)$/,
    );
    await tell('afterprint');
    expect(await links()).toBe(shown);
    await page.keyboard.press('Control+p');
    await page.waitForFunction(() => document.documentElement.dataset.asked === 'yes');
    await tell('beforeprint');
    expect(await links()).toBe(130);
    expect(await page.getByText(/ lines\./).count()).toBe(0);
    // Nothing of the page is as high as the window any more.
    await page.emulateMedia({ media: 'print' });
    expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBeGreaterThan(130 * 50);
    await page.context().close();
  });
});
