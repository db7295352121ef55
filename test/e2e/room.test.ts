import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { describeInBrowser, openBrowser, openTab, temporaryFolder } from '~/test/support/browser';
import { freePort, type Product, pauseEarly, startProduct } from '~/test/support/product';

/** Pixels of the first canvas in there, as text. */
const pixels = (where: Locator): Promise<string> =>
  where
    .locator('canvas')
    .first()
    .evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
const stepOf = async (page: Page): Promise<number> => Number((await page.getByTestId('step').textContent())!.replaceAll(',', ''));
/** On every machine the same backend, and not the quickest: the run must not be over before it is paused. */
const env = { HEADROOM_BACKEND: 'wasm' };

describeInBrowser('the room, as a user starts it', () => {
  const folder = temporaryFolder();
  let product: Product;
  let port: number;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let ada: Page;
  let bob: Page;

  beforeAll(async () => {
    port = await freePort();
    [product, browser] = await Promise.all([startProduct({ dataFolder: folder.path, port, env }), openBrowser()]);
    ada = await (await browser.browser.newContext()).newPage();
    bob = await (await browser.browser.newContext()).newPage();
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await product?.stop();
    folder.remove();
  });

  it('npm start on an empty folder shows a run in progress; its curve grows and its attention changes', async () => {
    const client = connect({ url: product.url });
    const runId = await pauseEarly(client, 'Reverse');
    await ada.goto(product.url);
    await ada.getByRole('link', { name: 'Reverse' }).first().click();
    await ada.waitForURL(`**/runs/${runId}`);
    await ada.getByTestId('status').getByText('paused').waitFor();
    await client.runs.command.mutate({ kind: 'act', id: 'resume-first-run', runId, action: 'resume', args: {} });
    await expect.poll(() => stepOf(ada)).toBeGreaterThan(50);
    await ada.getByLabel('Layout').selectOption('review');
    const loss = ada.getByRole('figure', { name: 'Loss', exact: true });
    const attention = ada.getByRole('region', { name: 'Attention', exact: true });
    const [curve, map] = [await pixels(loss), await pixels(attention)];
    const step = await stepOf(ada);
    await expect.poll(() => pixels(loss)).not.toBe(curve);
    await expect.poll(() => pixels(attention)).not.toBe(map);
    await expect.poll(() => stepOf(ada)).toBeGreaterThan(step);
  });

  it('two people see that two watch', async () => {
    await bob.goto(ada.url());
    await openTab(ada, 'Steer');
    await openTab(bob, 'Evaluations');
    for (const page of [ada, bob]) await expect.poll(() => page.getByTestId('watchers').textContent()).toBe('2');
  });

  it('paused, the test set runs, and the run stands where it stood', async () => {
    await ada.getByRole('button', { name: 'Pause', exact: true }).first().click();
    await expect.poll(() => bob.getByTestId('status').textContent()).toContain('paused');
    const step = await stepOf(bob);
    await ada.getByRole('button', { name: 'Evaluate' }).click();
    await bob.getByRole('rowheader', { name: 'test', exact: true }).first().waitFor();
    expect(await stepOf(bob)).toBe(step);
  });

  it('a clip value that one sets is applied in front of the other, old and new', async () => {
    const field = ada.getByLabel('Clip value', { exact: true });
    await field.fill('1');
    await field.press('Enter');
    await openTab(bob, 'Activity');
    const seen = bob.getByTestId('activity').locator('li', { hasText: 'Clip value → 1' });
    await expect.poll(() => seen.first().textContent()).toContain('applied: 5 → 1');
    await openTab(bob, 'Steer');
    await expect.poll(() => bob.getByLabel('Clip value', { exact: true }).inputValue()).toBe('1');
  });

  it('a value that does not fit is refused beside its field, by name', async () => {
    const field = ada.getByLabel('Clip value', { exact: true });
    await field.fill('-3');
    await field.press('Enter');
    await expect
      .poll(() =>
        ada
          .getByText(/-3.*does not fit/)
          .first()
          .isVisible(),
      )
      .toBe(true);
    await field.press('Escape');
  });

  it('a restarted server finds the run whole: open pages come back, it goes on and ends, no step is missing or twice', async () => {
    const step = await stepOf(ada);
    await product.stop();
    await expect.poll(() => ada.getByText(/connection to the server broke/).isVisible()).toBe(true);
    product = await startProduct({ dataFolder: folder.path, port, env });
    await expect.poll(() => ada.getByText(/connection to the server broke/).isVisible()).toBe(false);
    await expect.poll(() => bob.getByTestId('status').textContent()).toContain('paused');
    expect(await stepOf(bob)).toBe(step);
    await bob.getByRole('button', { name: 'Resume', exact: true }).first().click();
    await expect.poll(() => ada.getByTestId('status').textContent(), { timeout: 240_000 }).toContain('finished');

    const { runs } = connect({ url: product.url });
    const run = (await runs.list.query()).find(({ name }) => name === 'Reverse');
    expect(run).toMatchObject({ status: 'finished', step: 3900, evaluated: { split: 'test', value: 1 } });
    const range = await runs.range.query({ runId: run!.runId, series: ['loss'], fromStep: 0, toStep: null, buckets: 3900 });
    const loss = range.series[0]!;
    expect([range.headStep, loss.bucketSteps, loss.rows.length, new Set(loss.rows)]).toEqual([3900, 1, 3900, new Set([1])]);
  }, 420_000);

  it('the finished run is scrubbed: curves, attention and predictions go to a recorded step', async () => {
    const field = ada.getByRole('region', { name: 'Timeline' }).getByRole('textbox').first();
    const map = await pixels(ada.getByRole('region', { name: 'Attention', exact: true }));
    await field.fill('0');
    await field.press('Enter');
    await expect.poll(() => ada.getByTestId('attention-step').getAttribute('data-step')).toBe('0');
    await expect.poll(() => pixels(ada.getByRole('region', { name: 'Attention', exact: true }))).not.toBe(map);
  });
});
