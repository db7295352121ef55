/**
 * Every page looks as it did: both themes, three widths, of two recorded runs. Pictures lie in `pictures/`; after a change that is
 * meant, `WRITE_PICTURES=1 npx vitest run test/visual` writes them anew, and the commit shows them.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { main as headroomImport } from '~/server/import/cli';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { root } from '~/test/support/root';
import { difference, pictureOf } from './picture';

const pictures = join(root, 'test/visual/pictures');
const versionFile = join(pictures, 'chromium.txt');
const seen = join(root, '.build/pictures');
const writing = process.env.WRITE_PICTURES === '1';

/** Percent of a picture's pixels that may differ. */
const ALLOWED = 0.5;
const sizes = [
  { width: 360, height: 740 },
  { width: 1280, height: 900 },
  { width: 1920, height: 1080 },
];

describeInBrowser('the pages, as pictures', () => {
  let app: TestApp;
  let browser: Browser;
  let judge: Page;
  let closeBrowser: () => Promise<void>;
  let sameBrowser = false;
  const runs: Record<string, string> = {};

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root } });
    const files = ['reverse', 'anomaly'].map((name) => join(root, `test/fixtures/v01/${name}.headroom`));
    const said: string[] = [];
    const say = (text: string) => void said.push(text);
    expect(await headroomImport([...files, '--server', app.url], { out: say, err: say }), said.join('\n')).toBe(0);
    for (const { runId, recipe } of app.hub.summaries()) runs[recipe ?? ''] = runId;
    ({ browser, close: closeBrowser } = await openBrowser());
    judge = await browser.newPage();
    mkdirSync(pictures, { recursive: true });
    const version = browser.version().split('.')[0]!;
    if (writing) writeFileSync(versionFile, `${version}\n`);
    const known = readFileSync(versionFile, 'utf8').trim();
    sameBrowser = version === known;
    if (!sameBrowser)
      console.warn(
        `SKIPPED: the pictures of the pages were taken with Chromium ${known}, this is ${version}. WRITE_PICTURES=1 npx vitest run test/visual takes them anew.`,
      );
  }, 600_000);
  afterAll(async () => {
    await closeBrowser?.();
    await app?.close();
  });

  const pages: [name: string, address: () => string, ready: (page: Page) => Promise<unknown>][] = [
    [
      'runs',
      () => '/',
      (page) =>
        page
          .getByRole('link', { name: /Reverse/i })
          .first()
          .waitFor(),
    ],
    ['run', () => `/runs/${runs.reverse}`, (page) => page.getByRole('figure', { name: 'Loss', exact: true }).waitFor()],
    ['attention', () => `/runs/${runs.anomaly}?tabs=attention`, (page) => page.getByTestId('attention-step').waitFor()],
    [
      'compare',
      () => `/compare?runs=${runs.reverse},${runs.anomaly}`,
      (page) => page.waitForFunction(() => /\d/.test(document.querySelector('[data-reads]')?.textContent ?? '')),
    ],
    ['team', () => '/team', (page) => page.getByRole('heading', { level: 1 }).waitFor()],
    ['not-found', () => '/nowhere', (page) => page.getByRole('heading', { level: 1 }).waitFor()],
  ];
  const cases = pages.flatMap(([name, address, ready]) =>
    (['dark', 'light'] as const).map((theme) => ({ name, address, ready, theme })),
  );

  it.for(cases)('$name, $theme', { timeout: 240_000 }, async ({ name, address, ready, theme }, { skip }) => {
    if (!sameBrowser) skip();
    const context = await browser.newContext({
      colorScheme: theme,
      reducedMotion: 'reduce',
      locale: 'en-US',
      timezoneId: 'UTC',
    });
    const page = await context.newPage();
    const failures: string[] = [];
    for (const viewport of sizes) {
      await page.setViewportSize(viewport);
      await page.goto(app.url + address());
      await ready(page);
      const file = `${name}-${theme}-${viewport.width}.webp`;
      if (writing) {
        writeFileSync(join(pictures, file), Buffer.from(await settled(page, judge), 'base64'));
        continue;
      }
      if (!existsSync(join(pictures, file))) throw new Error(`${file} is missing: WRITE_PICTURES=1 writes it`);
      const known = readFileSync(join(pictures, file), 'base64');
      let picture = '';
      const apart = async () => {
        picture = await pictureOf(page, judge);
        return difference(judge, known, picture);
      };
      // A curve may still be on its way: only a page that stays different is another one.
      await expect
        .poll(apart, { timeout: 30_000, interval: 300 })
        .toBeLessThanOrEqual(ALLOWED)
        .catch((error: Error) => {
          mkdirSync(seen, { recursive: true });
          writeFileSync(join(seen, file), Buffer.from(picture, 'base64'));
          failures.push(`${file}: ${error.message}; percent of its pixels; seen: ${join(seen, file)}`);
        });
    }
    expect(failures).toEqual([]);
    await context.close();
  });
});

/** The picture once it has stayed the same for two seconds. */
async function settled(page: Page, judge: Page): Promise<string> {
  await page.evaluate(() => document.fonts.ready.then(() => {}));
  let last = await pictureOf(page, judge);
  for (let same = 0; same < 8; ) {
    await page.evaluate(() => new Promise((done) => setTimeout(done, 250)));
    const next = await pictureOf(page, judge);
    same = next === last ? same + 1 : 0;
    last = next;
  }
  return last;
}
