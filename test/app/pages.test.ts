import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser, openTab } from '~/test/support/browser';
import { type ScriptedTrainer, startScriptedTrainer } from '~/test/support/scriptedTrainer';
import { configOf, publishedSetup, withConfig } from '~/test/support/setups';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const desk = { width: 1440, height: 900 };
const phone = { width: 360, height: 740 };

describeInBrowser('the pages in Chromium', { timeout: 240_000 }, () => {
  let app: TestApp;
  let trainer: ScriptedTrainer;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  let room: string;

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root: fileURLToPath(new URL('../../', import.meta.url)) } });
    const setup = publishedSetup('reverse');
    const { runId } = await app.hub.create(
      { id: 'local', name: 'You', role: 'admin' },
      { ...withConfig(setup, { model: { ...configOf(setup).model, layers: 2, heads: 2 } }), name: 'Scripted' },
    );
    // Slow enough not to end while anything here looks at it.
    trainer = await startScriptedTrainer(app.address, { stepMs: 500 });
    room = `${app.url}/runs/${runId}`;
    ({ browser, close: closeBrowser } = await openBrowser());
  }, 600_000);

  afterAll(async () => {
    await closeBrowser?.();
    trainer?.close();
    await app?.close();
  });

  async function open(url: string, viewport = desk): Promise<Page> {
    const context = await browser.newContext({ viewport, colorScheme: 'dark', reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto(url);
    return page;
  }
  async function openRoom(): Promise<Page> {
    const page = await open(room);
    // Everybody is the same person here, so a new window opens the tabs that were chosen last.
    await openTab(page, 'Steer');
    await page.getByLabel('Clip at', { exact: true }).waitFor();
    return page;
  }

  /** What axe-core finds of serious or critical impact, and what scrolls sideways: on a desk and a phone, dark and light. */
  async function troubles(page: Page): Promise<string[]> {
    const found: string[] = [];
    await page.evaluate(axe);
    for (const [size, viewport] of Object.entries({ desk, phone }))
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.setViewportSize(viewport);
        await page.emulateMedia({ colorScheme });
        await page.waitForFunction((scheme) => document.documentElement.classList.contains(scheme), colorScheme);
        const where = `${size}, ${colorScheme}`;
        const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
        for (const v of violations.filter((v) => v.impact === 'serious' || v.impact === 'critical'))
          found.push(`${where}: ${v.id}: ${v.nodes.map((n) => n.html).join(' | ')}`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (wide > 0) found.push(`${where}: the page scrolls sideways by ${wide} px`);
      }
    return found;
  }

  it('axe-core finds nothing serious in the list of runs and the form, and nothing scrolls sideways', async () => {
    const page = await open(`${app.url}/`);
    await page.getByRole('link', { name: 'Scripted' }).waitFor();
    await expect.poll(() => troubles(page)).toEqual([]);
    await page.getByRole('button', { name: 'New run' }).click();
    await page.getByRole('dialog').waitFor();
    await expect.poll(() => troubles(page)).toEqual([]);
    await page.context().close();
  });

  it("axe-core finds nothing serious on a run's page, and nothing scrolls sideways", async () => {
    const page = await openRoom();
    await openTab(page, 'Attention');
    await page.getByRole('region', { name: 'Attention', exact: true }).waitFor();
    await expect.poll(() => troubles(page)).toEqual([]);
    await page.context().close();
  });

  it('axe-core finds nothing serious where runs are compared, and nothing scrolls sideways', async () => {
    const page = await open(`${app.url}/compare?runs=${room.split('/').at(-1)}`);
    await page.getByRole('list', { name: 'Runs compared' }).getByRole('link', { name: 'Scripted' }).waitFor();
    await expect.poll(() => troubles(page)).toEqual([]);
    await page.context().close();
  });

  it('of two people who change a value from the same base one applies, the other is told, and both see the same', async () => {
    const [ann, bob] = await Promise.all([openRoom(), openRoom()]);
    const clip = (page: Page) => page.getByLabel('Clip at', { exact: true });
    await clip(bob).fill('3');
    await clip(ann).fill('1');
    await clip(ann).press('Enter');
    await ann.getByText(/^by you, step \d+, was 5$/).waitFor();
    await bob.getByRole('button', { name: 'Apply mine over it' }).waitFor();
    // Enter sends what bob saw, 5: the server refuses it.
    await clip(bob).press('Enter');
    await bob
      .getByText(/changed by You at step \d+: it is 1 now, you saw 5/)
      .first()
      .waitFor();
    await expect.poll(() => clip(ann).inputValue()).toBe('1');
    await bob.getByRole('button', { name: 'Apply mine over it' }).click();
    await Promise.all([ann, bob].map((page) => page.getByText(/^by you, step \d+, was 1$/).waitFor()));
    await expect.poll(() => clip(ann).inputValue()).toBe('3');
    await expect.poll(() => clip(bob).inputValue()).toBe('3');
    await Promise.all([ann, bob].map((page) => page.context().close()));
  });

  it('a value that does not fit is refused beside its field and nothing is sent', async () => {
    const page = await openRoom();
    await page.getByLabel('Clip at', { exact: true }).fill('-1');
    await page.getByLabel('Clip at', { exact: true }).press('Enter');
    await page.getByText('Clip at: "-1" does not fit; give a number > 0').waitFor();
    await page.getByLabel('Clip at', { exact: true }).press('Escape');
    await openTab(page, 'Activity');
    await page.getByTestId('activity').waitFor();
    await expect.poll(() => page.getByTestId('activity').getByText('→ -1').count()).toBe(0);
    await page.context().close();
  });

  it('space pauses and resumes where somebody has switched single keys on, the title tells, and an item of the activity list moves the cursor into the address', async () => {
    const page = await openRoom();
    await openTab(page, 'Activity');
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
    await page.getByRole('checkbox', { name: 'Let these keys steer the run' }).check();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    await page.waitForFunction(() => /^[\d,]+ paused · Scripted$/.test(document.title));
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.getByTestId('activity').getByRole('button', { name: 'Go to step 0' }).first().click();
    await page.waitForURL(/[?&]step=0(&|$)/);
    await page.reload();
    await page
      .getByTitle(/^Pinned/)
      .first()
      .waitFor();
    await page.context().close();
  });

  it('who follows sees what the other sees, until their own hand moves the cursor', async () => {
    const [ann, bob] = await Promise.all([openRoom(), openRoom()]);
    for (const page of [ann, bob]) await openTab(page, 'Activity');
    await ann.getByTestId('activity').getByRole('button', { name: 'Go to step 0' }).first().click();
    await bob.getByTestId('watchers').click();
    await bob.getByRole('list', { name: 'Where the others look' }).getByText('You: step 0', { exact: true }).waitFor();
    await bob.getByRole('button', { name: /^Follow: / }).click();
    await bob.getByText('You follow You: step 0').waitFor();
    await bob.waitForURL(/[?&]step=0(&|$)/);
    await bob.keyboard.press('Escape');
    // Without the leader it says so, and goes on in the tab that comes back.
    await ann.goto(`${app.url}/team`);
    await bob.getByText('You is away; following again when they are back.').waitFor();
    await ann.goto(`${room}?step=0`);
    await bob.getByText('You follow You: step 0').waitFor();
    await ann.keyboard.press('l');
    await bob.getByText('You follow You: newest step').waitFor();
    await bob.getByTestId('activity').getByRole('button', { name: 'Go to step 0' }).first().click();
    await bob.getByText('You follow You').waitFor({ state: 'detached' });
    await Promise.all([ann, bob].map((page) => page.context().close()));
  });

  it('a run that does not exist is said in words, with a way back', async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${app.url}/runs/nosuchrun`);
    await page.getByText('there is no run nosuchrun').waitFor();
    await page.getByRole('link', { name: 'All runs', exact: true }).click();
    await page.waitForURL(`${app.url}/`);
    await page.goto(`${app.url}/runs/No_Such`);
    await page.getByText('the id of a run has 6 to 32 lower-case letters or digits').waitFor();
    await page.context().close();
  });

  it('on a phone the track of the timeline stays where it is under the finger that pins a step', async () => {
    const page = await open(room, phone);
    const place = async () => {
      const { x, width } = (await page.getByRole('slider', { name: 'Step' }).boundingBox())!;
      return { x, width };
    };
    await page
      .getByRole('region', { name: 'Timeline' })
      .getByText(/^(Live|Paused|Waiting|Last step)$/)
      .waitFor();
    const before = await place();
    await page.mouse.move(before.x + before.width / 2, (await page.getByRole('slider', { name: 'Step' }).boundingBox())!.y + 5);
    await page.mouse.down();
    await page.getByRole('button', { name: /^(Follow live|Go to last step)$/ }).waitFor();
    expect(await place()).toEqual(before);
    await page.mouse.up();
    // With twice the text, what has no room goes into a second line.
    await page.addStyleTag({ content: 'html { font-size: 200% }' });
    const edge = async () => {
      const button = (await page.getByRole('button', { name: 'Unfold the timeline' }).boundingBox())!;
      return [button.x + button.width <= phone.width, (await place()).width > 100];
    };
    await expect.poll(edge).toEqual([true, true]);
    await page.context().close();
  });

  it('on a phone a link to a step that the run does not have says so, and all tools of the charts are in sight', async () => {
    const page = await open(`${room}?step=999999`, phone);
    // A screen reader is told it as well.
    const shown = page.locator('p:not([aria-live])', { hasText: /^this run has no step 999,999: it is at [\d,]+$/ });
    await shown.waitFor();
    await page.getByRole('button', { name: 'Follow live' }).click();
    await shown.waitFor({ state: 'detached' });
    await page.getByRole('navigation', { name: 'Panels' }).getByRole('button', { name: 'Curves' }).click();
    const tools = page.getByRole('region', { name: 'Curves', exact: true }).locator('button, select, input');
    await tools.first().waitFor();
    const beyond = () => tools.evaluateAll((all) => all.filter((e) => e.getBoundingClientRect().right > innerWidth).length);
    await expect.poll(beyond).toBe(0);
    await page.context().close();
  });

  it('the form names the field that does not fit, and starts a run', async () => {
    const page = await open(`${app.url}/`);
    await page.getByRole('button', { name: 'New run' }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Heads').fill('3');
    await form.getByRole('button', { name: 'Start run' }).click();
    await form.getByText('Heads: 3 does not divide Width (32); give 2 or 4, or change Width').waitFor();
    await form.getByLabel('Heads').fill('4');
    await form.getByLabel('Name').fill('From the form');
    await form.getByRole('button', { name: 'Start run' }).click();
    await page.waitForURL(/\/runs\/[a-z0-9]+/);
    await page.getByRole('heading', { name: 'From the form' }).waitFor();
    await page.getByTestId('status').getByText('queued').waitFor();
    await page.context().close();
  });

  it('a run is renamed from the menu of its line, and archived; archiving is undone', async () => {
    const page = await open(`${app.url}/`);
    const menu = (name: string) => page.getByRole('button', { name: `Actions on ${name}` });
    await menu('From the form').click();
    await page.getByRole('menuitem', { name: 'Name and tags…' }).click();
    const form = page.getByRole('dialog', { name: 'Name and tags' });
    await form.getByLabel('Name').fill('Renamed');
    await form.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('link', { name: 'Renamed' }).waitFor();
    await menu('Renamed').click();
    await page.getByRole('menuitem', { name: 'Archive' }).press('Enter');
    await page.getByText('Renamed: archived', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Renamed' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('link', { name: 'Renamed' }).waitFor();
    await page.context().close();
  });
});
