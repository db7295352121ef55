/** Pages on paper: all lines and charts, not those in sight. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { root } from '~/test/support/root';
import { publishedSetup } from '~/test/support/setups';

describeInBrowser('pages on paper', { timeout: 240_000 }, () => {
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

  async function open(path: string): Promise<Page> {
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 500 } })).newPage();
    await page.addInitScript(() => {
      window.print = () => {
        document.documentElement.dataset.asked = 'yes';
      };
    });
    await page.goto(app.url + path);
    return page;
  }

  it('of the list of runs the lines that were read are printed and the others counted; the keys for printing read them all', async () => {
    const page = await open('/');
    await page.getByRole('link', { name: 'Run 130', exact: true }).waitFor();
    const tell = (type: string) => page.evaluate((type) => void dispatchEvent(new Event(type)), type);
    const links = () => page.getByRole('rowheader').getByRole('link').count();
    const shown = await links();
    expect(shown).toBeLessThan(50);
    // What the paper gets is there at once.
    const onPaper = () =>
      page.evaluate(() => {
        dispatchEvent(new Event('beforeprint'));
        const rows = [...document.querySelectorAll('tbody tr')].filter((tr) => tr.querySelector('th a'));
        const note = document.querySelector('section[aria-label="Table of runs"] > p')?.textContent ?? '';
        return { rows: rows.length, last: rows.at(-1)!.textContent!, note };
      });
    expect(await onPaper()).toEqual({
      rows: 100,
      // Without a line that waits for its time.
      last: expect.stringMatching(/You, (now|\d+ s ago|\d+ min ago)$/),
      note: expect.stringMatching(/^100 of 130 lines\. The others had not been read: press Ctrl P/),
    });
    await tell('afterprint');
    await expect.poll(links).toBe(shown);
    await page.keyboard.press('Control+p');
    await page.waitForFunction(() => document.documentElement.dataset.asked === 'yes');
    expect(await onPaper()).toMatchObject({ rows: 130, note: '' });
    // Nothing of the page is as high as the window any more.
    await page.emulateMedia({ media: 'print' });
    expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBeGreaterThan(130 * 50);
    await page.context().close();
  });

  it('the keys for printing read and draw the charts of a run that nobody has scrolled to', async () => {
    const post = async (path: string, data: unknown) => {
      const headers = { authorization: `Bearer ${app.trainerToken}` };
      const answer = await fetch(`${app.url}/api/runs${path}`, { method: 'POST', headers, body: JSON.stringify(data) });
      expect(answer.status).toBe(200);
      return (await answer.json()) as { runId: string };
    };
    const { runId } = await post('', { key: 'many-charts' });
    const names = Array.from({ length: 30 }, (_, i) => `metric ${i}`);
    for (const step of [0, 1])
      await post(`/${runId}/log`, { step, values: Object.fromEntries(names.map((n, i) => [n, i + step])) });
    const page = await open(`/runs/${runId}?tabs=curves`);
    const drawn = (name: string) => page.getByRole('figure', { name, exact: true });
    await drawn('metric 0').waitFor();
    expect(await drawn('metric 29').count()).toBe(0);
    await page.keyboard.press('Control+p');
    await page.waitForFunction(() => document.documentElement.dataset.asked === 'yes');
    for (const name of names) expect(await drawn(name).locator('canvas').count(), name).toBeGreaterThan(0);
    expect(await page.getByText('Reading the curve').count()).toBe(0);
    await page.context().close();
  });
});
