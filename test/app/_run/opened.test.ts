/** Whatever opens over the pages: axe-core finds nothing serious in it, Tab stays inside of a dialog, Escape closes it and the focus goes back. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { AxeResults } from 'axe-core';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exportFormats } from '~/server/export/formats';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser, openTab } from '~/test/support/browser';
import { type ScriptedTrainer, startScriptedTrainer } from '~/test/support/scriptedTrainer';
import { configOf, publishedSetup, withConfig } from '~/test/support/setups';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describeInBrowser('what opens over a page', { timeout: 240_000 }, () => {
  let app: TestApp;
  let trainer: ScriptedTrainer;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  let page: Page;

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({
      pages: { dev: false, root: fileURLToPath(new URL('../../../', import.meta.url)) },
      loginRequired: true,
    });
    const setup = publishedSetup('reverse');
    const { runId } = await app.hub.create(
      { id: 'x', name: 'X', role: 'admin' },
      {
        ...withConfig(setup, { model: { ...configOf(setup).model, layers: 2, heads: 2 }, checkpointEverySteps: 10 }),
        name: 'Scripted',
      },
    );
    trainer = await startScriptedTrainer(app.address, { stepMs: 20 });
    ({ browser, close: closeBrowser } = await openBrowser());
    const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, reducedMotion: 'reduce' });
    page = await context.newPage();
    await page.goto(app.url + app.adminLink!);
    await page.getByLabel('Your name').waitFor();
    expect(await serious()).toEqual([]);
    await page.getByLabel('Your name').fill('Ada');
    await page.getByRole('button', { name: 'Join' }).click();
    await page.waitForURL(`${app.url}/`);
    await page.goto(`${app.url}/runs/${runId}`);
    await page.waitForFunction(() => Number(document.querySelector('[data-testid="step"]')?.textContent) > 45);
    // It stands still, so that nothing moves away under the tests.
    await page.getByRole('button', { name: 'Pause', exact: true }).first().click();
    await page.getByTestId('status').getByText('paused').waitFor();
  }, 600_000);
  afterAll(async () => {
    await closeBrowser?.();
    trainer?.close();
    await app?.close();
  });

  /** What axe-core finds of serious or critical impact, dark and light. */
  async function serious(): Promise<string[]> {
    const found: string[] = [];
    await page.evaluate(axe);
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.waitForFunction((scheme) => document.documentElement.classList.contains(scheme), colorScheme);
      // The menu library's own focus guards: hidden from readers, they pass the focus on at once.
      const run = "axe.run({ exclude: [['[data-base-ui-focus-guard]']] })";
      const { violations } = (await page.evaluate(run)) as AxeResults;
      for (const v of violations.filter((v) => v.impact === 'serious' || v.impact === 'critical'))
        found.push(`${colorScheme}: ${v.id}: ${v.nodes.map((n) => n.html.slice(0, 300)).join(' | ')}`);
    }
    return found;
  }

  /** Whether Tab stays inside: a popover lets it go on to the page. */
  const opens: [string, boolean, (page: Page) => Locator, tab?: string][] = [
    ['keyboard help', true, (p) => p.getByRole('button', { name: 'Keyboard shortcuts' })],
    ['branch', true, (p) => p.getByRole('button', { name: /^Branch/ }).first()],
    ['going back', true, (p) => p.getByRole('button', { name: /^Revert: / }).first(), 'Activity'],
    ['watchdogs', true, (p) => p.getByRole('button', { name: 'Watchdogs of this run' }), 'Activity'],
    ['disk space', true, (p) => p.getByRole('button', { name: 'Disk space of this run' }), 'Activity'],
    ['stop', true, (p) => p.getByRole('button', { name: 'Stop', exact: true }).first(), 'Steer'],
    ['who is here', false, (p) => p.getByRole('button').filter({ has: p.getByTestId('watchers') })],
    ['share', false, (p) => p.getByRole('button', { name: 'Share', exact: true })],
    ['notifications', false, (p) => p.getByRole('button', { name: /^Notifications/ })],
    ['saving a chart', false, (p) => p.getByRole('button', { name: 'Save Loss as a file' })],
  ];
  it.each(opens)('%s', async (_, traps, openerOf, tab) => {
    if (tab) await openTab(page, tab);
    const opener = openerOf(page);
    await opener.scrollIntoViewIfNeeded();
    await opener.focus();
    await page.keyboard.press('Enter');
    const opened = page.locator('[role="dialog"], [role="alertdialog"], [role="menu"]').last();
    await opened.waitFor();
    await expect.poll(serious).toEqual([]);
    if (traps)
      for (let i = 0; i < 30; i++) {
        await page.keyboard.press('Tab');
        // At its ends a guard takes the focus and hands it on to the other end; Tab on the guard itself would leave.
        await page.waitForFunction(() => !document.activeElement?.hasAttribute('data-base-ui-focus-guard'));
        const outside = await opened.evaluate((e) => {
          const at = document.activeElement;
          // The body: the browser's own controls.
          return e.contains(at) || at === document.body ? null : (at?.outerHTML.slice(0, 200) ?? null);
        });
        expect(outside, `Tab ${i + 1}`).toBe(null);
      }
    await page.keyboard.press('Escape');
    await opened.waitFor({ state: 'detached' });
    await expect.poll(() => opener.evaluate((e) => e === document.activeElement)).toBe(true);
  });

  it('the share menu offers every format of the server, and saves the one chosen', async () => {
    await page.getByRole('button', { name: 'Share', exact: true }).click();
    const menu = page.getByRole('dialog', { name: 'Share' });
    const line = menu.getByRole('button', { name: /^CSV/ });
    await line.waitFor();
    expect(await menu.locator('li > button').evaluateAll((all) => all.map((b) => b.firstElementChild?.textContent))).toEqual(
      expect.arrayContaining(exportFormats.filter((f) => f.of !== 'snapshot').map((f) => f.title)),
    );
    const [saved] = await Promise.all([page.waitForEvent('download'), line.click()]);
    expect(saved.suggestedFilename()).toMatch(/\.csv$/);
    await page.keyboard.press('Escape');
  });

  it('a new note and a thread', async () => {
    const chart = page.getByRole('figure', { name: 'Loss', exact: true }).getByRole('group');
    await page.getByRole('slider', { name: 'Step' }).press('Home');
    await page.getByRole('slider', { name: 'Step' }).press('PageDown');
    await chart.focus();
    await page.keyboard.press('n');
    await page.getByRole('dialog').waitFor();
    await expect.poll(serious).toEqual([]);
    await page.keyboard.type('look @a');
    await page.getByRole('option', { name: 'Ada' }).waitFor();
    await expect.poll(serious).toEqual([]);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect.poll(() => chart.evaluate((e) => e === document.activeElement)).toBe(true);
    await page
      .getByRole('figure', { name: 'Loss', exact: true })
      .getByRole('button', { name: /^Note at step/ })
      .click();
    await page.getByRole('dialog').getByRole('textbox', { name: 'Reply' }).waitFor();
    await expect.poll(serious).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  it('a warning while the tab is hidden is a notification of the browser, for who switched that on; not when its rule does not notify', async () => {
    const context = await browser.newContext({ storageState: await page.context().storageState() });
    await context.grantPermissions(['notifications'], { origin: app.url });
    // A tab of a browser without a screen is never hidden; that the browser shows the notification is its own word.
    await context.addInitScript(() => {
      Object.defineProperty(document, 'hidden', { get: () => 'isHidden' in window });
      const shown: string[] = [];
      Object.assign(window, { shown });
      window.Notification = class extends window.Notification {
        constructor(title: string, options?: NotificationOptions) {
          super(title, options);
          this.addEventListener('show', () => shown.push(`${title}: ${options?.body}`));
        }
      };
    });
    const hidden = await context.newPage();
    await hidden.goto(page.url());
    await hidden.getByRole('button', { name: /^Notifications/ }).click();
    await hidden.getByRole('dialog').getByRole('checkbox').check();
    await hidden.keyboard.press('Escape');
    await openTab(hidden, 'Activity');
    await hidden.evaluate(() => {
      Object.assign(window, { isHidden: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    const runId = /\/runs\/([a-z0-9]+)/.exec(hidden.url())![1]!;
    const alert = (message: string, quiet = {}) =>
      app.hub.decide(runId, (v) => [{ type: 'alert', step: v.step, level: 'warning', kind: 'loss-spike', message, ...quiet }]);
    await alert('paused without a word', { notify: false });
    await alert('8 sigmas high');
    await hidden.waitForFunction(() => (window as unknown as { shown: string[] }).shown.length > 0);
    await expect
      .poll(() => hidden.evaluate(() => (window as unknown as { shown: string[] }).shown))
      .toEqual([expect.stringMatching(/^Scripted: loss-spike at step \d+: 8 sigmas high$/)]);
    await hidden.getByTestId('activity').getByText('paused without a word').waitFor();
    await context.close();
  });

  it('the team page, and its question before somebody is removed', async () => {
    await page.goto(`${app.url}/team`);
    await page.getByRole('button', { name: 'Make a link' }).click();
    await page
      .getByRole('textbox', { name: /^(Send this link to whom you invite|The link works on this machine only)/ })
      .waitFor();
    await expect.poll(serious).toEqual([]);
    await page
      .getByRole('button', { name: /^Remove: / })
      .first()
      .click();
    await page.getByRole('alertdialog').waitFor();
    await expect.poll(serious).toEqual([]);
    await page.keyboard.press('Escape');
    await page.setViewportSize({ width: 360, height: 740 });
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
    await expect.poll(serious).toEqual([]);
  });
});
