/** The page of a run as a workspace: what stays in sight, how it is arranged, and how steering is kept from slips. */
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from '~/server/process/build';
import { paths } from '~/shared/paths';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser, openTab } from '~/test/support/browser';
import { root } from '~/test/support/root';
import { type ScriptedTrainer, startScriptedTrainer } from '~/test/support/scriptedTrainer';
import { publishedSetup } from '~/test/support/setups';

const you = { id: 'local', name: 'You', role: 'admin' } as const;

describeInBrowser('the workspace of a run', () => {
  let app: TestApp;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  let trainer: ScriptedTrainer;
  let page: Page;
  let runId: string;

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root } });
    ({ runId } = await app.hub.create(you, { ...publishedSetup('reverse'), name: 'Workspace' }));
    // Not over before the last story: 2,000 steps take five minutes.
    trainer = await startScriptedTrainer(app.address, { stepMs: 150 });
    ({ browser, close: closeBrowser } = await openBrowser());
    page = await open('', { width: 1280, height: 800 });
    await page.waitForFunction(() => Number(document.querySelector('[data-testid=step]')?.textContent) > 5);
  }, 400_000);
  afterAll(async () => {
    trainer?.close();
    await closeBrowser?.();
    await app?.close();
  });

  async function open(query: string, viewport: { width: number; height: number }, more = {}): Promise<Page> {
    const context = await browser.newContext({ viewport, ...more });
    const opened = await context.newPage();
    // The tour has its own test.
    await opened.addInitScript(() => localStorage.setItem('headroom.tour', 'seen'));
    await opened.goto(`${app.url}/runs/${runId}${query}`);
    await opened.getByRole('slider', { name: 'Step', exact: true }).waitFor();
    return opened;
  }
  const status = (p: Page) => p.getByTestId('status').textContent();
  const rate = () => page.getByRole('textbox', { name: 'Learning rate', exact: true });

  it('status, Pause and the timeline stay in sight while a panel scrolls', async () => {
    const panel = page.getByRole('tabpanel', { name: 'Curves' });
    await panel.evaluate((e) => e.scrollTo(0, e.scrollHeight));
    for (const part of [page.getByTestId('status'), page.getByRole('button', { name: 'Pause', exact: true })])
      expect((await part.boundingBox())!.y).toBeLessThan(60);
    const { y, height } = (await page.getByRole('region', { name: 'Timeline' }).boundingBox())!;
    expect(y + height).toBeLessThanOrEqual(800);
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollHeight)).toBeLessThanOrEqual(800);
  });

  it('a mark in a lane says what it is, and takes the page to its step', async () => {
    await rate().fill('0.0006');
    await rate().press('Enter');
    const mark = page
      .getByRole('group', { name: 'commands' })
      .getByRole('button', { name: /^Learning rate 0.0005 → 0.0006 at step/ });
    // The lane moves to the left as the run goes on: the pointer follows its mark.
    const told = async () => {
      await mark.hover();
      return page.locator('[data-tooltip]').textContent();
    };
    await expect.poll(told).toContain('Learning rate 0.0005 → 0.0006');
    await mark.click();
    await page.getByRole('button', { name: 'Follow live' }).waitFor();
    await openTab(page, 'Activity');
    await page.getByText(/^as of step \d+; later is gray$/).waitFor();
    await page.getByRole('button', { name: 'Follow live' }).click();
    await openTab(page, 'Steer');
  });

  it.each(['999999', '-5', 'abc'])('the step %s is refused in words', async (text) => {
    const field = page.getByRole('textbox', { name: 'step', exact: true });
    await field.fill(text);
    await field.press('Enter');
    await page.getByText(/^step: give a whole number from 0 to [\d,]+$/).waitFor();
    await field.press('Escape');
  });

  it('an unusual value says its factor and is applied by holding alone', async () => {
    await rate().fill('0.6');
    await page.getByText('× 1,000 of now').waitFor();
    await rate().press('Enter');
    const hold = page.getByRole('button', { name: 'Hold to apply' });
    await hold.click();
    expect(app.hub.view && (await app.hub.view(runId))!.values.learningRate!.value).toBe(0.0006);
    // At its edge, which it must not leave by itself.
    await hold.hover({ position: { x: 2, y: 12 } });
    await page.mouse.down();
    await expect.poll(async () => (await app.hub.view(runId))!.values.learningRate!.value).toBe(0.6);
    await page.mouse.up();
  });

  it('a message hides nothing of the timeline', async () => {
    await rate().fill('0.5');
    const line = await page.getByRole('region', { name: 'Timeline' }).elementHandle();
    // Measured in the page from before it appears: it passes in seconds, in which a loaded machine may not have asked.
    const above = page.evaluate(
      (timeline) =>
        new Promise<boolean>((resolve) => {
          const look = () => {
            const toasts = [...document.querySelectorAll('[data-sonner-toast]')];
            const message = toasts.find((t) => t.textContent?.includes('Learning rate → 0.5'));
            const bottom = message?.getBoundingClientRect().bottom ?? Number.POSITIVE_INFINITY;
            if (bottom < timeline!.getBoundingClientRect().top) resolve(true);
            else requestAnimationFrame(look);
          };
          look();
        }),
      line,
    );
    await rate().press('Enter');
    expect(await above).toBe(true);
  });

  it('before an audience the header is one line, and the tools are away', async () => {
    const audience = await open('?layout=present', { width: 1440, height: 900 });
    await audience.getByRole('figure', { name: 'Loss', exact: true }).waitFor();
    expect((await audience.getByRole('banner').boundingBox())!.height).toBeLessThan(70);
    await audience.getByRole('button', { name: 'Pause', exact: true }).waitFor();
    for (const name of ['Share', 'Branch', 'Log y']) expect(await audience.getByRole('button', { name }).count(), name).toBe(0);
    await audience.context().close();
  });

  it('a key pressed by mistake steers nothing', async () => {
    await page.getByRole('heading', { level: 1 }).click();
    await page.keyboard.press(' ');
    await page.keyboard.press('e');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard and gestures' }).waitFor();
    await expect.poll(() => status(page)).toBe('running');
    expect((await app.hub.view(runId))!.recent.commands.items.map((c) => c.command.kind)).toEqual(['set', 'set', 'set']);
    await page.keyboard.press('Escape');
  });

  it('what is asked for without a connection waits, and is asked about again before it is sent', async () => {
    await page.context().setOffline(true);
    await page.getByText(/connection to the server broke|Nothing has come from the server/).waitFor();
    const timeline = page.getByRole('region', { name: 'Timeline' });
    await timeline.getByText('Last step', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByText('Waiting for the server: Pause').waitFor();
    await page.context().setOffline(false);
    await page.getByText('The server is back. Still wanted?').waitFor();
    expect((await app.hub.view(runId))!.status).toBe('running');
    await page.getByRole('button', { name: 'Apply now' }).click();
    await expect.poll(() => status(page)).toBe('paused');
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await expect.poll(() => status(page)).toBe('running');
    await timeline.getByText('Live', { exact: true }).waitFor();
  });

  it('a part that was not loaded yet appears once the server can be reached again; after an update the page says so', async () => {
    const p = await open('', { width: 1280, height: 800 });
    const scripts = '**/_next/static/chunks/**';
    // /healthz too: a server that answers and has no such script was updated.
    const server = /\/_next\/static\/chunks\/|\/healthz$/;
    const refused = p.waitForEvent('requestfailed');
    await p.route(server, (route) => route.abort());
    await p.keyboard.press('Control+k');
    await refused;
    const said = p.getByRole('status').filter({ hasText: 'This could not be loaded: the server does not answer.' });
    await said.waitFor();
    // Above what a phone has at its bottom.
    await p.setViewportSize({ width: 360, height: 740 });
    await p.getByRole('button', { name: 'More', exact: true }).click();
    await p.setViewportSize({ width: 1280, height: 800 });
    const again = p.waitForEvent('requestfailed');
    await said.getByRole('button', { name: 'Try again' }).click();
    await again;
    await p.unroute(server);
    await p.getByRole('dialog').getByRole('combobox').waitFor();
    await p.keyboard.press('Escape');

    await p.route(scripts, (route) => route.fulfill({ status: 404 }));
    await p.getByText('Change later', { exact: true }).click();
    await p.getByRole('alert').getByText('Headroom was updated while this page was open.').waitFor();
    expect(await status(p)).toContain('running');
    await p.unroute(scripts);
    await p.getByRole('button', { name: 'Reload the page' }).click();
    await p.getByText('Change later', { exact: true }).click();
    await p.getByRole('button', { name: 'Schedule', exact: true }).waitFor();
    await p.context().close();
  });

  it('a chart is changed, and its arrangement is in the link', async () => {
    await page.getByLabel('Save Loss as a file').click();
    await page.getByRole('menuitem', { name: 'Change series and range …' }).click();
    const form = page.getByRole('dialog', { name: 'Change Loss' });
    await form.getByLabel('Add a series').fill('gradNorm');
    await form.getByRole('button', { name: 'Add', exact: true }).click();
    await form.getByLabel('Highest value of y').fill('9');
    await form.getByRole('button', { name: 'Save' }).click();
    const figure = (p: Page) => p.getByRole('figure', { name: 'Loss', exact: true });
    await figure(page)
      .getByRole('button', { name: /^gradNorm/ })
      .waitFor();
    await page.waitForURL(/charts=/);
    const other = await open(new URL(page.url()).search, { width: 1280, height: 800 });
    await figure(other)
      .getByRole('button', { name: /^gradNorm/ })
      .waitFor();
    await other.context().close();
  });

  it('a right click on a chart offers what can be done there', async () => {
    await page.getByRole('figure', { name: 'Accuracy', exact: true }).locator('[data-plot]').click({ button: 'right' });
    const items = page.getByRole('menuitem');
    await items.first().waitFor();
    expect((await items.allTextContents()).map((t) => t.replace(/[\d.,]+( %)?/g, '#'))).toEqual([
      'Note at step # …',
      'Pin step #',
      'Copy accuracy: #',
      'Save the picture (PNG)',
      'Save the numbers drawn (CSV)',
    ]);
    await page.keyboard.press('Escape');
  });

  it('a tab is dragged below, moved and closed; tiles are remembered for the person, and a link shows the same to others', async () => {
    const tile = (p: Page, n: number) => p.getByRole('region', { name: `Tile ${n}` });
    await page.getByRole('tab', { name: 'Attention' }).dragTo(page.getByRole('tabpanel', { name: 'Curves' }), {
      targetPosition: { x: 200, y: (await page.getByRole('tabpanel', { name: 'Curves' }).boundingBox())!.height - 8 },
    });
    await tile(page, 2).getByRole('tabpanel', { name: 'Attention' }).waitFor();
    const bar = page.getByRole('separator', { name: 'Height of the tiles' });
    await bar.focus();
    await page.keyboard.press('ArrowUp');
    await page.waitForURL(/tabs=below45%2Ccurves%2Cattention/);

    // By keyboard: Gradients beside Curves, then to the left of Curves, then into the tile of Attention.
    const choose = async (name: string, item: string) => {
      const tab = page.getByRole('tab', { name });
      await tab.click();
      await page.getByRole('button', { name: `Arrange ${name}` }).press('Enter');
      await page.getByRole('menuitem', { name: item }).press('Enter');
      await expect.poll(() => tab.evaluate((e) => e === document.activeElement)).toBe(true);
    };
    await choose('Gradients', 'Open beside');
    await tile(page, 2).getByRole('tabpanel', { name: 'Gradients' }).waitFor();
    await choose('Gradients', 'Move to the tile of Attention');
    await expect.poll(() => tile(page, 2).getByRole('tab').allTextContents()).toEqual(['Attention', 'Gradients']);
    await choose('Gradients', 'Move left');
    await expect.poll(() => tile(page, 2).getByRole('tab').allTextContents()).toEqual(['Gradients', 'Attention']);

    await page.waitForURL(/tabs=below45%2Ccurves%2Cgradients.attention/);
    const link = new URL(page.url()).search;
    await page.goto(`${app.url}/runs/${runId}`);
    await tile(page, 2).getByRole('tabpanel', { name: 'Gradients' }).waitFor();
    await expect.poll(() => bar.getAttribute('aria-valuenow')).toBe('45');
    const other = await open(link, { width: 1440, height: 900 });
    await tile(other, 2).getByRole('tabpanel', { name: 'Gradients' }).waitFor();
    await other.context().close();

    await page.getByRole('button', { name: 'Close the tile of Gradients' }).click();
    await expect
      .poll(() => page.getByRole('tab').allTextContents())
      .toEqual(expect.arrayContaining(['Curves', 'Attention', 'Gradients']));
    await expect.poll(() => page.getByRole('separator').count()).toBe(0);
    const review = await open('?layout=review&split=45', { width: 1440, height: 900 });
    for (const name of ['Curves', 'Attention', 'Evaluations']) await review.getByRole('tabpanel', { name }).waitFor();
    await review.context().close();
  });

  it('a finger drags a tab to another place, and another browser of the person shows it there', async () => {
    const tablet = await open('?tabs=curves', { width: 1024, height: 768 }, { hasTouch: true });
    const center = async (name: string, role: 'tab' | 'tabpanel') => {
      const { x, y, width, height } = (await tablet.getByRole(role, { name }).boundingBox())!;
      return { x: x + width / 2, y: y + height / 2, bottom: y + height - 8 };
    };
    const from = await center('Attention', 'tab');
    const to = await center('Curves', 'tabpanel');
    const finger = await tablet.context().newCDPSession(tablet);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', x: number, y: number) =>
      finger.send('Input.dispatchTouchEvent', { type, touchPoints: type === 'touchEnd' ? [] : [{ x, y }] });
    await touch('touchStart', from.x, from.y);
    for (let i = 1; i <= 10; i++)
      await touch('touchMove', from.x + ((to.x - from.x) * i) / 10, from.y + ((to.bottom - from.y) * i) / 10);
    await touch('touchEnd', 0, 0);
    await tablet.getByRole('region', { name: 'Tile 2' }).getByRole('tabpanel', { name: 'Attention' }).waitFor();
    // What the server remembers for the person.
    const layout = async () => (await fetch(`${app.url}${paths.trpc}/team.remembered`)).text();
    await expect.poll(layout, { timeout: 60_000 }).toMatch(/tabs=below50%2Ccurves\S*%2Cattention/);
    await tablet.context().close();
    const desk = await open('', { width: 1440, height: 900 });
    await desk.getByRole('region', { name: 'Tile 2' }).getByRole('tabpanel', { name: 'Attention' }).waitFor();
    await desk.getByRole('button', { name: 'Close the tile of Attention' }).click();
    await expect.poll(layout, { timeout: 60_000 }).not.toContain('below50');
    await desk.context().close();
  });

  it('two fingers zoom a chart, and not the page', async () => {
    const phone = await open('?layout=watch&tabs=curves', { width: 390, height: 844 }, { hasTouch: true, isMobile: true });
    const { x, y, width } = (await phone.getByRole('figure', { name: 'Loss', exact: true }).boundingBox())!;
    const fingers = await phone.context().newCDPSession(phone);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', apart: number) =>
      fingers.send('Input.dispatchTouchEvent', {
        type,
        touchPoints: [-1, 1]
          .map((side, id) => ({ x: x + width / 2 + (side * apart) / 2, y: y + 120, id }))
          .slice(type === 'touchEnd' ? 2 : 0),
      });
    await touch('touchStart', 50);
    for (let apart = 60; apart <= 200; apart += 20) await touch('touchMove', apart);
    await touch('touchEnd', 0);
    await phone.waitForURL(/zoom=/);
    expect(await phone.evaluate(() => visualViewport!.scale)).toBe(1);
    await phone.context().close();
  });

  it('an alarm is on every page of the run, with the ways back', async () => {
    await app.hub.decide(runId, ({ step }) => [
      { type: 'alert', step, level: 'error', kind: 'not-finite', message: 'loss is NaN since step 40' },
    ]);
    const alarm = page.getByRole('alert').filter({ hasText: 'loss is NaN since step 40' });
    await alarm.waitFor();
    await expect.poll(() => page.title()).toMatch(/^\(\d+\) /);
    await page.getByRole('button', { name: /^Notifications, \d+ new$/ }).click();
    await page.getByRole('link', { name: /Workspace: not-finite/ }).waitFor();
    await page.keyboard.press('Escape');
    await alarm.getByRole('button', { name: 'Take note of the alarm' }).click();
    await alarm.waitFor({ state: 'detached' });
  });

  it('on a phone every control is two taps away, and nothing scrolls sideways', async () => {
    const phone = await open('', { width: 360, height: 740 }, { hasTouch: true, isMobile: true });
    const bar = phone.getByRole('navigation', { name: 'Panels' });
    await bar.waitFor();
    await phone.keyboard.press('?');
    await phone.getByRole('dialog', { name: 'Keyboard and gestures' }).waitFor();
    await phone.keyboard.press('Escape');
    await expect.poll(() => phone.getByRole('dialog').count()).toBe(0);
    for (const name of ['Attention', 'Activity', 'Curves', 'Steer']) {
      await bar.getByRole('button', { name }).tap();
      await phone.getByRole('region', { name: name === 'Steer' ? 'Steering' : name, exact: true }).waitFor();
      await expect
        .poll(() => phone.evaluate(() => document.documentElement.scrollWidth), { message: name })
        .toBeLessThanOrEqual(360);
    }
    await bar.getByRole('button', { name: 'More' }).tap();
    await phone.getByRole('button', { name: 'Set-up' }).tap();
    await phone.getByRole('region', { name: 'Started with' }).waitFor();
    await phone.getByRole('button', { name: 'Pause', exact: true }).waitFor();
    const step = phone.getByRole('textbox', { name: 'step', exact: true });
    await step.fill('0.5');
    await step.press('Enter');
    const refusal = (await phone.getByText(/^step: give a whole number from 0 to [\d,]+$/).boundingBox())!;
    expect(refusal.x).toBeGreaterThanOrEqual(0);
    expect(refusal.x + refusal.width).toBeLessThanOrEqual(360);
    await phone.context().close();
  });

  it.each(['team', 'runs'])('the page /%s keeps its own content security policy', async (where) => {
    const opened = await browser.newPage();
    const breaches: string[] = [];
    await opened.exposeFunction('breached', (what: string) => breaches.push(what));
    await opened.addInitScript({
      content: "document.addEventListener('securitypolicyviolation', (e) => breached(e.violatedDirective + ' ' + e.blockedURI))",
    });
    await opened.goto(where === 'team' ? `${app.url}/team` : `${app.url}/runs/${runId}`);
    await opened
      .getByRole(where === 'team' ? 'button' : 'slider', { name: where === 'team' ? 'Make a link' : 'Step', exact: true })
      .waitFor();
    expect(breaches).toEqual([]);
    await opened.close();
  });

  it('a low window, as with a large zoom, is for its panels: the header is one line, and so is the timeline until it is unfolded', async () => {
    const low = await open('?tabs=attention&lanes=1', { width: 1280, height: 450 });
    const height = async () => (await low.locator('#main').boundingBox())!.height;
    await expect.poll(height).toBeGreaterThanOrEqual(360);
    await low.setViewportSize({ width: 640, height: 400 });
    await expect.poll(height).toBeGreaterThanOrEqual(280);
    await low.getByRole('button', { name: 'Unfold the timeline' }).click();
    await expect.poll(height).toBeLessThan(280);
    await low.getByRole('button', { name: 'Fold the timeline' }).click();
    await low.setViewportSize({ width: 1280, height: 800 });
    await low.getByRole('button', { name: 'Fold the timeline' }).waitFor();
    await low.context().close();
  });

  it('on paper the panels are whole, with the charts that the window shows', async () => {
    const printed = await open('?tabs=curves.attention', { width: 1280, height: 450 });
    await openTab(printed, 'Attention');
    await printed.getByRole('heading', { name: /^Heads at step/ }).waitFor();
    const chart = (await printed.getByRole('tabpanel').locator('canvas').first().elementHandle())!;
    const window = await printed.evaluate(() => document.documentElement.scrollHeight);
    await printed.emulateMedia({ media: 'print' });
    // As wide as paper.
    await printed.evaluate(() => dispatchEvent(new Event('beforeprint')));
    await printed.setViewportSize({ width: 718, height: 1047 });
    const panel = printed.getByRole('tabpanel', { name: 'Attention' });
    expect(await panel.evaluate((e) => e.scrollHeight - e.clientHeight)).toBe(0);
    expect(await printed.evaluate(() => document.documentElement.scrollHeight)).toBeGreaterThan(window);
    expect(await chart.evaluate((e) => [e.isConnected, e.getBoundingClientRect().right <= innerWidth])).toEqual([true, true]);
    await printed.context().close();
  });

  it('Steering is no more than 20 stops of Tab away', async () => {
    const fresh = await open('?layout=steer', { width: 1280, height: 800 });
    await fresh.getByRole('textbox', { name: 'Learning rate', exact: true }).waitFor();
    let stops = 0;
    const inside = () => fresh.evaluate(() => document.activeElement?.closest('[aria-label="Steering"]') !== null);
    do {
      await fresh.keyboard.press('Tab');
      stops++;
    } while (!(await inside()) && stops < 40);
    expect(stops).toBeLessThanOrEqual(20);
    await fresh.context().close();
  });

  it.each(['light', 'dark'] as const)(
    'axe finds nothing serious with everything open, %s',
    async (theme) => {
      const tab = await open('?layout=review&side=steer', { width: 1920, height: 1080 }, { colorScheme: theme });
      await tab.evaluate((t) => localStorage.setItem('theme', t), theme);
      await tab.reload();
      await tab.getByTestId('attention-step').waitFor();
      await tab.getByRole('textbox', { name: 'Learning rate', exact: true }).waitFor();
      await tab.addScriptTag({ path: fileURLToPath(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url)) });
      const found = await tab.evaluate(async () => {
        type Axe = { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
        const { violations } = await (window as unknown as { axe: Axe }).axe.run();
        return violations
          .filter((v) => v.impact === 'serious' || v.impact === 'critical')
          .map((v) => `${v.id}: ${v.nodes.length} x ${v.nodes[0]!.html.slice(0, 200)}`);
      });
      expect(found).toEqual([]);
      await tab.context().close();
    },
    60_000,
  );
});
