/** A run that logs what it likes: its page shows what is there, by roles, and nothing about what is not. */
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from '~/server/process/build';
import type { TrainerEvent } from '~/shared/events';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser, openTab } from '~/test/support/browser';
import { publishedSetup } from '~/test/support/setups';
import { TrainerClient } from '~/test/support/trainerClient';

const local = { id: 'local', name: 'You', role: 'admin' } as const;
const status: TrainerEvent = { type: 'status', status: 'running', step: 0, message: '' };
const started: TrainerEvent = {
  type: 'started',
  step: 0,
  device: { device: 'laptop', software: 'PyTorch 2.9' },
  controls: { values: [], actions: [] },
  values: {},
};
const evaluated = (step: number, bleu: number, loss: number): TrainerEvent => ({
  type: 'evaluation',
  step,
  split: 'wiki/long',
  metrics: [
    { name: 'bleu', value: bleu, main: true, better: 'higher' },
    { name: 'nll', value: loss, role: 'loss' },
  ],
  trigger: 'cadence',
  commandId: null,
});

describeInBrowser('the curves of a run that logs what it likes', { timeout: 240_000 }, () => {
  let app: TestApp;
  let trainer: TrainerClient;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  let page: Page;

  /** A run with these events after its start, and its page. */
  async function open(name: string, ...events: TrainerEvent[]): Promise<Page> {
    const { runId } = await app.hub.create(local, { ...publishedSetup('reverse'), name });
    trainer = await TrainerClient.connect(app.address);
    trainer.ready();
    await trainer.assigned();
    await trainer.send(started, status, ...events);
    const opened = await browser.newPage({ viewport: { width: 1440, height: 1200 } });
    await opened.goto(`${app.url}/runs/${runId}`);
    return opened;
  }

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root: fileURLToPath(new URL('../../../../', import.meta.url)) } });
    ({ browser, close: closeBrowser } = await openBrowser());
    const every50 = Float64Array.from({ length: 200 }, (_, i) => i * 50 - 1);
    page = await open(
      'Sparse',
      {
        type: 'series',
        stream: 'train',
        columns: [
          { name: 'train/perte', role: 'loss' },
          { name: 'tokens', x: true },
        ],
      },
      { type: 'series', stream: 'val', columns: [{ name: 'val/ppl' }, { name: '__proto__' }] },
      {
        type: 'rows',
        stream: 'train',
        steps: { first: 0, count: 10_000 },
        values: Float64Array.from({ length: 20_000 }, (_, i) => (i % 2 ? (i >> 1) * 8192 : 3 - (i >> 1) / 5000)),
      },
      { type: 'rows', stream: 'val', steps: every50, values: Float64Array.from({ length: 400 }, (_, i) => 30 - i / 40) },
      evaluated(5000, 31.2, 1.2),
      evaluated(9000, 33.2, 1),
    );
  }, 600_000);
  afterAll(async () => {
    await closeBrowser?.();
    trainer?.close();
    await app?.close();
  });

  const charts = () =>
    page.locator('figure').evaluateAll((all) => all.map((f) => f.querySelector('figcaption span')?.textContent));

  it('are those of its roles and main metric, then its few others; nothing is said of accuracy, gradients or a clip value', async () => {
    await expect.poll(charts).toEqual(['Loss', 'bleu', 'tokens', '__proto__', 'ppl']);
    await expect.poll(() => page.getByText('does not record').count()).toBe(0);
    await expect.poll(() => page.getByText('clip', { exact: true }).count()).toBe(0);
    await expect.poll(() => page.getByRole('tab', { name: 'Gradients' }).count()).toBe(0);
    await expect.poll(() => page.locator('[data-reads="train/perte"]').textContent()).toBe('1.0002');
    await expect.poll(() => page.getByTestId('newest').textContent()).toBe('train/perte1.000');
  });

  it('the other series are in groups, found by key, group or label', async () => {
    const folds = () => page.locator('button[aria-expanded]').allTextContents();
    await expect
      .poll(async () => (await folds()).filter((t) => t.endsWith('series')))
      .toEqual(['no group2 series', 'val1 series']);
    await page.getByLabel(/^Search series/).fill('VAL/');
    await expect.poll(charts).toEqual(['ppl']);
    await expect.poll(() => page.locator('[data-reads="val/ppl"]').textContent()).toMatch(/\d/);
    // Logged every 50 steps: no value is missing.
    await expect.poll(() => page.getByText('NaN').count()).toBe(0);
    await page.getByLabel(/^Search series/).fill('');
  });

  it('between two of its rows a series says of which step its value is', async () => {
    await page.getByLabel(/^Search series/).fill('__proto__');
    const plot = page.locator('[data-plot]').first();
    await plot.scrollIntoViewIfNeeded();
    await expect.poll(() => page.locator('[data-reads="__proto__"]').textContent()).toMatch(/\d/);
    await plot.hover({ position: { x: 101, y: 40 } });
    await expect.poll(() => page.locator('[data-tooltip]').textContent()).toMatch(/of step [\d,]+[49]9/);
    await page.mouse.move(5, 5);
    await page.getByLabel(/^Search series/).fill('');
  });

  it('may be drawn over tokens, which the run flags as an x axis', async () => {
    const x = page.locator('select', { has: page.locator('option[value="series:tokens"]') });
    await expect.poll(() => x.locator('option').allTextContents()).toEqual(['step', 'tokens', 'time since start', 'wall time']);
    await x.selectOption('series:tokens');
    await expect.poll(() => page.locator('svg[data-layer="axes"]').first().textContent()).toContain('80M');
    await x.selectOption('step');
  });

  it('its evaluations are a table of its own metrics, the best marked', async () => {
    await openTab(page, 'Evaluations');
    await page.getByTestId('evaluations').waitFor();
    const cells = await page
      .getByTestId('evaluations')
      .locator('tr')
      .evaluateAll((rows) => rows.map((r) => [...r.children].map((c) => c.textContent)));
    expect(cells).toEqual([
      // The first is explained behind its question mark.
      ['Set?', 'Step', 'bleu', 'nll'],
      ['wiki/long', '9,000', '33.2', '1'],
      ['wiki/long', '5,000', '31.2', '1.2'],
    ]);
    await expect.poll(() => page.getByTestId('evaluations').locator('.text-good').allTextContents()).toEqual(['33.2']);
  });

  it('the list of runs has its best and its newest result', async () => {
    await page.goto(`${app.url}/`);
    await page.getByText('Sparse').first().waitFor();
    await expect.poll(() => page.locator('tbody tr').first().textContent()).toMatch(/33\.20 wiki\/long.*33\.20 wiki\/long/);
  });

  it('a run without any role stands open with what it has', async () => {
    trainer.close();
    page = await open(
      'Plain',
      { type: 'series', stream: 'mine', columns: [{ name: 'reward' }, { name: 'length' }] },
      { type: 'rows', stream: 'mine', steps: Float64Array.of(-3, 10 ** 12), values: Float64Array.of(1, 2, Number.NaN, 4) },
    );
    await expect.poll(charts).toEqual(['reward', 'length']);
    // NaN is a value, and shown as such; the other series has none.
    await expect.poll(() => page.locator('[data-reads="reward"]').textContent()).toBe('NaN');
    await expect.poll(() => page.getByText('1 NaN/∞').count()).toBe(1);
  });

  it('the labels of an axis of huge steps touch neither each other nor its name', async () => {
    trainer.close();
    const steps = Float64Array.from({ length: 15 }, (_, i) => 9_007_199_254_740_000 + 50 * i);
    page = await open(
      'Huge',
      { type: 'series', stream: 'mine', columns: [{ name: 'loss', role: 'loss' }] },
      { type: 'rows', stream: 'mine', steps, values: Float64Array.from(steps, (_, i) => i) },
    );
    const texts = page.getByRole('figure', { name: 'Loss', exact: true }).locator('[data-layer=axes] text');
    await texts
      .filter({ hasText: /^9,007,199,254,740/ })
      .nth(1)
      .waitFor();
    await page.evaluate(async () => void (await document.fonts.ready));
    const boxes = await texts.evaluateAll((all) => {
      const found = all.map((text) => text.getBoundingClientRect());
      const lowest = Math.max(...found.map((box) => box.bottom));
      return found.filter((box) => box.bottom > lowest - 3).map(({ left, right }) => ({ left, right }));
    });
    boxes.sort((p, q) => p.left - q.left);
    expect(boxes.length).toBeGreaterThan(3);
    for (const [i, { left }] of boxes.entries()) if (i > 0) expect(left).toBeGreaterThanOrEqual(boxes[i - 1]!.right);
  });

  it('the choices of a run’s charts and the open form for one are its own, also when the browser goes back to another run', async () => {
    const outliers = page.getByRole('button', { name: 'Ignore outliers', exact: true });
    const ignored = () => outliers.getAttribute('aria-pressed');
    const title = (name: string) => page.getByRole('heading', { level: 1, name }).waitFor();
    await title('Huge');
    await outliers.click();
    await expect.poll(() => page.url()).toContain('robust');
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').getByRole('combobox').fill('Sparse');
    await page.getByRole('option', { name: /Sparse/ }).click();
    await title('Sparse');
    await expect.poll(ignored).toBe('false');
    await page.getByRole('button', { name: 'Chart', exact: true }).click();
    const form = page.getByRole('dialog', { name: 'New chart' });
    await form.waitFor();
    await page.goBack();
    await title('Huge');
    await expect.poll(ignored).toBe('true');
    expect(await form.count()).toBe(0);
    await page.goForward();
    await title('Sparse');
    await expect.poll(ignored).toBe('false');
    await page.goto(page.url().split('?')[0]!);
    await title('Sparse');
    await expect.poll(ignored).toBe('false');
  });
});
