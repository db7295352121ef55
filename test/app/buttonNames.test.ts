/** People who hear a page, or speak to it, tell its buttons apart: those of one page with the same name do the same. */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { main as headroomImport } from '~/server/import/cli';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser, openTab } from '~/test/support/browser';
import { root } from '~/test/support/root';
import { publishedSetup } from '~/test/support/setups';

/** Buttons that do the same wherever they are: one step, one tag, one term. */
const doTheSame = /^Go to step |^What is “/;

describeInBrowser('the names of buttons', { timeout: 240_000 }, () => {
  let app: TestApp;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  let page: Page;
  let runId: string;
  let ask: (path: string, data: unknown) => Promise<unknown>;

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root }, loginRequired: true });
    ({ browser, close: closeBrowser } = await openBrowser());
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
    const { request } = context;
    ask = async (path, data) => {
      const answer = await request.post(`${app.url}/api/trpc/${path}`, { data: data as object });
      expect(answer.ok(), await answer.text()).toBe(true);
      return (await answer.json()).result.data;
    };
    const joins = async (invite: string, name: string, as = request) =>
      void (await as.post(`${app.url}/api/join`, { data: { invite, name, colour: '#aa3355' } }));
    const first = new URL(app.adminLink!, app.url).searchParams.get('invite')!;
    await joins(first, 'Ada');
    // Two people, and sessions, tokens and links that look the same.
    const invite = { role: 'admin', uses: 2, expiresInMs: 3_600_000 };
    const { secret } = (await ask('team.invite', invite)) as { secret: string };
    for (const name of ['Bob', 'Cleo']) await joins(secret, name, (await browser.newContext()).request);
    for (let i = 0; i < 2; i++) {
      await ask('team.invite', invite);
      await ask('team.makeToken', { name: 'nightly', scope: 'viewer', expiresInMs: null });
    }
    const { secret: token } = (await ask('team.makeToken', { name: 'import', scope: 'admin', expiresInMs: null })) as {
      secret: string;
    };
    const said: string[] = [];
    const say = (text: string) => void said.push(text);
    const file = join(root, 'test/fixtures/v01/anomaly.headroom');
    expect(await headroomImport([file, '--server', app.url, '--token', token], { out: say, err: say }), said.join('\n')).toBe(0);
    runId = [...app.hub.summaries()][0]!.runId;
    const note = (id: string, replyTo: string | null) => ({
      runId,
      note: { kind: 'add', id, anchor: { step: id.length, chart: null, head: null }, text: 'look at this', replyTo },
    });
    for (const id of ['note-one', 'another-note']) await ask('runs.note', note(id, null));
    await ask('runs.note', note('an-answer', 'note-one'));
    const ada = { id: 'ada', name: 'Ada', role: 'admin' } as const;
    for (let i = 0; i < 2; i++) await app.hub.create(ada, publishedSetup('reverse', {}, { name: 'Again' }));
    page = await context.newPage();
  }, 600_000);
  afterAll(async () => {
    await closeBrowser?.();
    await app?.close();
  });

  /** Names that several buttons have, as assistive technology gets them. */
  async function sameNames(): Promise<string[]> {
    const cdp = await page.context().newCDPSession(page);
    const { nodes } = await cdp.send('Accessibility.getFullAXTree');
    await cdp.detach();
    const buttons = nodes.filter((n) => !n.ignored && n.role?.value === 'button').map((n) => String(n.name?.value));
    expect(buttons.length).toBeGreaterThan(3);
    return [...new Set(buttons.filter((name, i) => buttons.indexOf(name) !== i && !doTheSame.test(name)))];
  }

  it('in the list of runs', async () => {
    await page.goto(app.url);
    await expect.poll(() => page.getByRole('button', { name: /^Actions on Again, line \d$/ }).count()).toBe(2);
    await page.getByRole('checkbox', { name: 'Choose Again, line 1' }).check();
    expect(await sameNames()).toEqual([]);
  });

  it.each([
    ['Activity', (p: Page) => p.getByRole('button', { name: /^(Revert|Go on): checkpoint saved, step / }).first()],
    ['Notes', (p: Page) => p.getByRole('button', { name: /^Reply: Ada at step 12: look at this$/ })],
    ['Evaluations', (p: Page) => p.getByTestId('evaluations')],
    ['Attention', (p: Page) => p.getByTestId('attention-step')],
    ['Gradients', (p: Page) => p.getByRole('region', { name: 'Gradients', exact: true })],
  ] as const)('on the page of a run: %s', async (tab, ready) => {
    if (!page.url().includes(runId)) await page.goto(`${app.url}/runs/${runId}`);
    await openTab(page, tab);
    await ready(page).waitFor();
    expect(await sameNames()).toEqual([]);
  });

  it('on the page of the team, and in the rules of a run', async () => {
    await page.goto(`${app.url}/team`);
    const rules = page.getByRole('region', { name: 'Watchdogs of all runs' });
    for (let i = 0; i < 2; i++) await rules.getByRole('button', { name: 'Add a webhook' }).click();
    for (const name of [
      /^Remove: (Bob|Cleo)$/,
      /^Sign out: (Bob|Cleo), /,
      /^Revoke: nightly, viewer, line \d$/,
      /^Revoke: admin, 2 of 2 uses left, /,
    ])
      await page.getByRole('button', { name }).nth(1).waitFor();
    expect(await sameNames()).toEqual([]);
  });
});
