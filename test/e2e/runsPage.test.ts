/** The list of runs in Chromium: its address, and the ways to it. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { root } from '~/test/support/root';
import { publishedSetup } from '~/test/support/setups';

const you = { id: 'local', name: 'You', role: 'admin' } as const;

describeInBrowser('the list of runs in Chromium', { timeout: 240_000 }, () => {
  let app: TestApp;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root } });
    for (const name of ['First', 'Second']) await app.hub.create(you, publishedSetup('reverse', {}, { name }));
    ({ browser, close: closeBrowser } = await openBrowser());
  }, 600_000);
  afterAll(async () => {
    await closeBrowser?.();
    await app?.close();
  });

  async function open(query = '', viewport = { width: 1280, height: 800 }): Promise<Page> {
    const context = await browser.newContext({ viewport, reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto(`${app.url}/${query}`);
    await page.getByRole('table').waitFor();
    return page;
  }
  const search = (page: Page) => page.getByRole('searchbox', { name: 'Search runs' });
  const names = (page: Page) => page.getByRole('link', { name: /^(First|Second)$/ }).allTextContents();
  const choose = async (page: Page, command: string) => {
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').getByRole('combobox').fill(command);
    await page.getByRole('option', { name: command }).click();
  };

  it('the search is in the address; a link to all runs, Back and Forward show what their address says', async () => {
    const page = await open();
    await search(page).fill('first');
    await expect.poll(() => page.url()).toBe(`${app.url}/?find=first`);
    await expect.poll(() => names(page)).toEqual(['First']);
    await page.getByRole('link', { name: 'Headroom: all runs' }).click();
    await expect.poll(() => names(page)).toEqual(['Second', 'First']);
    expect([page.url(), await search(page).inputValue()]).toEqual([`${app.url}/`, '']);
    await page.goBack();
    await expect.poll(() => names(page)).toEqual(['First']);
    expect(await search(page).inputValue()).toBe('first');
    await page.goForward();
    await expect.poll(() => names(page)).toEqual(['Second', 'First']);
    await page.context().close();
  });

  it('typing is never overtaken by the address', async () => {
    const page = await open();
    for (const letter of 'a run of many letters') {
      await search(page).press(letter === ' ' ? 'Space' : letter);
      // Some letters come before the address has followed, some after.
      if (letter === ' ') await expect.poll(() => page.url()).toContain('find=a');
    }
    await expect.poll(() => page.url()).toBe(`${app.url}/?find=a+run+of+many+letters`);
    expect(await search(page).inputValue()).toBe('a run of many letters');
    await page.context().close();
  });

  it('the palette opens the form of a new run as often as it is asked to, and keeps the search', async () => {
    const page = await open('?find=first');
    const dialog = page.getByRole('dialog', { name: 'New run' });
    for (const time of ['once', 'again']) {
      await choose(page, 'New run');
      await dialog.waitFor();
      await page.keyboard.press('Escape');
      await expect.poll(() => dialog.count(), { message: time }).toBe(0);
    }
    await expect.poll(() => page.url()).toBe(`${app.url}/?find=first`);
    expect(await search(page).inputValue()).toBe('first');
    await page.context().close();
  });
});
