/** `npm run screenshots`: the pictures and the animation of README.md, taken in Chromium of the product as a user starts it. Takes some minutes; the machine should be idle. */
import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { connect, type HeadroomClient } from '~/server/mcp/client';
import { openBrowser, openTab, temporaryFolder } from '~/test/support/browser';
import { freePort, startProduct } from '~/test/support/product';
import { story } from './story';

const folder = fileURLToPath(new URL('../../app/_screenshots/', import.meta.url));
const size = { width: 1440, height: 900 };
const within = { timeout: 120_000 };

async function open(browser: Browser, url: string, theme: 'light' | 'dark'): Promise<Page> {
  const context = await browser.newContext({ viewport: size, colorScheme: theme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** Few colors are enough for an interface, and a third of the bytes. */
async function take(page: Page, name: string): Promise<void> {
  const png = await page.screenshot();
  await writeFile(join(folder, `${name}.png`), await sharp(png).png({ palette: true, quality: 90, effort: 10 }).toBuffer());
  console.log(`${name}.png`);
}

async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + 600_000;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within 10 minutes`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** The first run of a recipe that is in a status. */
const runOf = (headroom: HeadroomClient, recipe: string, statuses: string[], not: string[] = []) =>
  until(`a run of ${recipe} that is ${statuses.join(' or ')}`, async () =>
    (await headroom.runs.list.query()).find(
      (run) => run.recipe === recipe && statuses.includes(run.status) && !not.includes(run.runId),
    ),
  );

async function main(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const data = temporaryFolder();
  const product = await startProduct({ dataFolder: data.path, port: await freePort() });
  const { browser, close } = await openBrowser();
  try {
    const headroom = connect({ url: product.url });
    const first = await runOf(headroom, 'reverse', ['finished']);
    const { setup } = await headroom.runs.view.query({ runId: first.runId });
    const { runId: second } = await headroom.runs.create.mutate({
      setup: {
        ...setup,
        name: 'Reverse, lower rate',
        config: { ...setup.config, optimizer: { ...(setup.config.optimizer as object), learningRate: 1e-4 } },
      },
    });
    await runOf(headroom, 'reverse', ['finished'], [first.runId]);
    const live = await runOf(headroom, 'anomaly', ['running']);
    await until('400 steps', async () => ((await headroom.runs.view.query({ runId: live.runId })).step > 400 ? true : undefined));

    const runPage = `${product.url}/runs/${live.runId}`;
    const ada = await open(browser, runPage, 'light');
    await ada.getByRole('figure', { name: 'Loss', exact: true }).waitFor(within);
    await ada.getByRole('button', { name: 'Skip the tour' }).click();
    await ada.waitForTimeout(3000);
    await writeFile(join(folder, 'live.webp'), await story(ada));
    console.log('live.webp');

    await ada.goto(runPage);
    await openTab(ada, 'Attention');
    await ada.getByRole('combobox', { name: 'color scale' }).selectOption('shared');
    // One head, and where it looks over time.
    await ada.locator('[data-head="0.2"]').focus();
    await ada.keyboard.press('Enter');
    await ada.waitForTimeout(3000);
    await take(ada, 'attention');

    const bob = await open(browser, `${runPage}?layout=steer`, 'dark');
    const field = bob.getByLabel('Clip value', { exact: true });
    await field.waitFor(within);
    await field.fill('1.5');
    await field.press('Enter');
    await bob.waitForTimeout(3000);
    await take(bob, 'steer');

    await ada.goto(`${product.url}/compare?runs=${first.runId},${second}`);
    await ada.waitForFunction(() => /\d/.test(document.querySelector('[data-reads]')?.textContent ?? ''), undefined, within);
    await ada.waitForTimeout(3000);
    await take(ada, 'compare');
    await ada.goto(product.url);
    await ada
      .getByRole('link', { name: /Reverse/ })
      .first()
      .waitFor(within);
    await ada.waitForTimeout(2000);
    await take(ada, 'runs');
  } finally {
    await close();
    await product.stop();
    data.remove();
  }
}

await main();
