import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sequentialPalette } from '~/app/_charts/attention/palettes';
import { peakOf, pixelOf } from '~/app/_charts/attention/raster';
import { colorScale } from '~/app/_charts/attention/scale';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { type AttentionRun, attentionMaps, playAttentionRun } from '~/test/support/attentionRun';
import { describeInBrowser, openBrowser } from '~/test/support/browser';

const root = fileURLToPath(new URL('../../', import.meta.url));
const you = { id: 'local', name: 'You', role: 'admin' } as const;
const sets: AttentionRun = {
  task: 'anomaly',
  layers: 4,
  heads: 4,
  length: 10,
  examples: 3,
  snapshotEverySteps: 20,
  pictures: true,
};
const digits: AttentionRun = { task: 'reverse', layers: 3, heads: 5, length: 9, examples: 2, snapshotEverySteps: 20 };

const panelOf = (page: Page): Locator => page.getByRole('region', { name: 'Attention', exact: true });
const standing = (page: Page) => page.getByTestId('attention-step');
const shownStep = async (page: Page) => Number(await standing(page).getAttribute('data-step'));

/** Pixels of a canvas as the page holds them, one number per pixel. */
const pixels = (canvas: Locator): Promise<number[]> =>
  canvas.evaluate((element: HTMLCanvasElement) => [
    ...new Uint32Array(element.getContext('2d')!.getImageData(0, 0, element.width, element.height).data.buffer),
  ]);

async function goToStep(page: Page, step: number): Promise<void> {
  const field = page.getByRole('region', { name: 'Timeline' }).getByRole('textbox').first();
  await field.fill(String(step));
  await field.press('Enter');
}

describeInBrowser('the attention workspace', () => {
  let app: TestApp;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let played: { sets: Awaited<ReturnType<typeof playAttentionRun>>; digits: Awaited<ReturnType<typeof playAttentionRun>> };
  let page: Page;

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root } });
    const create = (setup: Parameters<TestApp['hub']['create']>[1]) => app.hub.create(you, setup);
    played = {
      sets: await playAttentionRun(app.address, create, sets, 400),
      digits: await playAttentionRun(app.address, create, digits, 200),
    };
    browser = await openBrowser();
    page = await browser.browser.newPage({ viewport: { width: 1440, height: 1000 } });
    // The tools that stay in sight would lie over what is pointed at.
    page.on(
      'framenavigated',
      () => void page.addStyleTag({ content: '.sticky { position: static !important }' }).catch(() => {}),
    );
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    for (const run of Object.values(played ?? {})) run.trainer.close();
    await app?.close();
  });

  it('every pixel of the grid is the palette at its value, layers down, heads across', async () => {
    await page.goto(`${app.url}/runs/${played.digits.runId}?tabs=attention`);
    await standing(page).waitFor();
    await expect.poll(() => shownStep(page)).toBe(200);
    const canvas = panelOf(page)
      .getByRole('grid', { name: /attention maps/ })
      .locator('canvas');
    const { layers, heads, length: T } = digits;
    const [width, height] = await canvas.evaluate((c: HTMLCanvasElement) => [c.width, c.height]);
    const gap = (width! - heads * T) / (heads - 1);
    expect([Number.isInteger(gap), height]).toEqual([true, layers * T + (layers - 1) * gap]);
    const seen = await pixels(canvas);
    const maps = attentionMaps(digits, 200);
    // From 9 keys on, colors go up to the largest weight; the first example is shown.
    const peak = peakOf(maps, 0, layers * heads * T * T);
    const scale = colorScale({ kind: 'shared', quantity: 'weight', keys: T, peak, sequential: 'viridis', theme: 'light' });
    expect(scale.palette).toBe(sequentialPalette('viridis'));
    for (let l = 0; l < layers; l++)
      for (let h = 0; h < heads; h++)
        for (let i = 0; i < T; i++)
          for (let j = 0; j < T; j++) {
            const at = (l * (T + gap) + i) * width! + h * (T + gap) + j;
            expect(seen[at], `layer ${l} head ${h} query ${i} key ${j}`).toBe(
              pixelOf(scale, maps[((l * heads + h) * T + i) * T + j]!),
            );
          }
  });

  it('a pinned step stays while snapshots arrive; step 0 is there; a step without a snapshot names the nearest', async () => {
    await goToStep(page, 0);
    await expect.poll(() => shownStep(page)).toBe(0);
    await goToStep(page, 47);
    await expect.poll(() => standing(page).textContent()).toContain('step 40, the nearest recorded, 7 before 47');
    for (let n = 0; n < 3; n++) await played.digits.next();
    // The list of recorded steps has grown on the page: the frames have arrived.
    await expect.poll(() => panelOf(page).textContent()).toContain('Over 14 recorded steps');
    await expect.poll(() => standing(page).textContent()).toContain('step 40, the nearest recorded, 7 before 47');
    await standing(page).getByRole('button', { name: 'follow' }).click();
    await expect.poll(() => shownStep(page)).toBe(260);
    const { step } = await played.digits.next();
    await expect.poll(() => shownStep(page)).toBe(step);
  });

  it('without a mouse: to a head, into its map, a cell read out, pinned with its history, and back', async () => {
    const panel = panelOf(page);
    await panel.locator('[role=gridcell][data-head="0.0"]').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await expect.poll(() => panel.getByTestId('large-title').textContent()).toBe('layer 2 head 3');
    const cell = panel.getByTestId('big-map').getByRole('gridcell');
    await cell.focus();
    for (let n = 0; n < 4; n++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('End');
    const step = await shownStep(page);
    const { heads, length: T } = digits;
    const value = attentionMaps(digits, step)[((1 * heads + 2) * T + 4) * T + 8]!;
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
    await expect.poll(focused).toBe(`layer 2 head 3, query 5 to key 9, ${value.toFixed(2)}`);
    await expect.poll(() => panel.getByTestId('readout').textContent()).toContain(value.toFixed(4));
    await page.keyboard.press('Enter');
    await expect.poll(() => panel.getByTestId('history').textContent()).toContain('layer 2 head 3, query 5 to key 9');
    await page.keyboard.press('Escape');
    await expect.poll(() => panel.getByTestId('large-title').textContent()).toBe('mean of all 15 heads');
  });

  it('the table holds the numbers of the map; a hidden head leaves the others their numbers', async () => {
    const panel = panelOf(page);
    await panel.locator('[role=gridcell][data-head="2.1"]').focus();
    await page.keyboard.press('Enter');
    await panel.getByRole('button', { name: 'as a table' }).click();
    const cells = await panel.getByTestId('map-table').locator('td').allTextContents();
    const { heads, length: T } = digits;
    const at = (2 * heads + 1) * T * T;
    const map = attentionMaps(digits, await shownStep(page)).subarray(at, at + T * T);
    expect(cells).toEqual(Array.from(map, (v) => v.toFixed(3)));
    await panel.getByRole('button', { name: 'as a map' }).click();
    await panel.getByRole('checkbox', { name: 'show layer 1 head 1', exact: true }).uncheck();
    await expect.poll(() => panel.locator('[data-head="0.0"]').getAttribute('aria-label')).toBe('layer 1 head 1, hidden');
    await expect.poll(() => panel.locator('[data-head="0.1"]').getAttribute('aria-label')).toBe('layer 1 head 2');
    await page.keyboard.press('Escape');
    await expect.poll(() => panel.getByTestId('large-title').textContent()).toBe('mean of 14 of 15 heads');
    await panel.getByRole('button', { name: 'show all 15' }).click();
  });

  it('exports hold the exact map and the selection', async () => {
    const panel = panelOf(page);
    await panel.locator('[role=gridcell][data-head="2.0"]').focus();
    await page.keyboard.press('Enter');
    await panel.getByRole('button', { name: 'export' }).click();
    const { heads, length: T } = digits;
    const at = 2 * heads * T * T;
    const map = attentionMaps(digits, await shownStep(page)).subarray(at, at + T * T);
    const saved = async (name: string) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name, exact: true }).click(),
      ]);
      return readFileSync(await download.path());
    };
    const npy = await saved('NPY');
    const data = npy.subarray(10 + npy.readUInt16LE(8));
    expect(new Float32Array(Uint8Array.from(data).buffer)).toEqual(Float32Array.from(map));
    const csv = (await saved('CSV')).toString().trimEnd().split('\r\n').slice(1);
    expect(Float32Array.from(csv, (line) => Number(line.split(',').at(-1)))).toEqual(Float32Array.from(map));
    expect((await saved('SVG')).toString()).toContain('layer 3 head 1');
    expect([...(await saved('PNG 2×')).subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
    await page.keyboard.press('Escape');
  });

  it('pointing at a picture lights its row and column in all 16 maps, its bar stays the probability', async () => {
    await page.goto(`${app.url}/runs/${played.sets.runId}?tabs=attention`);
    await standing(page).waitFor();
    const panel = panelOf(page);
    const image = panel.locator('[data-image="6"]');
    await image.scrollIntoViewIfNeeded();
    await image.hover();
    const lines = panel.locator('[data-token-lines]');
    await expect.poll(async () => (await lines.getAttribute('d'))?.match(/M/g)?.length).toBe(32);
    const { zoom, gap } = await panel.getByRole('grid', { name: /attention maps/ }).evaluate((grid) => {
      const canvas = grid.querySelector('canvas')!;
      return { zoom: canvas.clientWidth / canvas.width, gap: (canvas.width - 40) / 3 };
    });
    const boxes = [...(await lines.getAttribute('d'))!.matchAll(/M([\d.]+),([\d.]+)h([\d.]+)v([\d.]+)/g)].map((m) =>
      m.slice(1).map(Number),
    );
    for (let l = 0; l < 4; l++)
      for (let h = 0; h < 4; h++) {
        const [x, y] = [h * (10 + gap) * zoom, l * (10 + gap) * zoom];
        expect(boxes).toContainEqual([x, y + 6 * zoom, 10 * zoom, zoom]);
        expect(boxes).toContainEqual([x + 6 * zoom, y, zoom, 10 * zoom]);
      }
    const bars = await panel
      .locator('[data-bar]')
      .evaluateAll((all) => all.map((b) => Number.parseFloat((b as HTMLElement).style.width)));
    expect(bars.reduce((a, b) => a + b)).toBeCloseTo(100, 2);
  });

  it('on a phone one map is shown, a swipe goes to the next head, and nothing scrolls sideways', async () => {
    const context = await browser.browser.newContext({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    const phone = await context.newPage();
    await phone.goto(`${app.url}/runs/${played.sets.runId}?tabs=attention`);
    await standing(phone).waitFor();
    const panel = panelOf(phone);
    await expect.poll(() => panel.getByRole('grid').count()).toBe(1);
    const title = panel.getByTestId('large-title');
    await expect.poll(() => title.textContent()).toBe('mean of all 16 heads');
    await panel.getByRole('button', { name: /next head/ }).tap();
    await expect.poll(() => title.textContent()).toBe('layer 1 head 1');
    await title.evaluate((element) => {
      const touch = (type: string, x: number) => {
        const t = new Touch({ identifier: 1, target: element, clientX: x, clientY: 100 });
        element.dispatchEvent(
          new TouchEvent(type, { bubbles: true, touches: type === 'touchend' ? [] : [t], changedTouches: [t] }),
        );
      };
      touch('touchstart', 300);
      touch('touchend', 100);
    });
    await expect.poll(() => title.textContent()).toBe('layer 1 head 2');
    await expect.poll(() => phone.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await panel.getByTestId('big-map').getByRole('grid').tap();
    await expect.poll(() => panel.getByTestId('readout').textContent()).toMatch(/^query image \d+.* → key image/);
    await context.close();
  });

  it.each(['light', 'dark'] as const)(
    'axe finds nothing serious in the workspace, %s',
    async (theme) => {
      const context = await browser.browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: theme });
      const tab = await context.newPage();
      await tab.addInitScript((t) => localStorage.setItem('theme', t), theme);
      await tab.goto(`${app.url}/runs/${played.sets.runId}?tabs=attention`);
      await standing(tab).waitFor();
      await tab.addScriptTag({ path: fileURLToPath(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url)) });
      const found = await tab.evaluate(async () => {
        const axe = (
          window as unknown as {
            axe: { run(where: unknown): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
          }
        ).axe;
        const panel = [...document.querySelectorAll('section')].find((s) => s.querySelector('[data-testid=attention-step]'));
        const { violations } = await axe.run(panel);
        return violations
          .filter((v) => v.impact === 'serious' || v.impact === 'critical')
          .map((v) => `${v.id}: ${v.nodes.length} x ${v.nodes[0]!.html.slice(0, 200)}`);
      });
      expect(found).toEqual([]);
      await context.close();
    },
    60_000,
  );
});
