import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInBrowser, openBrowser } from '~/test/support/browser';

interface InPage {
  cursor: { get(): { mode: string; step: number; zoom: [number, number] | null }; follow(): void; zoom(z: null): void };
  spikes: number[];
}

/** Of Tailwind only what places the layers over each other; nothing above the plot may change its height. */
const css = `main{width:700px} .absolute,.sr-only{position:absolute} .sr-only{clip-path:inset(50%)} .relative{position:relative} .inset-0{inset:0}
  .pointer-events-none{pointer-events:none} .w-max{width:max-content} figcaption{height:24px;overflow:hidden}`;

/** A page of test/support with its chart drawn. */
async function openChart(browser: Browser, script: string): Promise<Page> {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL(`../../support/${script}`, import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"', 'process.env.NEXT_PUBLIC_BASE_PATH': '""' },
    tsconfig: fileURLToPath(new URL('../../../tsconfig.json', import.meta.url)),
  });
  const page = await browser.newPage({ viewport: { width: 800, height: 500 } });
  await page.setContent(`<style>${css}</style><main></main>`);
  await page.addScriptTag({ content: bundle.outputFiles[0]!.text });
  await page.waitForFunction(() => /\d/.test(document.querySelector('[data-reads]')?.textContent ?? ''));
  return page;
}

describeInBrowser('a chart of 1,000,000 steps in Chromium', () => {
  let browser: Browser;
  let close: () => Promise<void>;
  let page: Page;
  beforeAll(async () => {
    ({ browser, close } = await openBrowser());
    page = await openChart(browser, 'chartPage.tsx');
  });
  afterAll(() => close?.());

  const cursor = () => page.evaluate(() => (window as unknown as InPage).cursor.get());
  const plot = async () => (await page.locator('[data-plot]').boundingBox())!;
  const fresh = () =>
    page.evaluate(() => {
      const { cursor } = window as unknown as InPage;
      cursor.zoom(null);
      cursor.follow();
    });

  it('shows each of 200 single-step spikes as colored pixels at its place', async () => {
    const missing = await page.evaluate(() => {
      const canvas = document.querySelector('canvas')!;
      const { data, width } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      // The axis of an ended run ends at its last step.
      const column = (step: number) => Math.floor(((step + 0.5) / 1_000_000) * width);
      // The axis goes from 0 at the bottom to 1.125: the row of 0.97 is reached by spikes alone, not by the slopes beside them.
      const y = Math.round(canvas.height * (1 - 0.97 / 1.125));
      const inked = (x: number) => data[(y * width + x) * 4 + 3]! > 20;
      return (window as unknown as InPage).spikes.filter((s) => ![-1, 0, 1].some((d) => inked(column(s) + d)));
    });
    expect(missing).toEqual([]);
  });

  it('a click pins the step under it, arrow keys move from there, Escape follows again', async () => {
    await fresh();
    const box = await plot();
    await page.mouse.click(box.x + box.width / 2, box.y + 50);
    const { mode, step } = await cursor();
    expect([mode, Math.abs(step - 500_000) <= 1_000_000 / box.width]).toEqual(['pinned', true]);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Shift+ArrowRight');
    expect((await cursor()).step).toBe(step + 11);
    await page.keyboard.press('Escape');
    await expect.poll(cursor).toMatchObject({ mode: 'live', step: 1_000_000 });
  });

  it('a drag zooms, also right after a double click; a double click shows all again and leaves the cursor as it was', async () => {
    await fresh();
    const box = await plot();
    await page.mouse.dblclick(box.x + 200, box.y + 60);
    await expect.poll(cursor).toMatchObject({ mode: 'live', zoom: null });
    await page.mouse.move(box.x + 100, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + 160, box.y + 60, { steps: 4 });
    await page.mouse.up();
    const zoom = (await cursor()).zoom!;
    const perPixel = 1_000_000 / box.width;
    expect(zoom.map((s, i) => Math.abs(s - (100 + 60 * i) * perPixel) <= 2 * perPixel)).toEqual([true, true]);
    await page.mouse.dblclick(box.x + 200, box.y + 60);
    await expect.poll(cursor).toMatchObject({ mode: 'live', step: 1_000_000, zoom: null });
  });

  it('the tooltip gives the exact value of the step under the pointer', async () => {
    await fresh();
    const box = await plot();
    await page.mouse.move(box.x + 300, box.y + 60);
    await page.waitForSelector('[data-tooltip]');
    const text = (await page.locator('[data-tooltip]').textContent())!;
    expect(text).toMatch(/^step [\d,]+train(0\.2|1)/);
    await page.mouse.move(5, 5);
    await page.waitForSelector('[data-tooltip]', { state: 'detached' });
  });
});

describeInBrowser('a series that is logged every 50 steps beside one of every step, in Chromium', () => {
  let browser: Browser;
  let close: () => Promise<void>;
  let page: Page;
  beforeAll(async () => {
    ({ browser, close } = await openBrowser());
    page = await openChart(browser, 'sparseChartPage.tsx');
  });
  afterAll(() => close?.());

  /** Columns of the canvas that have ink in the row of a value. */
  const inked = (value: number) =>
    page.evaluate((v) => {
      const canvas = document.querySelector('canvas')!;
      const { data, width, height } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      // The axis goes from 0 to 0.8: the top with its air, in quarters of a tick.
      const y = Math.round(height * (1 - v / 0.8));
      const has = (x: number) => [y - 1, y, y + 1].some((row) => data[(row * width + x) * 4 + 3]! > 20);
      return { width, columns: Array.from({ length: width }, (_, x) => x).filter(has).length };
    }, value);

  it('is one line from its first row to its last, and nothing is counted as NaN', async () => {
    const { width, columns } = await inked(0.75);
    // Rows from step -1 to 949 of an axis of 1,000 steps.
    expect(columns / width).toBeGreaterThan(0.93);
    await expect.poll(() => page.getByText('NaN').count()).toBe(0);
  });

  it('tells of which step its value is where it has no row', async () => {
    const box = (await page.locator('[data-plot]').boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + 60);
    await page.waitForSelector('[data-tooltip]');
    const rows = await page.locator('[data-tooltip] tr').allTextContents();
    expect(rows).toEqual(['train0.25', 'validation0.75of step 499']);
  });

  it('the tooltip stays within a chart that is hardly wider than it', async () => {
    const wide = (pixels: number) =>
      page.locator('main').evaluate((main, w) => main.style.setProperty('width', `${w}px`), pixels);
    await wide(240);
    const plot = page.locator('[data-plot]');
    await expect.poll(async () => (await plot.boundingBox())!.width).toBeLessThan(240);
    const [figure, box] = [(await page.getByRole('figure').boundingBox())!, (await plot.boundingBox())!];
    for (const part of [0.1, 0.4, 0.6, 0.9]) {
      await page.mouse.move(box.x + box.width * part, box.y + 60);
      await page.waitForSelector('[data-tooltip]');
      const tip = (await page.locator('[data-tooltip]').boundingBox())!;
      expect(tip.x, `at ${part}`).toBeGreaterThanOrEqual(figure.x - 0.5);
      expect(tip.x + tip.width, `at ${part}`).toBeLessThanOrEqual(figure.x + figure.width + 0.5);
      await page.mouse.move(790, 490);
      await page.waitForSelector('[data-tooltip]', { state: 'detached' });
    }
    await wide(700);
  });

  it('the axis begins at its first step, and so does the cursor', async () => {
    await page.mouse.click((await page.locator('[data-plot]').boundingBox())!.x + 100, 200);
    await page.keyboard.press('Home');
    const at = await page.evaluate(() => (window as unknown as InPage).cursor.get());
    expect(at).toMatchObject({ mode: 'pinned', step: -1 });
    await page.keyboard.press('ArrowLeft');
    expect((await page.evaluate(() => (window as unknown as InPage).cursor.get())).step).toBe(-1);
  });
});
