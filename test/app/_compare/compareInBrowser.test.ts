/** Two runs on one page: their charts have the toolbar, the menu and the marks of a run's own page. */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { build } from '~/server/process/build';
import type { TrainerEvent } from '~/shared/events';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { root } from '~/test/support/root';
import { publishedSetup } from '~/test/support/setups';
import { TrainerClient } from '~/test/support/trainerClient';

const local = { id: 'local', name: 'You', role: 'admin' } as const;
const rows = 400;

describeInBrowser('the comparison of two runs', { timeout: 240_000 }, () => {
  let app: TestApp;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  let page: Page;
  const trainers: TrainerClient[] = [];

  /** A run whose series of this name has the role, and which has a second series, val/ppl. */
  async function run(name: string, loss: string, role: 'loss' | null = 'loss', count = rows): Promise<string> {
    const { runId } = await app.hub.create(local, { ...publishedSetup('reverse'), name });
    const trainer = await TrainerClient.connect(app.address);
    trainers.push(trainer);
    trainer.ready();
    await trainer.assigned();
    const series: TrainerEvent = {
      type: 'series',
      stream: 'train',
      columns: [{ name: loss, ...(role && { role }) }, { name: 'val/ppl' }],
    };
    await trainer.send(
      {
        type: 'started',
        step: 0,
        device: { device: 'laptop', software: 'x' },
        controls: { values: [], actions: [] },
        values: {},
      },
      { type: 'status', status: 'running', step: 0, message: '' },
      series,
      {
        type: 'rows',
        stream: 'train',
        steps: { first: 0, count },
        values: Float64Array.from({ length: 2 * count }, (_, i) => (i % 2 ? 30 - i / 100 : 3 - i / 500)),
      },
      { type: 'alert', step: 100, level: 'warning', kind: 'loss-spike', message: `${name} has a spike` },
    );
    return runId;
  }
  const open = async (query: string): Promise<Page> => {
    const opened = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await opened.goto(`${app.url}/compare?${query}`);
    return opened;
  };
  const figures = (p: Page) =>
    p
      .getByRole('region', { name: 'Curves', exact: true })
      .locator('figure')
      .evaluateAll((all) => all.map((f) => f.querySelector('figcaption span')?.textContent));
  const legend = (p: Page, chart: string) =>
    p
      .getByRole('figure', { name: chart, exact: true })
      .locator('figcaption li')
      .evaluateAll((all) => all.map((item) => item.querySelector('button')?.firstChild?.nextSibling?.textContent));

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root } });
    ({ browser, close: closeBrowser } = await openBrowser());
    page = await open(`runs=${await run('Ours', 'train/perte')},${await run('Theirs', 'loss')}`);
  }, 600_000);
  afterAll(async () => {
    await closeBrowser?.();
    for (const trainer of trainers) trainer.close();
    await app?.close();
  });

  it('a long setting or value breaks its line: the columns of all runs are in sight', async () => {
    const openRun = async (name: string) => {
      const config = { ['k'.repeat(200)]: name.repeat(60) };
      const answer = await fetch(`${app.url}/api/runs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ key: `long-${name}`, name, config }),
      });
      return ((await answer.json()) as { runId: string }).runId;
    };
    const other = await open(`runs=${await openRun('one')},${await openRun('two')}`);
    const table = other.getByRole('region', { name: 'Results and set-ups side by side' });
    await table.getByRole('columnheader', { name: 'two' }).waitFor();
    expect(await table.evaluate((e) => e.scrollWidth - e.clientWidth)).toBe(0);
    await other.close();
  });

  it('says of a run that it is in the trash, and that it was deleted while the page was open', async () => {
    const answer = await fetch(`${app.url}/api/runs`, { method: 'POST', body: '{"key": "to-be-deleted", "name": "short"}' });
    const { runId } = (await answer.json()) as { runId: string };
    await fetch(`${app.url}/api/runs/${runId}/finish`, { method: 'POST', body: '{}' });
    const other = await open(`runs=${new URL(page.url()).searchParams.get('runs')},${runId}`);
    const chip = other.getByRole('list', { name: 'Runs compared' }).getByRole('listitem').filter({ hasText: 'short' });
    await chip.getByText('finished').waitFor();
    expect(await chip.getByText('in the trash').count()).toBe(0);
    const { runs } = connect({ url: app.url });
    await runs.label.mutate({ runId, trashed: true });
    await chip.getByText('in the trash', { exact: true }).waitFor();
    await runs.remove.mutate({ runId });
    await chip.getByText('the run was deleted for good: what you see is as it was then').waitFor();
    expect(await chip.getByText('in the trash').count()).toBe(0);
    await other.close();
  });

  it('the palette begins a new comparison on a page that compares, and the address is that of what is shown', async () => {
    const other = await open(new URL(page.url()).search.slice(1));
    const compared = other.getByRole('list', { name: 'Runs compared' }).getByText(/^(Ours|Theirs)$/);
    await expect.poll(() => compared.count()).toBe(2);
    await other.getByText('connected', { exact: true }).waitFor({ state: 'attached' });
    await other.keyboard.press('Control+k');
    await other.getByRole('dialog').getByRole('combobox').fill('Compare runs');
    await other.getByRole('option', { name: 'Compare runs' }).click();
    await expect.poll(() => new URL(other.url()).searchParams.get('runs') ?? '').toBe('');
    // Behind an open palette no list can be found.
    await other.getByRole('dialog').waitFor({ state: 'detached' });
    await expect.poll(() => compared.count()).toBe(0);
    await other.close();
  });

  it('series of one role share a chart, whatever their names; others are compared by name', async () => {
    await expect.poll(() => figures(page)).toEqual(['Loss', 'val/ppl']);
    await expect.poll(() => legend(page, 'Loss')).toEqual(['Ours', 'Theirs']);
  });

  it('the toolbar is that of a run: smoothing, axes, search, marks', async () => {
    await page.getByRole('slider', { name: 'Smooth' }).fill('5');
    await page.getByRole('button', { name: 'Log x' }).click();
    await page.getByRole('combobox', { name: 'aligned by' }).selectOption('time');
    await page.waitForURL(/smooth=20&logx=1&x=time/);
    await page.getByRole('combobox', { name: 'aligned by' }).selectOption('step');
    await page.getByRole('button', { name: 'Log x' }).click();
    await page.getByRole('searchbox').fill('ppl');
    await expect.poll(() => figures(page)).toEqual(['val/ppl']);
    await page.getByRole('searchbox').fill('');
    await page.getByRole('button', { name: 'Marks' }).click();
    await page.getByText('a command was refused').waitFor();
    await page.keyboard.press('Escape');
  });

  it('beside a run without a loss, the others are aligned by equal loss; a pin of another axis is dropped, and nothing leaves the window', async () => {
    const other = await open(
      `runs=${new URL(page.url()).searchParams.get('runs')},${await run('Rewards of a run with a longer name', 'reward', null, 150)}`,
    );
    const loss = other.locator('figure').first();
    await loss.locator('[data-plot]').click({ position: { x: 500, y: 60 } });
    await loss.locator('[data-tooltip]').waitFor();
    await other.getByLabel('aligned by').selectOption('equal loss');
    await other
      .getByRole('status')
      .getByText(/^Rewards of .*: never at a loss of/)
      .waitFor();
    expect(await other.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
    // The newest values again.
    await other.mouse.move(0, 0);
    await expect.poll(() => loss.locator('[data-reads]').allTextContents()).toEqual(['1.404', '1.404']);
    // On a phone, that one run is not as far breaks its line.
    await other.getByLabel('aligned by').selectOption('step');
    await other.setViewportSize({ width: 360, height: 740 });
    const plot = other.getByRole('figure', { name: 'val/ppl', exact: true }).locator('[data-plot]');
    await plot.hover({ position: { x: 200, y: 60 } });
    const tip = other.locator('[data-tooltip]');
    await tip.getByText('of step 149').waitFor();
    expect(await tip.evaluate((e) => e.scrollWidth - e.clientWidth)).toBe(0);
    await other.close();
  });

  it('a chart is changed with the form of a run, and the link shows the same to others', async () => {
    await page.getByLabel('Save Loss as a file').click();
    await page.getByRole('menuitem', { name: 'Change series and range …' }).click();
    const form = page.getByRole('dialog', { name: 'Change Loss' });
    await form.getByLabel('Add a series').fill('val/ppl');
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    await form.getByRole('button', { name: 'Save' }).click();
    const lines = ['Ours train/perte', 'Ours val/ppl', 'Theirs loss', 'Theirs val/ppl'];
    await expect.poll(() => legend(page, 'Loss')).toEqual(lines);
    await page.waitForURL(/charts=/);
    const other = await open(new URL(page.url()).search.slice(1));
    await expect.poll(() => legend(other, 'Loss')).toEqual(lines);
    await other.close();
  });

  it('while the server cannot be reached, it says that what it shows may be old', async () => {
    const broken = page.getByRole('alert').getByText('The connection to the server broke: what you see may be old.');
    await page.context().setOffline(true);
    await broken.waitFor();
    await page.context().setOffline(false);
    await broken.waitFor({ state: 'detached' });
    await page.getByRole('status').getByText('connected').waitFor({ state: 'attached' });
  });

  it('a run keeps its color while others are left out and added, and in the link; one that is added takes a color that is free', async () => {
    const [ours, theirs] = new URL(page.url()).searchParams.get('runs')!.split(',');
    const late = await run('Late', 'loss');
    const other = await open(`runs=${ours},${theirs},${late}`);
    /** Name and color of each run among those compared, and of its line in the legend. */
    const colors = async () => {
      const of = (items: Locator) =>
        items.evaluateAll((all) =>
          Object.fromEntries(
            all.map((item) => {
              const dot = item.querySelector<HTMLElement>('[style]')!;
              const { backgroundColor, borderTopColor } = getComputedStyle(dot);
              const name = item.querySelector('a, button')!.textContent!.match(/^[A-Za-z]+/)![0];
              return [name, dot.style.background ? backgroundColor : borderTopColor];
            }),
          ),
        );
      const loss = other.getByRole('figure', { name: 'Loss', exact: true });
      return [
        await of(other.getByRole('list', { name: 'Runs compared' }).locator('li:has(a)')),
        await of(loss.locator('figcaption li')),
      ];
    };
    await expect
      .poll(async () => (await colors()).map((c) => Object.keys(c).sort()))
      .toEqual(Array(2).fill(['Late', 'Ours', 'Theirs']));
    const [first] = await colors();
    expect(await colors()).toEqual([first, first]);
    expect(new Set(Object.values(first!)).size).toBe(3);
    await other.getByRole('button', { name: 'Leave out Ours' }).click();
    const { Ours: free, ...kept } = first!;
    await expect.poll(colors).toEqual([kept, kept]);
    await other.reload();
    await expect.poll(colors).toEqual([kept, kept]);
    await run('Next', 'loss');
    await other.getByRole('button', { name: 'Add a run' }).click();
    await other.getByRole('button', { name: /^Next/ }).click();
    const all = { ...kept, Next: free };
    await expect.poll(colors).toEqual([all, all]);
    await other.close();
  });

  it('a right click says what can be done there; the marks of each run name it', async () => {
    const plot = page.getByRole('figure', { name: 'val/ppl', exact: true }).locator('[data-plot]');
    await plot.click({ button: 'right' });
    const items = page.getByRole('menuitem');
    await items.first().waitFor();
    expect((await items.allTextContents()).map((t) => t.replace(/[\d.,]+/g, '#').replace('Ours', 'Theirs'))).toEqual([
      'Pin step #',
      'Copy Theirs: #',
      'Save the picture (PNG)',
      'Save the numbers drawn (CSV)',
    ]);
    await page.keyboard.press('Escape');
    // The axis of a run that goes on has room for some more steps: it ends at 416.
    const { x, y, width } = (await plot.boundingBox())!;
    await page.mouse.move(x + (100 / 416) * width, y + 20);
    const tip = page.locator('[data-tooltip]');
    await expect.poll(() => tip.textContent()).toMatch(/Ours: .*Theirs: /);
  });
});
