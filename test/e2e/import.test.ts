import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { ownFolder } from '~/test/support/folder';
import { eventFile, scalars } from '~/test/support/importing';
import { root } from '~/test/support/root';

describeInBrowser('importing on the runs page', () => {
  const folder = ownFolder();
  let app: TestApp;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ dataFolder: path.join(folder.path, 'data'), pages: { dev: false, root } });
    ({ browser, close: closeBrowser } = await openBrowser());
    const logs = path.join(folder.path, 'logs');
    mkdirSync(path.join(logs, 'b'), { recursive: true });
    writeFileSync(path.join(logs, 'metrics.csv'), 'iteration,tokens,loss,split\n0,10,1.5,train\n1,30,2.5,train\n');
    writeFileSync(path.join(logs, 'b/events.out.tfevents.1.h'), eventFile(scalars(1_700_000_000, 0, { loss: 3 })));
  }, 600_000);
  afterAll(async () => {
    await closeBrowser?.();
    await app?.close();
    folder.remove();
  });

  it('a folder shows its runs before anything is written; another axis, a choice, then the runs are there', async () => {
    const page = await browser.newPage();
    await page.goto(app.url);
    await page.getByRole('button', { name: 'Import' }).first().click();
    await page.getByLabel('Folder to import').setInputFiles(path.join(folder.path, 'logs'));
    const runs = page.getByRole('list', { name: 'Runs in the files' }).getByRole('listitem');
    await expect.poll(() => runs.count()).toBe(2);
    const csv = runs.filter({ hasText: 'CSV' });
    await expect.poll(() => csv.textContent()).toContain('2 series, 2 rows, steps 0 to 1');
    await expect.poll(() => csv.textContent()).toContain('Left out: column "split" (text such as "train", line 2; 2 rows)');
    expect(app.hub.summaries()).toEqual([]);
    await csv.getByRole('combobox').selectOption('tokens');
    await expect.poll(() => runs.filter({ hasText: 'steps 10 to 30' }).count()).toBe(1);
    await runs.filter({ hasText: 'TensorBoard' }).getByRole('checkbox').uncheck();
    await page.getByRole('button', { name: 'Import 1 run' }).click();
    const made = page.getByRole('list', { name: 'Imported runs' }).getByRole('link');
    await made.waitFor();
    expect(app.hub.summaries().map((s) => [s.name, s.status])).toEqual([['logs', 'finished']]);
    await made.click();
    await page.waitForURL(/\/runs\/\w+$/);
    await page.close();
  });

  it('a file that is dropped anywhere opens its run', async () => {
    const page = await browser.newPage();
    await page.goto(app.url);
    const transfer = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File(['step,loss\n0,1\n1,2\n'], 'dropped.csv', { type: 'text/csv' }));
      return data;
    });
    // The page is drawn by the server first; it takes files once its script runs.
    await page.waitForFunction(
      (dataTransfer) =>
        !document.body.dispatchEvent(new DragEvent('dragover', { dataTransfer, bubbles: true, cancelable: true })),
      transfer,
    );
    await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
    await page.getByRole('button', { name: 'Import 1 run' }).click();
    await page.waitForURL(/\/runs\/\w+$/);
    expect(
      app.hub
        .summaries()
        .map((s) => s.name)
        .sort(),
    ).toEqual(['dropped', 'logs']);
    await page.close();
  });
});
