import { fileURLToPath } from 'node:url';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pixelOf } from '~/app/_charts/attention/raster';
import { colorScale } from '~/app/_charts/attention/scale';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { type AttentionRun, attentionMaps, playAttentionRun } from '~/test/support/attentionRun';
import { describeInBrowser, openBrowser } from '~/test/support/browser';

const root = fileURLToPath(new URL('../../', import.meta.url));
const axe = fileURLToPath(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url));
const you = { id: 'local', name: 'You', role: 'admin' } as const;
const small: AttentionRun = { task: 'reverse', layers: 2, heads: 2, length: 8, examples: 2, snapshotEverySteps: 20 };
const large: AttentionRun = { task: 'reverse', layers: 3, heads: 2, length: 8, examples: 2, snapshotEverySteps: 40 };
const long: AttentionRun = { task: 'reverse', layers: 1, heads: 1, length: 150, examples: 1, snapshotEverySteps: 20 };
const many: AttentionRun = { task: 'reverse', layers: 1, heads: 28, length: 8, examples: 1, snapshotEverySteps: 20 };

const panelOf = (page: Page): Locator => page.getByRole('region', { name: 'Attention', exact: true });
const pane = (page: Page, letter: string): Locator => page.getByRole('region', { name: `pane ${letter}`, exact: true });
const stepOf = async (page: Page, letter: string) => Number(await pane(page, letter).getAttribute('data-step'));
const slide = async (page: Page, letter: string, place: number) =>
  pane(page, letter)
    .getByRole('slider', { name: `pane ${letter}: step` })
    .fill(String(place));
/** The address is written by a timer of 400 ms; a longer one that starts later ends after it, however slow the machine is. */
const addressWritten = (page: Page) => page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 600)));

describeInBrowser('attention side by side', () => {
  let app: TestApp;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let runs: Record<'small' | 'large' | 'long' | 'many', Awaited<ReturnType<typeof playAttentionRun>>>;
  let page: Page;

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root } });
    const play = (run: AttentionRun, toStep: number) => playAttentionRun(app.address, (c) => app.hub.create(you, c), run, toStep);
    runs = {
      small: await play(small, 240),
      large: await play(large, 480),
      long: await play(long, 20),
      many: await play(many, 20),
    };
    for (const run of Object.values(runs)) await run.end();
    browser = await openBrowser();
    page = await browser.browser.newPage({ viewport: { width: 1440, height: 1000 } });
    page.on(
      'framenavigated',
      () => void page.addStyleTag({ content: '.sticky { position: static !important }' }).catch(() => {}),
    );
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await app?.close();
  });

  const open = async (runId: string, query = '') => {
    await page.goto(`${app.url}/runs/${runId}?tabs=attention${query}`);
    await page.getByTestId('attention-step').waitFor();
  };

  it('begins with the first step beside the one shown; moving a linked pane moves the page, an unlinked one stays', async () => {
    await open(runs.small.runId, '&step=120');
    await panelOf(page).getByRole('button', { name: 'compare', exact: true }).click();
    // By which panes are aligned: not the loss of their step.
    await pane(page, 'B')
      .getByText(/^lowest loss \d/)
      .waitFor();
    await expect.poll(() => stepOf(page, 'B')).toBe(120);
    expect(await stepOf(page, 'A')).toBe(0);
    await slide(page, 'B', 10);
    await expect.poll(() => page.getByTestId('attention-step').getAttribute('data-step')).toBe('200');
    await expect.poll(() => stepOf(page, 'B')).toBe(200);
    expect(await stepOf(page, 'A')).toBe(0);
    await slide(page, 'A', 1);
    await expect.poll(() => stepOf(page, 'A')).toBe(20);
    expect(await stepOf(page, 'B')).toBe(200);
  });

  it('another run with other heads: the panes go together, sizes that differ are said, and there is no difference of them', async () => {
    await pane(page, 'A').getByRole('combobox', { name: 'pane A: run' }).selectOption(runs.large.runId);
    await pane(page, 'A').getByRole('button', { name: 'pane A: moves with the others' }).click();
    await expect.poll(() => stepOf(page, 'A')).toBe(200);
    await slide(page, 'A', 3);
    // Each pane shows the nearest snapshot it has until its own has arrived.
    await expect.poll(() => Promise.all([stepOf(page, 'A'), stepOf(page, 'B')])).toEqual([120, 120]);
    await expect
      .poll(() => page.getByTestId('panes').textContent())
      .toContain('A has 3 × 2 heads of 8 × 8, B has 2 × 2 heads of 8 × 8');
    await page.getByRole('combobox', { name: 'difference' }).selectOption('1,0');
    const difference = page.locator('[data-pane=difference]');
    await expect
      .poll(() => difference.textContent())
      .toContain('B has 2 × 2 heads of 8 × 8, A has 3 × 2 heads of 8 × 8: there is no difference cell by cell');
  });

  it('one head in each: their signed difference cell by cell, one pointer, and the link brings all of it back', async () => {
    await pane(page, 'A').getByRole('combobox', { name: 'pane A: heads' }).selectOption('2.1');
    await pane(page, 'B').getByRole('combobox', { name: 'pane B: heads' }).selectOption('0.0');
    const difference = page.locator('[data-pane=difference]');
    await difference.locator('canvas').waitFor();
    const T = small.length;
    const cellOf = (run: AttentionRun, head: number, query: number, key: number) =>
      attentionMaps(run, 120)[(head * T + query) * T + key]!;
    await pane(page, 'A').getByRole('gridcell').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    const value = (letter: string) => pane(page, letter).getByTestId('pane-value').textContent();
    await expect.poll(() => value('A')).toContain(cellOf(large, 5, 1, 1).toFixed(4));
    expect(await value('B')).toContain(cellOf(small, 0, 1, 1).toFixed(4));
    const seen = () =>
      difference
        .locator('canvas')
        .evaluate((c: HTMLCanvasElement) => [
          ...new Uint32Array(c.getContext('2d')!.getImageData(0, 0, c.width, c.height).data.buffer),
        ]);
    const scale = colorScale({ kind: 'unit', quantity: 'difference', keys: 2, peak: 1, sequential: 'viridis', theme: 'light' });
    const [a, b] = [attentionMaps(large, 120), attentionMaps(small, 120)];
    const pixels = Array.from({ length: T * T }, (_, n) => pixelOf(scale, Math.fround(b[n]! - a[5 * T * T + n]!)));
    await expect.poll(seen).toEqual(pixels);
    await expect.poll(() => page.url()).toContain('comparison');
    await addressWritten(page);
    const link = page.url();
    const second = await browser.browser.newPage({ viewport: { width: 1440, height: 1000 } });
    await second.goto(link);
    await second.locator('[data-pane=difference] canvas').waitFor();
    await expect.poll(() => Promise.all([stepOf(second, 'A'), stepOf(second, 'B')])).toEqual([120, 120]);
    await expect.poll(() => pane(second, 'A').getByRole('combobox', { name: 'pane A: heads' }).inputValue()).toBe('2.1');
    await expect.poll(() => second.getByRole('combobox', { name: 'difference' }).inputValue()).toBe('1,0');
    await second.close();
  });

  it('every pane as a table; on a phone they stand below each other and nothing scrolls sideways', async () => {
    await panelOf(page).getByRole('button', { name: 'as a table' }).click();
    const T = small.length;
    const cells = await pane(page, 'B').getByTestId('map-table').locator('td').allTextContents();
    expect(cells).toEqual(Array.from(attentionMaps(small, 120).subarray(0, T * T), (v) => v.toFixed(3)));
    await panelOf(page).getByRole('button', { name: 'as a map' }).click();
    await addressWritten(page);
    const context = await browser.browser.newContext({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    const phone = await context.newPage();
    await phone.goto(page.url());
    await pane(phone, 'B').locator('canvas').waitFor();
    const [first, second] = await Promise.all(['A', 'B'].map((l) => pane(phone, l).boundingBox()));
    expect(second!.y).toBeGreaterThanOrEqual(first!.y + first!.height);
    expect(await phone.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await context.close();
  });

  it('where runs are compared: panes over one cursor, of equal loss, in the link', async () => {
    await page.goto(`${app.url}/compare?runs=${runs.small.runId},${runs.large.runId}`);
    await pane(page, 'B').locator('canvas').waitFor();
    await page.getByRole('combobox', { name: 'linked panes' }).selectOption('equal loss');
    await slide(page, 'B', 4);
    await expect.poll(() => stepOf(page, 'B')).toBe(160);
    // Both runs were played with the same losses: the same loss is the same step, recorded every 20 here and every 40 there.
    await expect.poll(async () => Math.abs((await stepOf(page, 'A')) - 160) <= 20).toBe(true);
    const link = page.url();
    await page.goto('about:blank');
    await page.goto(link);
    await expect.poll(() => stepOf(page, 'B')).toBe(160);
    await expect.poll(() => page.getByRole('combobox', { name: 'linked panes' }).inputValue()).toBe('equal loss');
    // On paper no pane is cut into two.
    await page.emulateMedia({ media: 'print' });
    for (const letter of ['A', 'B'])
      expect(await pane(page, letter).evaluate((e) => getComputedStyle(e).breakInside)).toBe('avoid');
    await page.emulateMedia({ media: null });
  });

  it('a brush over the scatter shows exactly those heads; points stand where the signals say', async () => {
    await open(runs.large.runId, '&step=480');
    const panel = panelOf(page);
    await panel.getByRole('button', { name: 'scatter', exact: true }).click();
    const scatter = panel.getByTestId('head-scatter');
    await scatter.waitFor();
    await scatter.scrollIntoViewIfNeeded();
    const points = await scatter.locator('[data-point]').evaluateAll((all) =>
      all.map((p) => {
        const b = p.getBoundingClientRect();
        return { head: p.getAttribute('data-point')!, x: b.x + b.width / 2, y: b.y + b.height / 2 };
      }),
    );
    expect(points).toHaveLength(6);
    const box = (await scatter.boundingBox())!;
    // Between the two neighbours that are furthest apart, so that no point stands on the edge.
    const xs = points.map((p) => p.x).sort((p, q) => p - q);
    const widest = xs.slice(1).reduce((best, x, n) => (x - xs[n]! > xs[best + 1]! - xs[best]! ? n : best), 0);
    const [left, right] = [box.x + 42, (xs[widest]! + xs[widest + 1]!) / 2];
    const inside = points.filter((p) => p.x < right).map((p) => p.head);
    await page.mouse.move(left, box.y + 10);
    await page.mouse.down();
    await page.mouse.move(right, box.y + box.height - 36, { steps: 4 });
    await page.mouse.up();
    const hidden = panel.getByRole('checkbox', { name: /^show layer/, checked: false });
    await panel.getByRole('button', { name: 'table', exact: true }).click();
    await expect.poll(() => hidden.count()).toBe(6 - inside.length);
    for (const head of inside) {
      const [l, h] = head.split('.').map(Number);
      const box = panel.getByRole('checkbox', { name: `show layer ${l! + 1} head ${h! + 1}`, exact: true });
      await expect.poll(() => box.isChecked(), { message: head }).toBe(true);
    }
    await panel.getByRole('button', { name: 'show all 6' }).click();
  });

  it('likeness: matched with another run, every head has its own partner; flow: as many lines as the table says', async () => {
    const panel = panelOf(page);
    await panel.getByRole('button', { name: 'likeness', exact: true }).click();
    await panel.getByRole('combobox', { name: 'compared with' }).selectOption(runs.small.runId);
    const rows = panel.getByTestId('head-pairs').locator('tbody tr');
    await expect.poll(() => rows.count()).toBe(6);
    const partners = (await rows.locator('td:nth-of-type(1)').allTextContents()).filter((t) => t !== 'none left');
    expect([partners.length, new Set(partners).size]).toEqual([4, 4]);
    await panel.getByRole('button', { name: 'flow', exact: true }).click();
    const label = await panel.getByTestId('flow').getAttribute('aria-label');
    await panel.getByRole('button', { name: 'as a table' }).click();
    const kept = await panel.getByTestId('flow-table').locator('tbody tr td:nth-of-type(2)').allTextContents();
    const lines = kept.reduce((n, t) => n + t.split(', ').length, 0);
    expect(label).toBe(`flow through 3 layers of 8 tokens, ${lines} lines`);
    for (const t of kept) {
      const weights = t.split(', ').map((e) => Number(e.split(': ')[1]));
      expect(weights.reduce((a, b) => a + b)).toBeGreaterThan(0.68);
      expect(weights.slice(0, -1).reduce((a, b) => a + b, 0)).toBeLessThan(0.72);
    }
    await panel.getByRole('button', { name: 'as a map' }).click();
  });

  it('150 tokens: buttons and keys zoom, the walked cell stays in view and is read from exact data', async () => {
    await open(runs.long.runId);
    const map = panelOf(page).getByTestId('big-map');
    const grid = map.getByRole('grid');
    await expect.poll(() => grid.getAttribute('data-span')).toBe('150');
    await map.getByRole('button', { name: 'closer' }).click();
    await expect.poll(() => grid.getAttribute('data-span')).toBe('100');
    await map.getByRole('gridcell').focus();
    await page.keyboard.press('Control+End');
    const T = long.length;
    const value = attentionMaps(long, 20)[T * T - 1]!;
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
    await expect.poll(focused).toBe(`layer 1 head 1, query 150 to key 150, ${value.toFixed(2)}`);
    const [cell, frame] = await Promise.all([map.getByRole('gridcell').boundingBox(), grid.boundingBox()]);
    expect(cell!.x + cell!.width).toBeLessThanOrEqual(frame!.x + frame!.width + 1);
    expect(cell!.y + cell!.height).toBeLessThanOrEqual(frame!.y + frame!.height + 1);
    await page.keyboard.press('0');
    await expect.poll(() => grid.getAttribute('data-span')).toBe('150');
  });

  it('scaled per head it says that heads cannot be compared; a click on a ribbon goes to the step under it', async () => {
    await open(runs.small.runId);
    const panel = panelOf(page);
    await expect.poll(() => panel.getByTestId('color-bar').first().textContent()).not.toContain('not comparable');
    await panel.getByRole('combobox', { name: 'color scale' }).selectOption('head');
    await expect.poll(() => panel.getByTestId('color-bar').first().textContent()).toContain('per head: not comparable');
    const ribbons = panel.getByTestId('ribbons');
    await ribbons.scrollIntoViewIfNeeded();
    const box = (await ribbons.boundingBox())!;
    await page.mouse.click(box.x + box.width * 0.5, box.y + 4);
    await expect.poll(() => page.getByTestId('attention-step').getAttribute('data-step')).toBe('120');
  });

  it('28 heads of one layer stand in rows, each wide enough to be read, and every one is where it is pointed at', async () => {
    await open(runs.many.runId);
    const panel = panelOf(page);
    const grid = panel.getByRole('grid', { name: 'attention maps of the heads' });
    await expect.poll(() => grid.getByRole('row').count()).toBe(4);
    const cells = grid.getByRole('gridcell');
    expect(await cells.count()).toBe(28);
    const boxes = await Promise.all([0, 6, 7, 27].map(async (n) => (await cells.nth(n).boundingBox())!));
    expect(Math.min(...boxes.map((b) => b.width))).toBeGreaterThan(48);
    expect([boxes[1]!.y, boxes[2]!.x, boxes[3]!.y > boxes[2]!.y]).toEqual([boxes[0]!.y, boxes[0]!.x, true]);
    await page.mouse.click(boxes[3]!.x + 5, boxes[3]!.y + 5);
    await expect.poll(() => panel.getByTestId('large-title').textContent()).toBe('layer 1 head 28');
    await page.mouse.move(5, 5);
    await cells.nth(27).focus();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await expect.poll(() => panel.getByTestId('large-title').textContent()).toBe('layer 1 head 21');
    await panel.getByTitle('heads 8–14: click = alone, again = all').click();
    await expect.poll(() => grid.or(panel.getByRole('grid')).first().getByRole('gridcell').count()).toBe(7);
  });

  it.each(['light', 'dark'] as const)(
    'axe finds nothing serious: panes, every view of the heads, export and note popups open, %s',
    async (theme) => {
      const context = await browser.browser.newContext({
        viewport: { width: 1280, height: 900 },
        colorScheme: theme,
        reducedMotion: 'reduce',
      });
      const tab = await context.newPage();
      await tab.addInitScript((t) => localStorage.setItem('theme', t), theme);
      await tab.goto(`${app.url}/runs/${runs.large.runId}?tabs=attention`);
      await tab.getByTestId('attention-step').waitFor();
      await tab.addScriptTag({ path: axe });
      const serious = () =>
        tab.evaluate(async () => {
          type Axe = {
            run(where: unknown): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
          };
          const { violations } = await (window as unknown as { axe: Axe }).axe.run({
            include: [['section:has([data-testid=attention-step])'], ['[role=dialog]']].filter(([s]) =>
              document.querySelector(s!),
            ),
            // The dialog library's own focus guards: hidden from readers, they pass the focus on at once.
            exclude: [['[data-base-ui-focus-guard]']],
          });
          return violations
            .filter((v) => v.impact === 'serious' || v.impact === 'critical')
            .map((v) => `${v.id}: ${v.nodes.length} x ${v.nodes[0]!.html.slice(0, 200)}`);
        });
      const panel = panelOf(tab);
      for (const view of ['scatter', 'likeness', 'flow']) {
        await panel.getByRole('button', { name: view, exact: true }).click();
        await expect.poll(serious, { message: view }).toEqual([]);
      }
      await panel.getByRole('button', { name: 'export' }).click();
      await tab.getByRole('dialog').waitFor();
      expect(await serious(), 'export').toEqual([]);
      await tab.keyboard.press('Escape');
      await panel.getByRole('button', { name: 'compare', exact: true }).click();
      await pane(tab, 'B').locator('canvas').waitFor();
      await tab.getByRole('combobox', { name: 'difference' }).selectOption('1,0');
      await tab.locator('[data-pane=difference] canvas').waitFor();
      expect(await serious(), 'panes').toEqual([]);
      await context.close();
    },
    90_000,
  );
});
