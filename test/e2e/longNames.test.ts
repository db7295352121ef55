/** A run of a script with names and values longer than any column: nothing pushes anything else out of sight. */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser, openTab } from '~/test/support/browser';
import { root } from '~/test/support/root';
import { startScriptedTrainer } from '~/test/support/scriptedTrainer';
import { publishedSetup } from '~/test/support/setups';

const long = 'model.encoder.layers.11.self_attention.output.dense.dropout_probability';
const longPath = `a/very/long/key/that/does/not/end/because/somebody/joined/the/path/of/a/module/${long}`;

describeInBrowser('a run with long names', () => {
  let app: TestApp;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  let page: Page;

  const post = async (path: string, body: unknown) => {
    const answer = await fetch(`${app.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  };

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root } });
    const { runId } = await post('/api/runs', {
      key: 'long-names',
      notes: 'https://lab.example/a-link-without-a-blank/'.repeat(8),
      config: { lr: 3e-4, [longPath]: 0.1, name: 'an-unbreakable-value-'.repeat(8) },
      controls: [{ name: long, type: 'number', min: 0, default: 0.1 }],
    });
    const columns = ['input', 'target', 'a long name of a column'];
    await post('/api/runs/long-names/log', { loss: 2, [`${long}/of/every/part/norm`]: 1 });
    await post('/api/runs/long-names/table', { name: 'errors', columns, rows: [['x'.repeat(300), 'b', 1]] });
    ({ browser, close: closeBrowser } = await openBrowser());
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.addInitScript(() => localStorage.setItem('headroom.tour', 'seen'));
    await page.goto(`${app.url}/runs/${runId}`);
    await page.getByRole('slider', { name: 'Step', exact: true }).waitFor();
  }, 400_000);
  afterAll(async () => {
    await closeBrowser?.();
    await app?.close();
  });

  /** Whether all of a text is drawn inside another element, from left to right. */
  const whole = (text: Locator, inside: Locator) =>
    Promise.all([
      text.evaluate((e) => {
        const range = document.createRange();
        range.selectNodeContents(e);
        const { left, right } = range.getBoundingClientRect();
        return { left, right };
      }),
      inside.evaluate((e) => {
        const { left, right } = e.getBoundingClientRect();
        return { left, right };
      }),
    ]).then(([own, box]) => own.left >= box.left && own.right <= box.right + 0.5);

  it('Set-up shows every setting with its value', async () => {
    await openTab(page, 'Set-up');
    const part = page.getByRole('region', { name: 'Started with' });
    for (const text of [longPath, '0.1', '0.0003', 'an-unbreakable-value-'.repeat(8)])
      expect(await whole(part.getByText(text, { exact: true }), part), text).toBe(true);
    const script = page.getByRole('region', { name: 'Script' });
    expect(await whole(script.getByText(/^https:/), script)).toBe(true);
  });

  it('a control shows its whole name', async () => {
    const panel = page.getByRole('tabpanel', { name: 'Steer' });
    const name = panel.locator('label').getByText(long);
    expect(await whole(panel.locator('label', { hasText: long }), panel)).toBe(true);
    expect(
      await name
        .or(panel.locator('label', { hasText: long }))
        .first()
        .evaluate((e) => e.scrollWidth <= e.clientWidth),
    ).toBe(true);
  });

  it('every button of the panels is at least 24 pixels high and wide, and so is the way to all runs', async () => {
    await openTab(page, 'Curves');
    await page.getByRole('figure', { name: 'Loss', exact: true }).waitFor();
    await openTab(page, 'Activity');
    await page
      .getByRole('button', { name: /^Go to step / })
      .first()
      .waitFor();
    const targets = page.locator('header a[aria-label], :is(#main, #side) :is(button, summary, select, [role=tab])');
    const small = await targets.evaluateAll((all) =>
      all
        .filter((e) => {
          const { width, height } = e.getBoundingClientRect();
          return width > 0 && (width < 24 || height < 24);
        })
        .map((e) => e.getAttribute('aria-label') ?? e.textContent),
    );
    expect(small).toEqual([]);
    await openTab(page, 'Steer');
  });

  it('charts of parameters whose names begin and end alike are told apart by their titles, at 1280 and at 360 pixels', async () => {
    const names = ['query', 'key', 'value'].map((part) => `module.transformer.encoder.block_0.attention.${part}.kernel.weight`);
    await post('/api/runs/long-names/log', Object.fromEntries(names.map((name) => [name, 1])));
    for (const width of [1280, 360]) {
      const narrow = await browser.newPage({ viewport: { width, height: 800 } });
      await narrow.addInitScript(() => localStorage.setItem('headroom.tour', 'seen'));
      await narrow.goto(page.url());
      for (const name of names) {
        const figure = narrow.getByRole('figure', { name, exact: true });
        await figure.scrollIntoViewIfNeeded();
        const title = figure.getByTitle(name, { exact: true }).first();
        const end = title.locator('[aria-hidden]').last();
        expect(await whole(end, figure), name).toBe(true);
        expect(name.endsWith((await end.textContent())!)).toBe(true);
        expect(await title.locator('.sr-only').textContent()).toBe(name);
      }
      await narrow.close();
    }
  });

  it('on a phone, the settings of a sweep and the groups of series are there with their whole names', async () => {
    await post('/api/runs', { key: 'another-run', config: { lr: 1e-3, [longPath]: 0.2, last: 1 } });
    const phone = await browser.newPage({ viewport: { width: 360, height: 640 } });
    await phone.addInitScript(() => localStorage.setItem('headroom.tour', 'seen'));
    await phone.goto(`${app.url}/?as=charts`);
    await phone.getByText(/^Axes: /).click();
    const settings = phone.getByRole('group', { name: 'Settings that differ' });
    expect(await whole(settings.getByText(longPath), settings)).toBe(true);
    expect(await whole(settings, phone.locator('body'))).toBe(true);
    const learningRate = phone.getByRole('checkbox', { name: 'lr', exact: true });
    await phone.route(/runs\.points/, () => {});
    await learningRate.click();
    // At once: the answer, which is held back here, brings the numbers.
    expect(await learningRate.isChecked()).toBe(false);
    await phone.goto(page.url().split('?')[0]!);
    const group = phone.getByRole('button', { name: `${long}/of/every/part` });
    expect(await whole(group.getByText(long), group)).toBe(true);
    await phone.close();
  });

  it('a chart in full screen has its whole name, and the list the time at which a long name started a run', async () => {
    const token = {
      name: 'a token of a script whose name is as long as forty letters',
      scope: 'operator',
      expiresInMs: null,
    } as const;
    const { secret } = await connect({ url: app.url }).team.makeToken.mutate(token);
    const headers = { authorization: `Bearer ${secret}` };
    const body = JSON.stringify({ key: 'long-series', name: 'Long series' });
    const opened = await fetch(`${app.url}/api/runs`, { method: 'POST', headers, body });
    const { runId } = (await opened.json()) as { runId: string };
    const series = 'the_norm_of_every_weight_after_clipping_and_projection_of_the_whole_model';
    await post('/api/runs/long-series/log', { [series]: 1 });
    const wide = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await wide.goto(app.url);
    const row = wide.getByRole('row', { name: /Long series/ });
    expect(await whole(row.getByText(/ ago$|now$/).last(), row.getByRole('cell').filter({ hasText: token.name }))).toBe(true);
    await wide.close();
    const phone = await browser.newPage({ viewport: { width: 360, height: 640 } });
    await phone.addInitScript(() => localStorage.setItem('headroom.tour', 'seen'));
    await phone.goto(`${app.url}/runs/${runId}`);
    const figure = phone.getByRole('figure', { name: series });
    await figure.getByRole('button', { name: /^Full screen/ }).click();
    const title = figure.locator('figcaption > span').first();
    await expect.poll(() => title.evaluate((e) => e.scrollWidth - e.clientWidth)).toBe(0);
    await phone.close();
  });

  it('a name from right to left is cut at its end, in the list and in its header', async () => {
    const name = `مرحبا ${'run_without_a_space_'.repeat(3)}`;
    const { runId } = await post('/api/runs', { key: 'right-to-left', name });
    const other = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    /** Whether the first letters lie inside of their box. */
    const begins = (shown: Locator) =>
      shown.evaluate((e) => {
        const range = document.createRange();
        const text = document.createTreeWalker(e, NodeFilter.SHOW_TEXT).nextNode()!;
        range.setStart(text, 0);
        range.setEnd(text, 5);
        const [own, box] = [range.getBoundingClientRect(), e.getBoundingClientRect()];
        return own.left >= box.left && own.right <= box.right + 0.5;
      });
    await other.goto(app.url);
    expect(await begins(other.getByRole('link', { name }).locator('span[aria-hidden]').first())).toBe(true);
    await other.goto(`${app.url}/runs/${runId}`);
    expect(await begins(other.getByRole('heading', { name }))).toBe(true);
    await other.close();
  });

  it('what is chosen is told from the rest where people choose the colors, and colors of data stay', async () => {
    await openTab(page, 'Curves');
    await page.emulateMedia({ forcedColors: 'active' });
    const line = (tab: string) =>
      page.getByRole('tab', { name: tab, exact: true }).evaluate((e) => getComputedStyle(e).borderBottomColor);
    expect(await line('Curves')).not.toBe(await line('Set-up'));
    const key = page.getByRole('figure', { name: 'Loss', exact: true }).locator('li span[style]').first();
    expect(await key.evaluate((e) => getComputedStyle(e).borderTopColor)).toMatch(/^rgb\((?!0, 0, 0|255, 255, 255)/);
    await page.emulateMedia({ forcedColors: null });
  });

  it('with the large type of Present, the header of a run that trains is one line', async () => {
    const setup = publishedSetup('reverse', {}, { name: 'reverse with a name of eighty letters '.repeat(2) });
    const { runId } = await app.hub.create({ id: 'local', name: 'You', role: 'admin' }, setup);
    const trainer = await startScriptedTrainer(app.address, { stepMs: 20 });
    const other = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await other.goto(`${app.url}/runs/${runId}?layout=present`);
    await other.getByText('left', { exact: true }).waitFor();
    const middle = (shown: Locator) =>
      shown.evaluate((e) => (({ top, bottom }) => (top + bottom) / 2)(e.getBoundingClientRect()));
    const bell = await middle(other.getByRole('button', { name: 'Notifications' }));
    for (const shown of [other.getByRole('heading', { level: 1 }), other.getByTestId('step')])
      expect(Math.abs((await middle(shown)) - bell)).toBeLessThan(4);
    await other.close();
    trainer.close();
  });

  it('a table with a long cell scrolls to its other columns', async () => {
    await openTab(page, 'Samples');
    const table = page.getByRole('figure', { name: 'errors' }).getByRole('table');
    await table.getByRole('columnheader', { name: 'target' }).scrollIntoViewIfNeeded();
    const box = table.locator('xpath=..');
    expect(await whole(table.getByRole('columnheader', { name: 'target' }), box)).toBe(true);
  });
});
