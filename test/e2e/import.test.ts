import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createTRPCClient, httpLink } from '@trpc/client';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from '~/server/process/build';
import { systemActor } from '~/server/team/people';
import type { AppRouter } from '~/server/trpc';
import { transformer } from '~/shared/json';
import { paths } from '~/shared/protocol';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { ownFolder } from '~/test/support/folder';
import { eventFile, scalars } from '~/test/support/importing';
import { root } from '~/test/support/root';
import { publishedSetup } from '~/test/support/setups';

describeInBrowser('importing on the runs page', () => {
  const folder = ownFolder();
  let app: TestApp;
  /** Ended after the other one: Next's servers in one process share what the first to end takes away. */
  let locked: TestApp | undefined;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  /** A viewer of `locked`. */
  let signedIn: Awaited<ReturnType<BrowserContext['storageState']>>;
  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ dataFolder: path.join(folder.path, 'data'), pages: { dev: false, root } });
    ({ browser, close: closeBrowser } = await openBrowser());
    const logs = path.join(folder.path, 'logs');
    mkdirSync(path.join(logs, 'b'), { recursive: true });
    writeFileSync(path.join(logs, 'metrics.csv'), 'iteration,tokens,loss,split\n0,10,1.5,train\n1,30,2.5,train\n');
    writeFileSync(path.join(logs, 'b/events.out.tfevents.1.h'), eventFile(scalars(1_700_000_000, 0, { loss: 3 })));
  }, 600_000);
  afterAll(async () => {
    await closeBrowser?.();
    await app?.close();
    await locked?.close();
    folder.remove();
  });

  it('a folder shows its runs before anything is written; another axis, a choice, then the runs are there', async () => {
    const page = await browser.newPage();
    await page.goto(app.url);
    await page.getByRole('button', { name: 'Import' }).first().click();
    await page.getByLabel('Folder to import').setInputFiles(path.join(folder.path, 'logs'));
    const runs = page.getByRole('list', { name: 'Runs in the files' }).getByRole('listitem');
    await expect.poll(() => runs.count()).toBe(2);
    const csv = runs.filter({ hasText: 'CSV' });
    await expect.poll(() => csv.textContent()).toContain('2 series, 2 rows, steps 0 to 1');
    await expect.poll(() => csv.textContent()).toContain('Left out: column "split" (text such as "train", line 2; 2 rows)');
    expect(app.hub.summaries()).toEqual([]);
    await csv.getByRole('combobox').selectOption('tokens');
    await expect.poll(() => runs.filter({ hasText: 'steps 10 to 30' }).count()).toBe(1);
    await runs.filter({ hasText: 'TensorBoard' }).getByRole('checkbox').uncheck();
    await page.getByRole('button', { name: 'Import 1 run' }).click();
    const made = page.getByRole('list', { name: 'Imported runs' }).getByRole('link');
    await made.waitFor();
    expect(app.hub.summaries().map((s) => [s.name, s.status])).toEqual([['logs', 'finished']]);
    await made.click();
    await page.waitForURL(/\/runs\/\w+$/);
    await page.close();
  });

  /** Drops files on the page, once it listens. @returns whether the page kept the browser from opening them itself */
  const drop = async (page: Page, files: Record<string, string>) => {
    const transfer = await page.evaluateHandle((given) => {
      const data = new DataTransfer();
      for (const [name, text] of Object.entries(given)) data.items.add(new File([text], name));
      return data;
    }, files);
    // The page is drawn by the server first; it takes files once it knows who is there.
    await page.waitForFunction((dataTransfer) => {
      document.body.dispatchEvent(new DragEvent('dragenter', { dataTransfer, bubbles: true }));
      return /Drop to import|Only those who may start runs can import/.test(document.body.textContent ?? '');
    }, transfer);
    return page.evaluate(
      (dataTransfer) => !document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true })),
      transfer,
    );
  };

  it('of several files each says what would come of it; the button that goes on has the focus', async () => {
    const page = await browser.newPage();
    await page.goto(app.url);
    const files = { 'a.csv': 'step,loss\n0,1\n', 'empty.csv': '', 'b.pdf': '%PDF-1.4', 'c.headroom': 'junk', 'd.json': '{' };
    expect(await drop(page, files)).toBe(true);
    const plan = page.getByRole('list', { name: 'Runs in the files' });
    await plan.waitFor();
    expect((await plan.getByRole('listitem').allInnerTexts()).map((text) => text.split(/\n+/).slice(0, 3).join(' | '))).toEqual([
      'a | CSV | 1 series, 1 row, steps 0 to 0',
      'b.pdf | CSV | this is a PDF, not a CSV; save its numbers as CSV or as JSON lines',
      'c | Headroom | the file is damaged: incorrect header check',
      expect.stringMatching(/^d \| JSON \| the file is not JSON: /),
      'Not imported: empty files: 1 (empty.csv)',
    ]);
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Import 1 run');
    await page.close();
  });

  it('where nothing can be imported, the only way on is to close', async () => {
    const page = await browser.newPage();
    await page.goto(app.url);
    await drop(page, { 'b.pdf': '%PDF-1.4' });
    await page.getByText('this is a PDF').waitFor();
    expect(
      await page
        .getByRole('dialog')
        .getByRole('button', { name: /Import|Cancel/ })
        .count(),
    ).toBe(0);
    await page.keyboard.press('Enter');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    await page.close();
  });

  it('a file that a viewer drops is refused in words, and does not take the place of the page', async () => {
    locked = await startApp({ loginRequired: true, pages: { dev: false, root } });
    const { url } = locked;
    const join = async (secret: string, name: string) => {
      const answer = await fetch(`${url}/api/join`, { method: 'POST', body: JSON.stringify({ invite: secret, name }) });
      return answer.headers.get('set-cookie')!.split(';')[0]!;
    };
    const admin = await join(new URL(locked.adminLink!, url).searchParams.get('invite')!, 'Ada');
    const client = createTRPCClient<AppRouter>({
      links: [httpLink({ url: url + paths.trpc, transformer, headers: { cookie: admin } })],
    });
    const { secret } = await client.team.invite.mutate({ role: 'viewer', uses: 1, expiresInMs: 3_600_000 });
    const page = await browser.newPage();
    await page.goto(`${url}/join?invite=${secret}`);
    await page.getByLabel('Your name').fill('Vic');
    await page.getByRole('button', { name: 'Join' }).click();
    await page.getByRole('heading', { name: 'Watch a demo' }).waitFor();
    await page.getByText('connected', { exact: true }).waitFor();
    expect(await drop(page, { 'a.csv': 'step,loss\n0,1\n' })).toBe(true);
    await page.getByText('Vic (viewer) may not import runs').waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
    signedIn = await page.context().storageState();
    await page.close();
  });

  it('the introduction stays below the demonstrations until somebody has a run', async () => {
    const { hub, url } = locked!;
    const demo = await hub.create(systemActor, { ...publishedSetup('reverse'), name: 'Demo' });
    await hub.command(systemActor, { kind: 'act', id: crypto.randomUUID(), runId: demo.runId, action: 'stop', args: {} });
    await hub.create(systemActor, { ...publishedSetup('reverse'), name: 'Queued demo' });
    const page = await (await browser.newContext({ storageState: signedIn })).newPage();
    await page.goto(url);
    const introduction = page.getByRole('region', { name: 'Introduction' });
    await introduction.getByText('The runs above are demonstrations.').waitFor();
    // The newest is queued: the one with something to see comes first.
    expect(await introduction.getByRole('link', { name: /^Open / }).allTextContents()).toEqual(['Open Demo', 'Open Queued demo']);
    expect(await introduction.getByRole('link', { name: 'Open Demo' }).getAttribute('href')).toBe(`/runs/${demo.runId}`);
    const table = (await page.getByRole('region', { name: 'Table of runs' }).boundingBox())!;
    expect((await introduction.boundingBox())!.y).toBeGreaterThanOrEqual(table.y + table.height);
    await hub.create({ id: 'ada', name: 'Ada', role: 'admin' }, { ...publishedSetup('reverse'), name: 'Hers' });
    await page.getByRole('link', { name: 'Hers' }).waitFor();
    await introduction.waitFor({ state: 'detached' });
    await page.context().close();
  });

  it('a file dropped on a page that takes none does not take its place', async () => {
    const page = await browser.newPage();
    await page.goto(`${app.url}/team`);
    await page.getByRole('heading', { name: 'Team', level: 1 }).waitFor();
    await page.waitForFunction(() => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(['step,loss\n0,1\n'], 'a.csv'));
      const kept = (type: string) =>
        !document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
      return kept('dragover') && kept('drop');
    });
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.close();
  });

  it('a file that is dropped anywhere opens its run', async () => {
    const page = await browser.newPage();
    await page.goto(app.url);
    await drop(page, { 'dropped.csv': 'step,loss\n0,1\n1,2\n' });
    await page.getByRole('button', { name: 'Import 1 run' }).click();
    await page.waitForURL(/\/runs\/\w+$/);
    expect(
      app.hub
        .summaries()
        .map((s) => s.name)
        .sort(),
    ).toEqual(['dropped', 'logs']);
    await page.close();
  });
});
