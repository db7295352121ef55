import { expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { describeInBrowser, openBrowser, openTab, temporaryFolder } from '~/test/support/browser';
import { freePort, startProduct } from '~/test/support/product';

const within = { timeout: 60_000 };

describeInBrowser('going back, and the queue, as a user does it', () => {
  it('a checkpoint’s Revert asks twice and takes the run back; waiting runs are moved and canceled', async () => {
    const folder = temporaryFolder();
    const env = { HEADROOM_BACKEND: 'wasm' };
    const [product, { browser }] = await Promise.all([
      startProduct({ dataFolder: folder.path, port: await freePort(), env }),
      openBrowser(),
    ]);
    try {
      const page = await (await browser.newContext()).newPage();
      const errors: string[] = [];
      page.on('pageerror', (e) => errors.push(e.message));
      const client = connect({ url: product.url });
      // The first runs are made once the server answers.
      const names = async () => (await client.runs.list.query()).map(({ name }) => name).sort();
      await expect.poll(names, within).toEqual(['Odd one out', 'Reverse']);
      const { runId } = (await client.runs.list.query()).find(({ name }) => name === 'Reverse')!;
      await page.goto(`${product.url}/runs/${runId}`);
      await openTab(page, 'Activity');
      await page.getByRole('button', { name: 'Pause', exact: true }).first().click(within);
      const status = page.getByTestId('status');
      await expect.poll(() => status.textContent(), within).toContain('paused');
      // The last line that has one is the oldest checkpoint: of the start.
      await page.getByRole('button', { name: 'Revert', exact: true }).last().click(within);
      expect((await client.runs.view.query({ runId })).attempt).toBe(1);
      await page.getByRole('alertdialog').getByRole('button', { name: 'Revert' }).click(within);
      await expect.poll(() => page.getByTestId('step').textContent(), within).toBe('0');
      await expect.poll(() => status.textContent(), within).toContain('paused');
      await page.getByRole('button', { name: 'Branch', exact: true }).last().click(within);
      expect(await page.getByRole('dialog').getByLabel('From').locator('option:checked').textContent()).toBe('step 0 (start)');

      const { setup } = await client.runs.view.query({ runId });
      for (const name of ['one', 'two', 'three']) await client.runs.create.mutate({ setup: { ...setup, name } });
      await page.goto(product.url);
      await page.getByRole('button', { name: /4 waiting/ }).click(within);
      const waiting = () => page.getByRole('region', { name: 'Runs that wait' }).getByRole('link').allTextContents();
      await expect.poll(waiting, within).toEqual(['one', 'two', 'three', 'Odd one out']);
      await page.getByRole('button', { name: 'Move three up' }).click(within);
      await expect.poll(waiting, within).toEqual(['one', 'three', 'two', 'Odd one out']);
      await page.getByRole('button', { name: 'Cancel one' }).click(within);
      await expect.poll(waiting, within).toEqual(['three', 'two', 'Odd one out']);
      expect(errors).toEqual([]);
    } finally {
      await browser.close();
      await product.stop();
      folder.remove();
    }
  }, 400_000);
});
