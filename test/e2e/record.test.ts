import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describeInBrowser, openBrowser, temporaryFolder } from '~/test/support/browser';
import { freePort, startProduct } from '~/test/support/product';
import { recordedRow, recordedSteps, recordRun } from '~/test/support/recordedRun';

const weight = 0.9;
const loss = Array.from({ length: recordedSteps }, (_, s) => recordedRow(s)[0]!);
/** The moving average after each step, by a plain loop over every raw value. */
const averages = (() => {
  let [s, n] = [0, 0];
  return loss.map((v) => {
    if (!Number.isFinite(v)) return Number.NaN;
    s = weight * s + (1 - weight) * v;
    n++;
    return s / (1 - weight ** n);
  });
})();

/** What the tooltip of the loss chart says at a share of its width: step, value and average of its first line. */
async function pointAt(page: Page, share: number): Promise<{ step: number; value: number; average: number }> {
  const plot = page.locator('figure', { hasText: /^Loss/ }).first().locator('[data-plot]');
  const box = (await plot.boundingBox())!;
  await page.mouse.move(box.x + box.width * share, box.y + box.height / 2);
  const tip = page.locator('[data-tooltip]');
  const read = async () => [
    await tip.locator('p').first().textContent(),
    ...(await tip.locator('tr').first().locator('td').allTextContents()).slice(1),
  ];
  // What stands in until the row itself has been read is marked ≈.
  await expect.poll(async () => (await read()).some((text) => text?.includes('≈'))).toBe(false);
  const [step, value, average] = await read();
  const number = (text: string | null | undefined) => Number(text?.replace(/^step |^∼ |,/g, ''));
  return { step: number(step), value: number(value), average: number(average) };
}

const expectExact = ({ step, value, average }: { step: number; value: number; average: number }) => {
  expect([step, value]).toEqual([step, Number(loss[step]!.toPrecision(6))]);
  expect([step, average]).toEqual([step, Number(averages[step]!.toPrecision(6))]);
};

async function drag(page: Page, from: number, to: number): Promise<void> {
  const box = (await page.locator('figure', { hasText: /^Loss/ }).first().locator('[data-plot]').boundingBox())!;
  await page.mouse.move(box.x + box.width * from, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * to, box.y + 40, { steps: 5 });
  await page.mouse.up();
}

describeInBrowser('a recorded run, as its readers use it', () => {
  it('values and averages are exact at every zoom, the chart is taken away as every step, and compared runs are zoomed alike', async () => {
    const folder = temporaryFolder();
    await recordRun(folder.path, 'record1');
    await recordRun(folder.path, 'record2');
    const [product, { browser }] = await Promise.all([
      startProduct({ dataFolder: folder.path, port: await freePort(), env: { HEADROOM_BACKEND: 'wasm' } }),
      openBrowser(),
    ]);
    try {
      const page = await (await browser.newContext({ viewport: { width: 1300, height: 900 } })).newPage();
      const errors: string[] = [];
      page.on('pageerror', (e) => errors.push(e.message));
      await page.goto(`${product.url}/runs/record1`);
      await page.waitForFunction(() => /\d/.test(document.querySelector('[data-reads="loss"]')?.textContent ?? ''));
      // 3000 steps on some 500 pixels: a place on the chart stands for several steps, the tooltip for one.
      expectExact(await pointAt(page, 0.31));
      await page.getByRole('button', { name: 'Log x' }).click();
      expectExact(await pointAt(page, 0.5));
      await page.getByRole('button', { name: 'Log x' }).click();
      await drag(page, 0.5, 0.6);
      await expect.poll(() => page.url()).toMatch(/zoom=\d+-\d+/);
      const [from, to] = /zoom=(\d+)-(\d+)/.exec(page.url())!.slice(1).map(Number) as [number, number];
      expectExact(await pointAt(page, 0.44));

      await page.getByLabel('Save Loss as a file').click();
      const item = page.getByRole('menuitem', { name: /Every step/ });
      // The range zoomed into may still be read when the menu opens; the item follows.
      await expect.poll(() => item.textContent()).toContain(`${to - from} rows × 1 series`);
      const [file] = await Promise.all([page.waitForEvent('download'), item.click()]);
      const rows = readFileSync(await file.path(), 'utf8')
        .trimEnd()
        .split('\r\n');
      expect(rows[0]).toBe('step,timeMs,loss');
      expect(
        rows.slice(1).map((r) =>
          r
            .split(',')
            .filter((_, i) => i !== 1)
            .map(Number),
        ),
      ).toEqual(loss.slice(from, to).map((v, i) => [from + i, v]));

      await page.goto(`${product.url}/compare?runs=record1,record2`);
      // The charts of a comparison name their lines by run and series: both runs' losses have been read.
      await page.waitForFunction(
        () =>
          [...document.querySelectorAll('figure')]
            .find((f) => f.textContent?.startsWith('Loss'))
            ?.querySelectorAll('[data-reads]:not(:empty)').length === 2,
      );
      expectExact(await pointAt(page, 0.31));
      await drag(page, 0.5, 0.6);
      await expect.poll(() => page.url()).toMatch(/zoom=\d+-\d+/);
      expectExact(await pointAt(page, 0.44));
      expect(errors).toEqual([]);
    } finally {
      await browser.close();
      await product.stop();
      folder.remove();
    }
  }, 400_000);
});
