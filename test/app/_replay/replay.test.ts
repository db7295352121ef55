/** A replay file: made over HTTP from a recorded run, opened from the disk in Chromium without any network. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evenlySpaced } from '~/server/export/replay';
import { buildReplayPage } from '~/server/process/buildReplay';
import type { RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser, openTab } from '~/test/support/browser';
import { ownFolder } from '~/test/support/folder';
import { recordedRow, recordRun } from '~/test/support/recordedRun';
import { blobOf, refOf } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';

const folder = ownFolder();
afterAll(folder.remove);
const data = path.join(folder.path, 'data');
const file = (name: string) => path.join(folder.path, name);
const ada: Actor = { id: 'ada', name: 'Ada', role: 'admin' };

/** What would run, or break the page, if any of it were taken for markup. */
const evil = `</script><img src=x onerror="window.broken=1"><!--<script>"'&`;

/** The blob of a sample. */
const poem = new TextEncoder().encode('a poem that is kept as a blob');
const long = `${'long '.repeat(400)}end`;
const sample = (step: number, name: string, content: object) =>
  ({ type: 'media', step, name, kind: 'text', ...content }) as RunEvent;

let app: TestApp;
const take = async (query: string, runId = 'record1') => {
  const answer = await fetch(`${app.url}/api/runs/${runId}/export?format=html${query}`);
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
};
beforeAll(async () => {
  await Promise.all([buildReplayPage(), recordRun(data).then(() => recordRun(data, 'notover1', false))]);
  app = await startApp({ dataFolder: data });
  const trainer = await TrainerClient.connect(app.address);
  await trainer.put(blobOf(poem));
  trainer.close();
  const anchor = { step: 700, chart: null, head: null };
  await app.hub.decide('record1', () => [
    { type: 'run.labelled', actor: ada, name: `run ${evil}`.slice(0, 80) },
    { type: 'note', actor: ada, note: { kind: 'add', id: 'note-0001', anchor, text: `look here ${evil}`, replyTo: null } },
    sample(500, 'poem', { blob: refOf(blobOf(poem)) }),
    sample(900, 'story', { text: `first ${evil}` }),
    sample(2000, 'story', { text: long }),
    { type: 'console', stream: 'out', text: `printed ${evil}\n` },
    { type: 'console', stream: 'err', text: 'went wrong\n' },
  ]);
});
afterAll(() => app?.close());

describe('taking a replay away', () => {
  it('is one page, named after the run, that says what it holds', async () => {
    const { status, headers, text } = await take('');
    expect([status, headers.get('content-type'), headers.get('content-disposition')]).toEqual([
      200,
      'text/html; charset=utf-8',
      expect.stringMatching(/^attachment; filename="run-.*\.html"$/),
    ]);
    expect(text.endsWith('<script type="text/plain" id="end"></script>\n</body>\n</html>\n')).toBe(true);
    expect(text).not.toContain('<img');
    const manifest = JSON.parse(/id="manifest">(.*)<\/script>/.exec(text)![1]!) as object;
    expect(manifest).toMatchObject({
      runId: 'record1',
      rows: { headStep: 3000, whole: true, series: 9, parts: 2 },
      snapshots: { kept: 3, of: 3, missing: 0 },
      media: { kept: 3, of: 3 },
      console: { parts: 2 },
    });
  });

  it('with fewer snapshots holds those, evenly spaced, and the page knows how many there were', async () => {
    const { text } = await take('&snapshots=2');
    // Those of two snapshots, and the sample's.
    expect(text.match(/id="blob-[0-9a-f]{64}"/g)).toHaveLength(3);
    expect(JSON.parse(/id="manifest">(.*)<\/script>/.exec(text)![1]!)).toMatchObject({ snapshots: { kept: 2, of: 3 } });
  });

  it.each([
    ['&snapshots=-1', 'snapshots: give "all", or how many: a whole number from 0'],
    ['&snapshots=', 'snapshots: give "all", or how many: a whole number from 0'],
    ['&step=3&series=loss', 'series: only format csv takes it, html is of the whole run'],
  ])('%s is refused: %s', async (query, error) => {
    const { status, text } = await take(query);
    expect([status, JSON.parse(text)]).toEqual([400, { error }]);
  });

  it('even spacing keeps the first and the last and goes by step, not by number', () => {
    const steps = [0, 1, 2, 3, 4, 100, 200, 300].map((step) => ({ step }));
    expect(evenlySpaced(steps, 4).map((s) => s.step)).toEqual([0, 100, 200, 300]);
    expect(evenlySpaced(steps, 1).map((s) => s.step)).toEqual([300]);
    expect(evenlySpaced(steps, 0)).toEqual([]);
    expect(evenlySpaced(steps, 99)).toEqual(steps);
  });
});

describeInBrowser('a replay file in Chromium, from the disk, without a network', () => {
  let browser: Browser;
  let close: () => Promise<void>;
  let page: Page;
  const trouble: string[] = [];
  const asked: string[] = [];

  const open = async (name: string, viewport = { width: 1400, height: 1000 }) => {
    const context = await browser.newContext({ viewport, offline: true });
    const opened = await context.newPage();
    opened.on('console', (m) => m.type() === 'error' && trouble.push(m.text()));
    opened.on('pageerror', (e) => trouble.push(e.message));
    opened.on('request', (r) => {
      if (!/^(data|blob):/.test(r.url())) asked.push(r.url());
    });
    await opened.goto(pathToFileURL(file(name)).href);
    return opened;
  };
  const goTo = async (step: number) => {
    const field = page.getByRole('textbox', { name: 'step', exact: true });
    await field.fill(String(step));
    await field.press('Enter');
  };
  /** The value of a chart's line at the cursor, as the legend reads it. */
  const reads = (series: string) => page.locator(`[data-reads="${series}"]`).first().textContent();

  beforeAll(async () => {
    writeFileSync(file('run.html'), (await take('')).text);
    ({ browser, close } = await openBrowser());
    page = await open('run.html');
    await page.getByRole('heading', { level: 1 }).waitFor();
  });
  afterAll(() => close?.());

  it('shows at a step the values of the log, and of the snapshots the nearest, saying so', async () => {
    await goTo(1500);
    await expect.poll(() => reads('loss')).toContain(recordedRow(1500)[0]!.toPrecision(4).slice(0, 5));
    await openTab(page, 'Attention');
    await page.locator('[data-testid="attention-step"]').waitFor();
    await expect
      .poll(() => page.locator('[data-testid="attention-step"]').textContent())
      .toMatch(/step 2,000, the nearest recorded, 500 after 1,500/);
    await expect.poll(() => page.getByRole('button', { name: 'Evaluate' }).count()).toBe(0);
  });

  it('moves by arrows, Home and End, and plays with Space', async () => {
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    const step = () => page.getByRole('textbox', { name: 'step', exact: true }).inputValue();
    await page.keyboard.press('Home');
    await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('ArrowLeft');
    await expect.poll(step).toBe('9');
    await page.keyboard.press('PageDown');
    await expect.poll(step).toBe('2000');
    await page.keyboard.press('End');
    await expect.poll(step).toBe('3000');
    await page.keyboard.press('Home');
    await page.keyboard.press(' ');
    await page.getByRole('button', { name: 'Pause the replay' }).waitFor();
    await page.keyboard.press(' ');
    await page.getByRole('button', { name: 'Play the run from here' }).waitFor();
  });

  it('of a run that had not ended is at its last step, waits for nothing, and plays to its end, from the start again', async () => {
    writeFileSync(file('notover.html'), (await take('', 'notover1')).text);
    const other = await open('notover.html');
    const timeline = other.getByRole('region', { name: 'Timeline' });
    await timeline.getByText('Last step', { exact: true }).waitFor();
    await other.getByLabel('Replay speed').selectOption('100');
    for (const _ of [1, 2]) {
      await other.getByRole('button', { name: 'Play the run from its beginning' }).click();
      await other.getByRole('button', { name: 'Pause the replay' }).waitFor();
      await other.getByRole('button', { name: 'Play the run from its beginning' }).waitFor();
      await timeline.getByRole('button', { name: 'Go to last step' }).waitFor();
      expect(await other.getByRole('textbox', { name: 'step', exact: true }).inputValue()).toBe('3000');
    }
    await other.context().close();
  });

  it('lists its keys, those for steering and notes not among them; what needs a server is not offered', async () => {
    await page.keyboard.press('?');
    const keys = page.getByRole('dialog', { name: 'Keyboard and gestures' });
    await keys.getByText('play or stop').waitFor();
    expect(await keys.textContent()).not.toMatch(/note|steer|pause/);
    await page.keyboard.press('Escape');
    await keys.waitFor({ state: 'detached' });
    await openTab(page, 'Attention');
    await page.getByRole('button', { name: 'export' }).click();
    const files = page.getByRole('dialog', { name: 'Export' });
    await files.getByText('every signal of every head').waitFor();
    await expect.poll(() => files.getByRole('link').count()).toBe(0);
    await page.keyboard.press('Escape');
  });

  it('holds the decisions, the notes as they were written, and the set-up', async () => {
    await openTab(page, 'Activity');
    await page.getByTestId('activity').getByText('Clip at → 1').waitFor();
    await openTab(page, 'Notes');
    await expect.poll(() => page.getByRole('region', { name: 'Notes' }).getByText(`look here ${evil}`).count()).toBe(1);
    await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe(`run ${evil}`.slice(0, 80));
    await page.getByRole('button', { name: 'This file' }).click();
    await page.getByText('Attention: all 3 snapshots, exact.').waitFor();
    expect(await page.evaluate(() => (window as { broken?: number }).broken)).toBeUndefined();
  });

  it('shows the samples as of the step, with all of their text, what was printed, and the names of the settings', async () => {
    await page.keyboard.press('Escape');
    await openTab(page, 'Samples');
    const samples = page.getByTestId('samples');
    await goTo(1000);
    await samples.getByText('a poem that is kept as a blob').waitFor();
    await samples.getByText(`first ${evil}`).waitFor();
    await goTo(3000);
    await samples.getByRole('button', { name: `Show all ${long.length.toLocaleString('en')} characters` }).click();
    await samples.getByText(/long end$/).waitFor();
    const printed = page.getByTestId('console');
    await printed.getByText(`printed ${evil}`).waitFor();
    await page.getByRole('searchbox', { name: 'Search the console' }).fill('wrong');
    await expect.poll(() => printed.textContent()).toBe('went wrong\n');
    await openTab(page, 'Set-up');
    await page.getByText('Learning rate over time').first().waitFor();
  });

  it('fits a phone, in the dark and in the light', async () => {
    const phone = await open('run.html', { width: 360, height: 740 });
    await phone.getByRole('heading', { level: 1 }).waitFor();
    expect(await phone.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    const background = () => phone.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const before = await background();
    await phone.getByRole('button', { name: 'Switch between dark and light' }).click();
    await expect.poll(background).not.toBe(before);
    await phone.context().close();
  });

  it('that was cut short says so', async () => {
    writeFileSync(file('cut.html'), readFileSync(file('run.html'), 'utf8').slice(0, -5000));
    const cut = await open('cut.html');
    await cut.getByText('This replay cannot be opened: the file was cut short: take the replay away again').waitFor();
    await cut.context().close();
  });

  it('asks nobody for anything, and nothing goes wrong', () => {
    expect(asked.filter((url) => !url.startsWith(pathToFileURL(folder.path).href))).toEqual([]);
    expect(trouble).toEqual([]);
  });
});
