import { expect, it } from 'vitest';
import { connect } from '~/server/mcp/client';
import { describeInBrowser, openBrowser, openTab, temporaryFolder } from '~/test/support/browser';
import { freePort, pauseEarly, startProduct } from '~/test/support/product';

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
      await expect.poll(names).toEqual(['Odd one out', 'Reverse']);
      const runId = await pauseEarly(client, 'Reverse');
      await page.goto(`${product.url}/runs/${runId}`);
      await openTab(page, 'Activity');
      const status = page.getByTestId('status');
      await expect.poll(() => status.textContent()).toContain('paused');
      // The last line that has one is the oldest checkpoint: of the start.
      await page
        .getByRole('button', { name: /^Revert: / })
        .last()
        .click();
      expect((await client.runs.view.query({ runId })).attempt).toBe(1);
      await page.getByRole('alertdialog').getByRole('button', { name: 'Revert' }).click();
      await expect.poll(() => page.getByTestId('step').textContent()).toBe('0');
      await expect.poll(() => status.textContent()).toContain('paused');
      await page
        .getByRole('button', { name: /^Branch: / })
        .last()
        .click();
      await expect
        .poll(() => page.getByRole('dialog').getByLabel('From').locator('option:checked').textContent())
        .toBe('step 0, at the start');
      await page.getByRole('dialog').getByLabel('Name').fill('another way');
      await page.getByRole('dialog').getByRole('button', { name: 'Branch' }).click();
      await page.waitForURL((url) => url.pathname !== `/runs/${runId}`);
      await page.getByRole('button', { name: 'from step 0' }).click();
      const family = page.getByRole('dialog', { name: 'Branches' }).getByRole('listitem');
      await expect
        .poll(() => family.allTextContents())
        .toEqual([expect.stringContaining('Reverse'), expect.stringContaining('another way')]);
      await page.goto(`${product.url}/runs/${runId}`);
      await page.getByRole('button', { name: '1 branch' }).waitFor();
      const branch = (await client.runs.list.query()).find((r) => r.name === 'another way')!.runId;
      await client.runs.command.mutate({ kind: 'act', id: 'end-the-branch', runId: branch, action: 'stop', args: {} });

      const { setup } = await client.runs.view.query({ runId });
      for (const name of ['one', 'two', 'three']) await client.runs.create.mutate({ setup: { ...setup, name } });
      await page.goto(product.url);
      await page.getByRole('button', { name: /4 waiting/ }).click();
      const waiting = () => page.getByRole('region', { name: 'Runs that wait' }).getByRole('link').allTextContents();
      await expect.poll(waiting).toEqual(['one', 'two', 'three', 'Odd one out']);
      await page.getByRole('button', { name: 'Move three up' }).click();
      await expect.poll(waiting).toEqual(['one', 'three', 'two', 'Odd one out']);
      await page.getByRole('button', { name: 'Cancel one' }).click();
      await expect.poll(waiting).toEqual(['three', 'two', 'Odd one out']);
      expect(errors).toEqual([]);
    } finally {
      await browser.close();
      await product.stop();
      folder.remove();
    }
  }, 400_000);
});
