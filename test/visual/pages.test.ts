/**
 * Every page looks as it did: both themes, three widths, of two recorded runs, one that waits, and a server without runs. Pictures
 * lie in `pictures/`; after a change that is meant, `WRITE_PICTURES=1 npx vitest run test/visual` writes them anew, and the commit
 * shows them.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createTRPCClient, httpLink } from '@trpc/client';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { main as headroomImport } from '~/server/import/cli';
import { build } from '~/server/process/build';
import type { AppRouter } from '~/server/trpc';
import { transformer } from '~/shared/json';
import { paths } from '~/shared/protocol';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { ownFolder } from '~/test/support/folder';
import { root } from '~/test/support/root';
import { publishedSetup } from '~/test/support/setups';
import { TrainerClient } from '~/test/support/trainerClient';
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
  /** A server with a trainer and without runs, which somebody is invited to. */
  let fresh: TestApp;
  let trainer: TrainerClient;
  let invitation: string;
  const folder = ownFolder();
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
    const replay = await fetch(`${app.url}/api/runs/${runs.reverse}/export?format=html`);
    writeFileSync(join(folder.path, 'replay.html'), await replay.text());
    fresh = await startApp({ pages: { dev: false, root } });
    trainer = await TrainerClient.connect(fresh.address, { name: 'box', memoryBytes: 2 ** 36 });
    const client = createTRPCClient<AppRouter>({ links: [httpLink({ url: fresh.url + paths.trpc, transformer })] });
    const invited = await client.team.invite.mutate({ role: 'operator', uses: 1, expiresInMs: 3_600_000 });
    invitation = `${fresh.url}/join?invite=${invited.secret}`;
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
    trainer?.close();
    await fresh?.close();
    folder.remove();
  });

  /** Made when its picture is due: the list of runs, which comes before, is that of the recorded ones. */
  const waiting = async () => {
    const ada = { id: 'ada', name: 'Ada', role: 'admin' } as const;
    runs.waiting ??= (await app.hub.create(ada, publishedSetup('reverse', {}, { name: 'Reverse, tonight' }))).runId;
    return `${app.url}/runs/${runs.waiting}`;
  };
  const heading = (page: Page) => page.getByRole('heading', { level: 1 }).waitFor();
  const loss = (page: Page) => page.getByRole('figure', { name: 'Loss', exact: true }).waitFor();
  const pages: [name: string, address: () => string | Promise<string>, ready: (page: Page) => Promise<unknown>][] = [
    [
      'runs',
      () => `${app.url}/`,
      (page) =>
        page
          .getByRole('link', { name: /Reverse/i })
          .first()
          .waitFor(),
    ],
    [
      'new-run',
      () => `${fresh.url}/`,
      async (page) => {
        const name = page.getByRole('dialog').getByRole('textbox', { name: 'Name', exact: true });
        // A button that React does not listen to yet is pressed again.
        const pressed = async () => {
          await page.getByRole('button', { name: 'New run' }).click();
          await name.waitFor({ timeout: 5000 });
          return true;
        };
        await expect.poll(() => pressed().catch(() => name.isVisible())).toBe(true);
      },
    ],
    ['run', () => `${app.url}/runs/${runs.reverse}`, loss],
    ['waiting', waiting, (page) => page.getByRole('status', { name: 'Why it waits' }).waitFor()],
    ['replay', () => pathToFileURL(join(folder.path, 'replay.html')).href, loss],
    ['attention', () => `${app.url}/runs/${runs.anomaly}?tabs=attention`, (page) => page.getByTestId('attention-step').waitFor()],
    [
      'compare',
      () => `${app.url}/compare?runs=${runs.reverse},${runs.anomaly}`,
      (page) => page.waitForFunction(() => /\d/.test(document.querySelector('[data-reads]')?.textContent ?? '')),
    ],
    ['team', () => `${app.url}/team`, heading],
    ['welcome', () => `${fresh.url}/`, (page) => page.getByRole('heading', { name: 'Watch a demo' }).waitFor()],
    ['join', () => invitation, (page) => page.getByRole('heading', { name: 'Join the room' }).waitFor()],
    ['signed-in', () => `${fresh.url}/join`, (page) => page.getByRole('heading', { name: 'You are signed in' }).waitFor()],
    ['not-found', () => `${app.url}/nowhere`, heading],
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
      await page.goto(await address());
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
