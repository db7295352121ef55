/** Notes and presence as people use them: two pages in Chromium on one run. */

import { fileURLToPath } from 'node:url';
import { createTRPCClient, httpBatchLink } from '@trpc/client';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from '~/server/process/build';
import type { AppRouter } from '~/server/trpc';
import { transformer } from '~/shared/json';
import type { Note } from '~/shared/notes';
import { paths } from '~/shared/protocol';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { type ScriptedTrainer, startScriptedTrainer } from '~/test/support/scriptedTrainer';
import { configOf, publishedSetup, withConfig } from '~/test/support/setups';

describeInBrowser('notes and presence', { timeout: 240_000 }, () => {
  let app: TestApp;
  let trainer: ScriptedTrainer;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  let runId: string;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({
      pages: { dev: false, root: fileURLToPath(new URL('../../../../', import.meta.url)) },
      loginRequired: true,
    });
    const setup = publishedSetup('reverse');
    ({ runId } = await app.hub.create(
      { id: 'x', name: 'X', role: 'admin' },
      { ...withConfig(setup, { model: { ...configOf(setup).model, layers: 2, heads: 2 } }), name: 'Scripted' },
    ));
    trainer = await startScriptedTrainer(app.address, { stepMs: 20 });
    ({ browser, close: closeBrowser } = await openBrowser());
  }, 600_000);
  afterAll(async () => {
    await closeBrowser?.();
    trainer?.close();
    await app?.close();
  });

  /** A browser of somebody's own, joined by an invite link. */
  async function joins(secret: string, name: string, color: string): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 2400, height: 1200 }, reducedMotion: 'reduce' });
    contexts.push(context);
    const answer = await context.request.post(`${app.url}/api/join`, { data: { invite: secret, name, colour: color } });
    expect(answer.ok()).toBe(true);
    const page = await context.newPage();
    await page.goto(`${app.url}/runs/${runId}?layout=review&side=notes`);
    await page.getByRole('region', { name: 'Notes' }).waitFor();
    return page;
  }
  const cookieOf = async (page: Page) => {
    const [cookie] = await page.context().cookies();
    return `${cookie!.name}=${cookie!.value}`;
  };
  const notesOf = async (): Promise<Note[]> => (await app.hub.view(runId))!.recent.notes.items;
  const chart = (page: Page, title: string) => page.getByRole('figure', { name: title, exact: true });
  const field = (page: Page) => page.getByRole('dialog').getByRole('textbox', { name: /Note at|Reply/ });

  it('are pinned to a chart, a head and a cell, stand there after a reload, and two who answer at once lose nothing', async () => {
    const ada = await joins(new URL(app.adminLink!, app.url).searchParams.get('invite')!, 'Ada Lovelace', '#aa3355');
    const headers = { cookie: await cookieOf(ada) };
    const root = createTRPCClient<AppRouter>({
      links: [httpBatchLink({ url: `${app.url}${paths.trpc}`, transformer, headers })],
    });
    const { secret } = await root.team.invite.mutate({ role: 'viewer', uses: 5, expiresInMs: 3_600_000 });
    const bob = await joins(secret, 'Bob', '#3377aa');
    await expect.poll(async () => (await app.hub.view(runId))!.step).toBeGreaterThan(60);

    // A viewer, with a right click on the loss, two thirds into the plot.
    const plot = chart(bob, 'Loss').locator('[data-plot]');
    const size = (await plot.boundingBox())!;
    await plot.click({ button: 'right', position: { x: size.width * 0.3, y: size.height / 2 } });
    await bob.getByRole('menuitem', { name: /^Note at step/ }).click();
    await field(bob).fill('why @lo');
    await bob.getByRole('option', { name: 'Ada Lovelace' }).waitFor();
    await field(bob).press('Enter');
    await expect.poll(() => field(bob).inputValue()).toBe('why @AdaLovelace ');
    await field(bob).pressSequentially('this bend?');
    await field(bob).press('Enter');
    await ada.getByText('Bob mentions you at step').waitFor();
    await expect.poll(async () => (await notesOf()).length).toBe(1);
    const [first] = await notesOf();
    expect(first).toMatchObject({ text: 'why @AdaLovelace this bend?', author: { name: 'Bob', role: 'viewer' } });
    expect(first!.anchor).toMatchObject({ chart: 'loss', head: null, value: expect.any(Number) });

    // Keys: N on the head grid, N on a cell of the large map.
    await ada.locator('[data-head="0.1"]').focus();
    await ada.keyboard.press('n');
    await field(ada).fill('a head');
    await field(ada).press('Enter');
    await expect.poll(async () => (await notesOf()).length).toBe(2);
    expect((await notesOf())[1]!.anchor.head).toEqual({ layer: 0, head: 1, cell: null });
    // The popup gives the focus back.
    await ada.locator('[data-head="0.1"]:focus').waitFor();
    await ada.keyboard.press('Enter');
    await ada.getByTestId('big-map').getByRole('gridcell').focus();
    await ada.keyboard.press('ArrowRight');
    await ada.keyboard.press('ArrowDown');
    await ada.keyboard.press('n');
    await field(ada).fill('a cell');
    await field(ada).press('Enter');
    await expect.poll(async () => (await notesOf()).length).toBe(3);
    expect((await notesOf())[2]!.anchor.head).toEqual({ layer: 0, head: 1, cell: { query: 1, key: 1 } });

    // Bob reads and answers where it stands, after a reload; Ada answers at the same moment.
    await bob.reload();
    const glyph = (page: Page) => chart(page, 'Loss').getByRole('button', { name: /^Note at step .*loss at/ });
    await Promise.all([glyph(ada).click(), glyph(bob).click()]);
    await bob.waitForURL(new RegExp(`[?&]step=${first!.anchor.step}(&|$)`));
    await field(ada).fill('the warm-up ends');
    await field(bob).fill('I see it too');
    await Promise.all([field(ada).press('Enter'), field(bob).press('Enter')]);
    for (const page of [ada, bob])
      for (const text of ['the warm-up ends', 'I see it too'])
        await page.getByRole('dialog').locator('p', { hasText: text }).waitFor();
    await ada.getByRole('dialog').getByRole('button', { name: 'Resolve' }).click();
    await glyph(bob).waitFor({ state: 'detached' });
    await bob.getByRole('dialog').getByRole('button', { name: 'Reopen' }).click();
    await bob.keyboard.press('Escape');
    await glyph(bob).waitFor();

    await ada.keyboard.press('Escape');
    await bob.getByRole('button', { name: '2 notes on layer 1 head 2' }).click();
    await expect.poll(() => bob.getByRole('dialog').getByRole('listitem').count()).toBe(2);
    await bob.keyboard.press('Escape');
    // Reading them took the page to the head.
    await bob.getByRole('button', { name: '1 note on query 2 to key 2' }).waitFor();
    expect(
      await bob.getByRole('slider', { name: 'Step' }).locator('..').getByRole('button', { name: /note/i }).count(),
    ).toBeGreaterThan(0);
  });

  it("others' steps stand on the scrubber and their heads on the grid, in their names and colors, until they stop sharing", async () => {
    const [ada, bob] = contexts.map((c) => c.pages()[0]!) as [Page, Page];
    await bob.getByRole('slider', { name: 'Step' }).press('Home');
    const cursor = ada.getByRole('slider', { name: 'Step' }).locator('[data-looks="Bob"]');
    await cursor.waitFor();
    await expect.poll(() => cursor.locator('rect').evaluate((e) => getComputedStyle(e).fill)).toBe('rgb(51, 119, 170)');
    await bob.locator('[data-head]').nth(3).focus();
    await bob.keyboard.press('Enter');
    const frame = ada.locator('span[data-looks="Bob"]').first();
    await frame.waitFor();
    await expect.poll(() => frame.textContent()).toContain('Bob');
    await bob.getByTestId('watchers').click();
    await bob.getByLabel('Share where I look').uncheck();
    await cursor.waitFor({ state: 'detached' });
    await frame.waitFor({ state: 'detached' });
  });
});
