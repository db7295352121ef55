/** The list of runs in Chromium: its address, and the ways to it. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { root } from '~/test/support/root';
import { publishedSetup } from '~/test/support/setups';

const you = { id: 'local', name: 'You', role: 'admin' } as const;

describeInBrowser('the list of runs in Chromium', { timeout: 240_000 }, () => {
  let app: TestApp;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root } });
    for (const name of ['First', 'Second']) await app.hub.create(you, publishedSetup('reverse', {}, { name }));
    ({ browser, close: closeBrowser } = await openBrowser());
  }, 600_000);
  afterAll(async () => {
    await closeBrowser?.();
    await app?.close();
  });

  async function open(query = '', viewport = { width: 1280, height: 800 }): Promise<Page> {
    const context = await browser.newContext({ viewport, reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto(`${app.url}/${query}`);
    await page.getByRole('table').waitFor();
    return page;
  }
  const search = (page: Page) => page.getByRole('searchbox', { name: 'Search runs' });
  const names = (page: Page) => page.getByRole('link', { name: /^(First|Second)$/ }).allTextContents();
  const choose = async (page: Page, command: string) => {
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').getByRole('combobox').fill(command);
    await page.getByRole('option', { name: command }).click();
  };

  it('the search is in the address; a link to all runs, Back and Forward show what their address says', async () => {
    const page = await open();
    await search(page).fill('first');
    await expect.poll(() => page.url()).toBe(`${app.url}/?find=first`);
    await expect.poll(() => names(page)).toEqual(['First']);
    await page.getByRole('link', { name: 'Headroom: all runs' }).click();
    await expect.poll(() => names(page)).toEqual(['Second', 'First']);
    expect([page.url(), await search(page).inputValue()]).toEqual([`${app.url}/`, '']);
    await page.goBack();
    await expect.poll(() => names(page)).toEqual(['First']);
    expect(await search(page).inputValue()).toBe('first');
    await page.goForward();
    await expect.poll(() => names(page)).toEqual(['Second', 'First']);
    await page.context().close();
  });

  it('typing is never overtaken by the address', async () => {
    const page = await open();
    for (const letter of 'a run of many letters') {
      await search(page).press(letter === ' ' ? 'Space' : letter);
      // Some letters come before the address has followed, some after.
      if (letter === ' ') await expect.poll(() => page.url()).toContain('find=a');
    }
    await expect.poll(() => page.url()).toBe(`${app.url}/?find=a+run+of+many+letters`);
    expect(await search(page).inputValue()).toBe('a run of many letters');
    await page.context().close();
  });

  it('the palette opens the form of a new run as often as it is asked to, and keeps the search', async () => {
    const page = await open('?find=first');
    const dialog = page.getByRole('dialog', { name: 'New run' });
    for (const time of ['once', 'again']) {
      await choose(page, 'New run');
      await dialog.waitFor();
      await page.keyboard.press('Escape');
      await expect.poll(() => dialog.count(), { message: time }).toBe(0);
    }
    await expect.poll(() => page.url()).toBe(`${app.url}/?find=first`);
    expect(await search(page).inputValue()).toBe('first');
    await page.context().close();
  });

  it('the palette stays where it is while its list gets shorter, and tells a search that failed from one that found nothing', async () => {
    const page = await open();
    // A screen reader that moves down a column says whose each value is.
    await page.getByRole('rowheader', { name: 'Second' }).waitFor();
    await page.keyboard.press('Control+k');
    const input = page.getByRole('dialog').getByRole('combobox');
    await page.getByRole('option', { name: 'Second' }).waitFor();
    const before = await input.boundingBox();
    await input.fill('nothing of this kind');
    await page.getByText('Nothing fits.').waitFor();
    expect(await input.boundingBox()).toEqual(before);
    await page.context().setOffline(true);
    await input.fill('first');
    await page.getByText('The runs could not be searched: the server does not answer.').waitFor();
    await page.context().close();
  });

  it('choosing all runs while the server cannot be reached says so, and chooses none', async () => {
    const page = await open();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    const all = page.getByRole('checkbox', { name: /^Choose all \d+ runs shown$/ });
    await all.waitFor();
    await page.route('**/api/trpc/**', (route) => route.abort());
    await all.click();
    await page.getByText('No run was chosen: the server does not answer').waitFor();
    expect([await all.isChecked(), errors]).toEqual([false, []]);
    await page.context().close();
  });

  it('exports that are begun while the server cannot be reached say so', async () => {
    const page = await open('?column=config.seed');
    await page.getByRole('checkbox', { name: 'Choose First' }).check();
    await page.getByRole('button', { name: 'Export' }).click();
    const choice = (name: string) => page.getByRole('dialog', { name: 'Export' }).getByRole('button', { name });
    await choice('CSV every step').waitFor();
    await page.route('**/api/**', (route) => route.abort());
    await choice('This table').click();
    await page.getByText('The table: the server does not answer').waitFor();
    await choice('CSV every step').click();
    await page.getByText('First as CSV: the server does not answer').waitFor();
    await page.context().close();
  });

  it('on a phone a name takes up to three lines of its own; the number of runs stands beside the heading', async () => {
    const name = 'sweep learning rate 0.00032 weight decay 0.01';
    const { runId } = await app.hub.create(you, publishedSetup('reverse', {}, { name }));
    const page = await open('', { width: 360, height: 740 });
    await page.getByRole('heading', { level: 1, name: 'Runs 3' }).waitFor();
    const link = page.getByRole('link', { name });
    const { height } = (await link.boundingBox())!;
    expect(height).toBe(48);
    expect(await page.getByRole('row').nth(1).boundingBox()).toMatchObject({ height: 78 });
    await app.hub.command(you, { kind: 'act', id: 'stop-it-now', runId, action: 'stop', args: {} });
    await page.context().close();
  });

  it('a form about a run stays, with what was typed, when its line leaves the list', async () => {
    const { runId } = await app.hub.create(you, publishedSetup('reverse', {}, { name: 'Third' }));
    const page = await open();
    await page.getByRole('button', { name: 'Actions on Third' }).click();
    await page.getByRole('menuitem', { name: 'Name and tags…' }).click();
    const tags = page.getByRole('dialog').getByRole('textbox', { name: 'Tags' });
    await tags.fill('half typed');
    await page.request.post(`${app.url}/api/trpc/runs.label`, {
      data: { runId, archived: true, name: 'Renamed', tags: ['theirs'] },
    });
    await page.getByRole('link', { name: 'Third' }).waitFor({ state: 'detached' });
    expect(await tags.inputValue()).toBe('half typed');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    // What another person gave meanwhile stays.
    const { tags: saved, setup } = (await app.hub.view(runId))!;
    expect([saved, setup.name]).toEqual([['theirs', 'half typed'], 'Renamed']);
    await app.hub.command(you, { kind: 'act', id: 'stop-the-third', runId, action: 'stop', args: {} });
    await page.context().close();
  });

  it('charts of settings against results have no controls that change nothing there', async () => {
    const page = await open();
    const ofTable = () =>
      Promise.all([
        page.getByRole('combobox', { name: 'Grouping' }).count(),
        page.getByRole('button', { name: 'Choose columns' }).count(),
      ]);
    expect(await ofTable()).toEqual([1, 1]);
    await page.getByTitle('Charts: settings against results').click();
    await expect.poll(ofTable).toEqual([0, 0]);
    await page.context().close();
  });

  it('the axes of these charts are in the link', async () => {
    const page = await open();
    await page.goto(`${app.url}/?as=charts&axis=loss&axis=best&axis=accuracy&across=best&up=loss`);
    const axes = page.getByText(/^Axes: /);
    await expect.poll(() => axes.textContent()).toBe('Axes: loss, best, accuracy');
    const select = (name: string) => page.getByRole('combobox', { name, exact: true });
    expect([await select('across').inputValue(), await select('up').inputValue()]).toEqual(['best', 'loss']);
    await select('up').selectOption('accuracy');
    const address = () => new URL(page.url()).search;
    await expect.poll(address).toBe('?as=charts&axis=loss&axis=best&axis=accuracy&across=best&up=accuracy');
    await page.reload();
    await expect.poll(() => select('up').inputValue()).toBe('accuracy');
    await page.context().close();
  });

  it('a saved view is renamed by keyboard in the popup, which Escape leaves open; another browser shows the new name', async () => {
    const other = await open();
    const page = await open('?find=first');
    const views = page.getByRole('dialog', { name: 'Views' });
    const field = views.getByRole('textbox', { name: 'New name' });
    await page.getByRole('button', { name: 'Views' }).click();
    for (const name of ['mine', 'yours']) {
      await views.getByRole('textbox', { name: 'Name of the view' }).fill(name);
      await page.keyboard.press('Enter');
      await views.getByRole('button', { name, exact: true }).waitFor();
    }
    await views.getByRole('button', { name: 'Rename the view mine' }).press('Enter');
    await page.keyboard.press('Escape');
    await expect.poll(() => field.count()).toBe(0);
    await views.getByRole('button', { name: 'Rename the view mine' }).press('Enter');
    await expect.poll(() => field.evaluate((e) => e === document.activeElement)).toBe(true);
    await page.keyboard.type('yours');
    await page.keyboard.press('Enter');
    await views.getByText('New name: another view is called "yours"').waitFor();
    await page.keyboard.type(' of old');
    await page.keyboard.press('Enter');
    await views.getByRole('button', { name: 'yours of old', exact: true }).waitFor();
    await other.getByRole('button', { name: 'Views' }).click();
    // The other browser asks when it is looked at again.
    await expect
      .poll(async () => {
        await other.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
        return other.getByRole('dialog', { name: 'Views' }).getByRole('button', { name: 'yours of old', exact: true }).count();
      })
      .toBe(1);
    await page.context().close();
    await other.context().close();
  });

  it('the help is scrolled by keyboard from the start', async () => {
    const page = await open('', { width: 1280, height: 400 });
    await page.keyboard.press('?');
    const words = page.getByRole('region', { name: 'Keys and words' });
    await words.waitFor();
    await page.keyboard.press('PageDown');
    await expect.poll(() => words.evaluate((e) => e.scrollTop)).toBeGreaterThan(50);
    await page.context().close();
  });

  it('"?" opens the help where a run cannot be opened, as on every page', async () => {
    const page = await open();
    await page.goto(`${app.url}/runs/abcdefgh`);
    await page.getByRole('heading', { name: 'This run cannot be opened' }).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Help' }).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    await page.context().close();
  });

  it('runs that cannot be compared are named, and nothing is said to be on its way', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${app.url}/compare?runs=nope,abcdefgh`);
    await page.getByText('nope: the id of a run has 6 to 32 lower-case letters or digits').waitFor();
    await page.getByText('there is no run abcdefgh').waitFor();
    await page.getByText('None of these runs can be read: add runs above').waitFor();
    expect(await page.getByText('Reading the curves').count()).toBe(0);
    await page.getByRole('button', { name: 'Search and commands' }).click();
    await page.getByRole('dialog').getByRole('combobox').waitFor();
    await context.close();
  });

  it('where every run is archived it says so, and leads to them', async () => {
    const page = await open();
    const archive = async (archived: boolean) => {
      for (const { runId } of app.hub.summaries())
        await app.hub.decide(runId, () => [{ type: 'run.labelled', actor: you, archived }]);
    };
    await archive(true);
    await page.getByText('Every run is archived').waitFor();
    await page.getByRole('button', { name: 'Show archived runs' }).click();
    await expect.poll(() => names(page)).toContain('First');
    await archive(false);
    await page.context().close();
  });
});
