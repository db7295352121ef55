/** Snapshots of a trainer that the pages know nothing of: what is shown follows from what a snapshot declares. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { maskedPixel } from '~/app/_charts/attention/raster';
import { build } from '~/server/process/build';
import { mapOf, parseAttentionSnapshot } from '~/shared/attentionSnapshot';
import type { TrainerEvent } from '~/shared/events';
import type { LayerShape } from '~/shared/snapshotFile';
import { startApp, type TestApp } from '~/test/support/app';
import { type AttentionRun, playAttentionRun } from '~/test/support/attentionRun';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { type Described, describedSnapshot } from '~/test/support/describedSnapshot';
import { publishedSetup } from '~/test/support/setups';
import { runStarted, startValues, steps } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';

const root = fileURLToPath(new URL('../../', import.meta.url));
const you = { id: 'local', name: 'You', role: 'admin' } as const;
const panelOf = (page: Page): Locator => page.getByRole('region', { name: 'Attention', exact: true });
const standing = (page: Page) => page.getByTestId('attention-step');
const shownStep = async (page: Page) => Number(await standing(page).getAttribute('data-step'));

const crossed: LayerShape[] = [
  { name: 'encoder', heads: 2, queries: 6, keys: 6 },
  { name: 'cross', heads: 3, queries: 3, keys: 6 },
];

/** A run whose trainer sends snapshots in the plain form. */
async function scripted(app: TestApp) {
  const trainer = await TrainerClient.connect(app.address);
  const setup = publishedSetup('reverse');
  const { runId } = await app.hub.create(you, { ...setup, name: 'a script of somebody' });
  trainer.ready();
  await trainer.assigned();
  const values = startValues(setup);
  await trainer.send(runStarted(0, values), { type: 'status', status: 'running', step: 0, message: '' });
  let step = 0;
  const snap = async (described: Described, signals: Record<string, number[]> = {}) => {
    const bytes = describedSnapshot({ ...described, step });
    const hash = createHash('sha256').update(bytes).digest('hex');
    await trainer.put({ hash, bytes });
    const event: TrainerEvent = {
      type: 'snapshot',
      step,
      blob: { hash, bytes: bytes.length },
      trigger: 'cadence',
      commandId: null,
      layers: described.layers,
      examples: described.examples?.length ?? 1,
      signals: Object.entries(signals).map(([name, v]) => ({ name, values: v })),
    };
    await trainer.send(event);
    return parseAttentionSnapshot(bytes);
  };
  const advance = async () => {
    await trainer.send(steps(step, 10, values));
    step += 10;
  };
  return { runId, trainer, snap, advance };
}

describeInBrowser('snapshots that describe themselves', () => {
  let app: TestApp;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let page: Page;
  const open: TrainerClient[] = [];

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root } });
    browser = await openBrowser();
    page = await browser.browser.newPage({ viewport: { width: 1440, height: 1000 } });
    page.on(
      'framenavigated',
      () => void page.addStyleTag({ content: '.sticky { position: static !important }' }).catch(() => {}),
    );
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    for (const trainer of open) trainer.close();
    await app?.close();
  });

  const signal = {
    name: 'loudness',
    title: 'loudness',
    meaning: 'how loud a head is',
    range: [0, 10] as [number, number],
    baseline: null,
    names: { title: 'the choir', atLeast: 9 },
  };

  it('of heads of which nothing is measured, no empty charts and choices are shown', async () => {
    const run = await scripted(app);
    open.push(run.trainer);
    await run.snap({ layers: crossed });
    await run.advance();
    await page.goto(`${app.url}/runs/${run.runId}?tabs=attention`);
    const over = panelOf(page).getByRole('region', { name: 'attention over steps' });
    await over.getByText('The trainer measures nothing about the heads of this run.').waitFor();
    expect([await over.getByRole('combobox').count(), await over.getByTestId('ribbons').count()]).toEqual([0, 0]);
    const heads = panelOf(page).getByRole('region', { name: 'heads', exact: true });
    await heads.getByText('scatter').click();
    await heads.getByText('The trainer measures nothing about the heads of this run.').waitFor();
    expect(await heads.getByRole('combobox').count()).toBe(0);
  });

  it('maps alone: layers of different sizes, labels and a signal as declared, and shapes that change', async () => {
    const run = await scripted(app);
    open.push(run.trainer);
    const labels: Partial<Described> = {
      axes: [
        { kind: 'text', items: ['the', 'old', 'cat', 'sat', 'down', '.'] },
        { kind: 'text', items: ['le', 'vieux', 'chat'] },
      ],
      examples: [{ name: 'a pair of sentences', keys: 0, queries: 1 }],
    };
    const first = await run.snap(
      {
        layers: crossed,
        ...labels,
        signals: [signal],
        signalValues: { loudness: [Float32Array.of(1, 2), Float32Array.of(3, 9.5, 5)] },
      },
      { loudness: [1, 2, 3, 9.5, 5] },
    );
    await page.goto(`${app.url}/runs/${run.runId}?tabs=attention`);
    await standing(page).waitFor();
    const panel = panelOf(page);
    const grid = panel.getByRole('grid', { name: /attention maps/ });
    await expect.poll(() => grid.getByRole('gridcell').count()).toBe(5);
    // No reader: nothing was declared to be read.
    await expect.poll(() => panel.locator('[data-answer]').count()).toBe(0);
    await expect.poll(() => panel.getByTestId('text-reader').count()).toBe(0);
    // The head table shows the declared signal, names the head that it names, and nothing else.
    const table = panel.getByRole('region', { name: 'table of heads' });
    await expect
      .poll(() => table.getByRole('button', { name: /^loudness/ }).getAttribute('title'))
      .toContain('how loud a head is');
    await expect.poll(() => table.getByText('the choir 9.50').count()).toBe(1);
    await expect.poll(() => table.getByRole('columnheader').count()).toBe(4);
    // A head of the cross layer: its own keys and queries, the number exact.
    await grid.locator('[data-head="1.2"]').focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => panel.getByTestId('large-title').textContent()).toBe('layer 2 head 3');
    const map = panel.getByTestId('big-map').getByRole('grid');
    expect([await map.getAttribute('aria-rowcount'), await map.getAttribute('aria-colcount')]).toEqual(['3', '6']);
    const box = (await map.boundingBox())!;
    await page.mouse.move(box.x + (1.5 * box.width) / 6, box.y + (2.5 * box.height) / 3);
    const weight = mapOf(first, 0, 1, 2)[2 * 6 + 1]!;
    await expect
      .poll(() => panel.getByTestId('readout').textContent())
      .toContain(`query 3 (chat) → key 2 (old): ${weight.toFixed(4)}`);
    await expect.poll(() => panel.getByTestId('readout').textContent()).toContain('exact');

    await run.advance();
    const larger = [...crossed, { name: 'decoder', heads: 1, queries: 3, keys: 3 }];
    await run.snap(
      { layers: larger, ...labels, signals: [signal], signalValues: { loudness: larger.map((l) => new Float32Array(l.heads)) } },
      { loudness: [0, 0, 0, 0, 0, 0] },
    );
    await expect.poll(() => shownStep(page)).toBe(10);
    await expect.poll(() => grid.getByRole('gridcell').count()).toBe(6);
    await expect.poll(() => panel.textContent()).toContain('Over 2 recorded steps');
  });

  it('causal text with likeliest next tokens has the text reader; what is masked is hatched and says so', async () => {
    const run = await scripted(app);
    open.push(run.trainer);
    const T = 6;
    const ids = [40_001, 17, 40_001, 3, 17, 5];
    await run.snap({
      layers: [{ name: 'block', heads: 2, queries: T, keys: T }],
      causal: true,
      axes: [{ kind: 'tokens', items: ids }],
      examples: [{ keys: 0, queries: 0 }],
      vocabulary: [
        [3, 'sat'],
        [5, 'internationally'],
        [17, ' cat'],
        [40_001, 'the'],
      ],
      answers: { kind: 'tokens' },
      targets: { data: Int32Array.of(17, 40_001, 3, 17, 5, -1), shape: [1, T] },
      predictions: {
        ids: Int32Array.of(17, 3, 3, 17, 3, 5, 17, 5, 5, 3, 3, 5),
        probabilities: new Float32Array(2 * T).map((_, n) => (n % 2 === 0 ? 0.75 : 0.25)),
        shape: [1, T, 2],
      },
    });
    await page.goto(`${app.url}/runs/${run.runId}?tabs=attention`);
    await standing(page).waitFor();
    const panel = panelOf(page);
    const reader = panel.getByTestId('text-reader');
    await reader.waitFor();
    const states = await reader.locator('[data-token]').evaluateAll((all) => all.map((e) => (e as HTMLElement).dataset.answer));
    expect(states).toEqual(['right', 'wrong', 'right', 'right', 'right', 'open']);
    await reader.locator('[data-token="1"]').hover();
    await expect
      .poll(() => reader.getByTestId('next-tokens').textContent())
      .toContain('likeliest after position 2, which the follows');
    await expect.poll(() => reader.getByTestId('next-tokens').getByRole('rowheader').allTextContents()).toEqual(['sat', '␣cat']);
    const texts = panel.getByTestId('big-map').locator('svg text');
    const word = (await texts.filter({ hasText: 'queries' }).boundingBox())!;
    // The last of the two labels is that of the row; the first is that of the column.
    const label = (await texts.filter({ hasText: 'intern…' }).last().boundingBox())!;
    expect(label.x).toBeGreaterThanOrEqual(word.x + word.width);
    const map = panel.getByTestId('big-map').getByRole('grid');
    const box = (await map.boundingBox())!;
    await page.mouse.move(box.x + (4.5 * box.width) / T, box.y + (1.5 * box.height) / T);
    await expect.poll(() => panel.getByTestId('readout').textContent()).toContain('masked, this query may not look at it');
    const seen = await map.locator('canvas').evaluate((element: HTMLCanvasElement) => {
      const { data } = element.getContext('2d')!.getImageData(0, 0, element.width, element.height);
      return { width: element.width, pixels: [...new Uint32Array(data.buffer)] };
    });
    // The canvas keeps colors multiplied by their opacity: what comes back of the gray is rounded, its opacity is not.
    for (let i = 0; i < T; i++)
      for (let j = 0; j < T; j++) {
        const opacity = seen.pixels[i * seen.width + j]! >>> 24;
        expect(opacity, `query ${i} key ${j}`).toBe(j > i ? maskedPixel(j, i) >>> 24 : 255);
      }
  });

  it('144 heads, 8 examples: below 500 kB are read to show one, exact numbers come when asked for, and no page is left blank', async () => {
    const large: AttentionRun = { task: 'reverse', layers: 12, heads: 12, length: 32, examples: 8, snapshotEverySteps: 20 };
    const create = (setup: Parameters<TestApp['hub']['create']>[1]) => app.hub.create(you, setup);
    const played = await playAttentionRun(app.address, create, large, 40);
    open.push(played.trainer);
    const { blob } = (await app.hub.view(played.runId))!.recent.snapshots.items.at(-1)!;
    let bytes = 0;
    const tab = await browser.browser.newPage({ viewport: { width: 1440, height: 1000 } });
    tab.on('response', async (response) => {
      if (response.url().endsWith(`/api/blobs/${blob.hash}`)) bytes += Number(response.headers()['content-length']);
    });
    await tab.goto(`${app.url}/runs/${played.runId}?tabs=attention`);
    await standing(tab).waitFor();
    await expect.poll(() => shownStep(tab)).toBe(40);
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThan(500_000);
    const map = panelOf(tab).getByTestId('big-map').getByRole('grid');
    const readout = panelOf(tab).getByTestId('readout');
    await map.scrollIntoViewIfNeeded();
    const box = (await map.boundingBox())!;
    await tab.mouse.move(box.x + 5, box.y + 5);
    await expect.poll(() => readout.textContent()).toContain('exact');
    // Every table of 144 rows is in a box that scrolls: what only screen readers see stays in it.
    const blank = await tab.evaluate(() => {
      const scrolled = [...document.querySelectorAll('main section')].map((s) => s.getBoundingClientRect().bottom);
      return document.documentElement.scrollHeight - (Math.max(...scrolled) + window.scrollY);
    });
    expect(blank).toBeLessThan(200);
    await tab.close();
  });
});
