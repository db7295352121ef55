/** A team in one room, with everything as people have it: `HOST=0.0.0.0 npm start`, links, two browsers, a script, an agent and the audit log. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { createTRPCClient, httpLink } from '@trpc/client';
import { nanoid } from 'nanoid';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { auditPath } from '~/server/audit/auditFile';
import { connect } from '~/server/mcp/client';
import type { AppRouter } from '~/server/trpc';
import { transformer } from '~/shared/json';
import { paths } from '~/shared/protocol';
import { describeInBrowser, openBrowser, openTab, temporaryFolder } from '~/test/support/browser';
import { freePort, type Product, pauseEarly, startProduct } from '~/test/support/product';
import { root } from '~/test/support/root';

const run = promisify(execFile);

describeInBrowser('a team, as it begins', () => {
  const folder = temporaryFolder();
  let product: Product;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let ada: Page;
  let bob: Page;
  let runId: string;
  let secret: string;
  let stopped = false;

  beforeAll(async () => {
    const env = { HOST: '0.0.0.0', HEADROOM_BACKEND: 'wasm' };
    [product, browser] = await Promise.all([
      startProduct({ dataFolder: folder.path, port: await freePort(), env }),
      openBrowser(),
    ]);
    [ada, bob] = (await Promise.all(
      ['ada', 'bob'].map(async () => (await browser.browser.newContext({ viewport: { width: 1440, height: 1000 } })).newPage()),
    )) as [Page, Page];
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    if (!stopped) await product?.stop();
    folder.remove();
  });
  const region = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
  const textIn = (page: Page, label: string | RegExp) => page.getByRole('textbox', { name: label }).inputValue();
  /** On a page of its own, so that the others stay as they are. */
  async function onTeamPage<T>(who: Page, act: (page: Page) => Promise<T>): Promise<T> {
    const page = await who.context().newPage();
    try {
      await page.goto(`${product.url}/team`);
      return await act(page);
    } finally {
      await page.close();
    }
  }

  it('the printed link lets the first admin in, once; without one nobody sees a run', async () => {
    await bob.goto(product.url);
    await bob.getByText('Open the invite link that you were given').waitFor();
    expect(bob.url()).toBe(`${product.url}/join?to=%2F`);
    // The server answers a moment before it has printed the link.
    const printed = () => /http:\/\/\S+\/join\?invite=\S+/.exec(product.output())?.[0] ?? '';
    await expect.poll(printed).not.toBe('');
    const link = printed();
    await ada.goto(link);
    await ada.getByText('You come in as admin').waitFor();
    await ada.getByRole('button', { name: 'Join' }).click();
    await ada.getByText('say who you are', { exact: true }).waitFor();
    await ada.getByLabel('Your name').fill('Ada Lovelace');
    await ada.getByLabel('Your color').fill('#aa3355');
    await ada.getByRole('button', { name: 'Join' }).click();
    await ada.getByRole('link', { name: 'Reverse' }).first().waitFor();
    const cookie = (await ada.context().cookies()).map((c) => `${c.name}=${c.value}`).join('; ');
    const url = product.url + paths.trpc;
    // It must not be over before the others have come.
    runId = await pauseEarly(
      createTRPCClient<AppRouter>({ links: [httpLink({ url, transformer, headers: { cookie } })] }),
      'Reverse',
    );
    await ada.getByRole('link', { name: 'Reverse' }).first().click();
    await ada.waitForURL(`**/runs/${runId}`);
    await ada.getByTestId('status').getByText('paused').waitFor();
    await bob.goto(link);
    await bob.getByText('this invite link is not valid any more; ask an admin for a new one').waitFor();
  });

  it('an invited viewer watches; promoted, steers without reloading', async () => {
    const invite = await onTeamPage(ada, async (page) => {
      await page.getByLabel('Uses').fill('0');
      await page.getByText('a whole number from 1 to 1000').waitFor();
      await page.getByLabel('Uses').fill('2');
      await page.getByRole('button', { name: 'Make a link' }).click();
      const link = await textIn(page, /^(Send this link to whom you invite|The link works on this machine only)/);
      await region(page, 'Invite links').getByText('viewer, 2 of 2 uses left').waitFor();
      return link;
    });
    // Under an address that other machines know, where this one has any.
    if (
      Object.values((await import('node:os')).networkInterfaces())
        .flat()
        .some((a) => a && !a.internal && a.family === 'IPv4')
    )
      expect(new URL(invite).hostname).not.toBe('127.0.0.1');
    await bob.goto(product.url + new URL(invite).pathname + new URL(invite).search);
    await bob.getByLabel('Your name').fill('Bob');
    await bob.getByRole('button', { name: 'Join' }).click();
    await bob.getByRole('link', { name: 'Reverse' }).first().waitFor();
    await bob.goto(`${product.url}/runs/${runId}`);
    await bob.getByTestId('read-only').getByText('Bob (viewer) may watch but not steer').waitFor();
    await expect.poll(() => bob.getByLabel('Clip value', { exact: true }).isDisabled()).toBe(true);
    const refused = await bob.request.post(`${product.url}/api/trpc/runs.command`, {
      data: { kind: 'set', id: nanoid(), runId, control: 'clipThreshold', value: 1 },
    });
    expect((await refused.json()).result.data).toMatchObject({ ok: false, reason: 'forbidden' });

    const bobsTeam = await bob.context().newPage();
    await bobsTeam.goto(`${product.url}/team`);
    await bobsTeam.getByText('Bob (viewer)', { exact: true }).waitFor();
    expect(await region(bobsTeam, 'Watchdogs of all runs').getByRole('button', { name: 'Save' }).count()).toBe(0);
    await onTeamPage(ada, async (page) => {
      await page.getByLabel('Role of Bob').selectOption('operator');
      await page.getByText('Role changed').waitFor();
    });
    await bobsTeam.getByText('Bob (operator)', { exact: true }).waitFor();
    await region(bobsTeam, 'Watchdogs of all runs').getByRole('button', { name: 'Save' }).waitFor();
    await region(bobsTeam, 'People').getByRole('listitem').filter({ hasText: 'Bob' }).getByText('operator').waitFor();
    await bobsTeam.close();
    await bob.getByTestId('read-only').waitFor({ state: 'detached' });
    await bob.getByLabel('Clip value', { exact: true }).fill('2.5');
    await bob.getByLabel('Clip value', { exact: true }).press('Enter');
    await ada.getByText(/^by Bob, step \d+, was 5$/).waitFor();
  });

  it('the control lock is taken, asked for, refused and handed over; while somebody holds it nobody else steers', async () => {
    await bob.getByRole('button', { name: 'Take it' }).click();
    await ada
      .getByTestId('control-lock')
      .getByText(/^Bob holds the control lock, \d+:\d\d left/)
      .waitFor();
    await expect.poll(() => ada.getByLabel('Clip value', { exact: true }).isDisabled()).toBe(true);
    await ada.getByRole('button', { name: 'Ask for it' }).click();
    await bob.getByTestId('control-lock').getByText('Ada Lovelace asks for the control lock').waitFor();
    await bob.getByRole('button', { name: 'Notifications, 1 new' }).waitFor();
    const said: string[] = [];
    bob.on('console', (message) => message.type() === 'error' && said.push(message.text()));
    await bob.reload();
    await bob.getByRole('button', { name: 'Notifications, 1 new' }).waitFor();
    expect(said).toEqual([]);
    await bob.getByRole('button', { name: 'Decline' }).click();
    await ada.getByText('Reverse: Bob declined your request for the control lock').waitFor();
    // Answered is read.
    await bob.getByRole('button', { name: 'Notifications', exact: true }).waitFor();
    await ada.getByRole('button', { name: 'Ask for it' }).click();
    await bob.getByRole('button', { name: 'Hand over' }).click();
    await ada.getByTestId('control-lock').getByText('You hold the control lock').waitFor();
    await ada.getByRole('button', { name: 'Release' }).click();
    await bob.getByTestId('control-lock').getByText('Nobody holds the control lock').waitFor();
  });

  it('what an admin marked as risky waits for a second operator', async () => {
    await onTeamPage(ada, async (page) => {
      await region(page, 'Approval by a second person').getByRole('checkbox', { name: 'Learning rate' }).check();
      await region(page, 'Approval by a second person').getByRole('button', { name: 'Save' }).click();
      await page.getByText('Saved', { exact: true }).waitFor();
    });
    const rate = bob.getByRole('textbox', { name: 'Learning rate', exact: true });
    await rate.fill('0.0003');
    await rate.press('Enter');
    const asked = ada.getByRole('list', { name: 'Waiting for a second operator' });
    await asked.getByText('Bob asks for Learning rate → 0.0003').waitFor();
    await bob.getByRole('list', { name: 'Waiting for a second operator' }).getByText('waits for a second operator').waitFor();
    await expect.poll(() => bob.getByRole('button', { name: 'Approve' }).count()).toBe(0);
    await asked.getByRole('button', { name: 'Approve' }).click();
    await ada.getByText(/^by Bob, step \d+, was 0.0005$/).waitFor();
    await openTab(ada, 'Activity');
    await ada.getByTestId('activity').getByText('Ada Lovelace approved a command').waitFor();
  });

  it('a token lets a script and an agent in, under its name and role', async () => {
    secret = await onTeamPage(ada, async (page) => {
      await region(page, 'Tokens').getByRole('button', { name: 'Make a token' }).click();
      await page.getByText('say what the token is for').waitFor();
      await page.getByLabel('Purpose').fill('nightly');
      await region(page, 'Tokens').getByLabel('Role').selectOption('operator');
      await region(page, 'Tokens').getByRole('button', { name: 'Make a token' }).click();
      return textIn(page, 'Send it as “authorization: Bearer …”.');
    });
    const script = connect({ url: product.url, token: secret });
    const given = await script.runs.command.mutate({ kind: 'set', id: nanoid(), runId, control: 'weightDecay', value: 0.01 });
    expect(given).toMatchObject({ ok: true });
    await ada.getByTestId('activity').getByText('Weight decay → 0.01').waitFor();
    await expect(script.team.invites.query()).rejects.toThrow('may not manage people');

    const agent = new Client({ name: 'test', version: '1' });
    await agent.connect(
      new StdioClientTransport({
        command: 'npm',
        args: ['run', '--silent', 'mcp'],
        cwd: root,
        env: { ...(process.env as Record<string, string>), HEADROOM_SERVER: product.url, HEADROOM_TOKEN: secret },
      }),
    );
    const { content } = (await agent.callTool({ name: 'get_run', arguments: { runId } })) as { content: { text: string }[] };
    expect(JSON.parse(content[0]!.text).controls.find((c: { name: string }) => c.name === 'weightDecay').value).toBe(0.01);
    await agent.close();
  });

  it('another person who signs in in a second tab of a browser does nothing in the first one, which says so', async () => {
    const data = { role: 'operator', uses: 2, expiresInMs: 3_600_000 };
    const made = await ada.request.post(`${product.url}/api/trpc/team.invite`, { data });
    const invite = (await made.json()).result.data.secret;
    const context = await browser.browser.newContext({ viewport: { width: 1280, height: 800 } });
    const signIn = async (name: string) => {
      const page = await context.newPage();
      await page.goto(`${product.url}/join?invite=${invite}`);
      await page.getByLabel('Your name').fill(name);
      await page.getByRole('button', { name: 'Join' }).click();
      await page.getByRole('link', { name: 'Reverse' }).first().waitFor();
      await page.goto(`${product.url}/runs/${runId}`);
      await page.getByTestId('control-lock').waitFor();
      return page;
    };
    const carol = await signIn('Carol');
    await carol.getByRole('button', { name: 'Take it' }).click();
    await carol.getByTestId('control-lock').getByText('You hold the control lock').waitFor();
    const dan = await signIn('Dan');
    // Carol is signed in nowhere any more.
    await dan.getByTestId('control-lock').getByText('Nobody holds the control lock').waitFor();
    await carol.getByRole('alert').getByText('Dan has signed in in this browser. What you see is as it was then.').waitFor();
    await openTab(carol, 'Notes');
    const notes = carol.getByRole('tabpanel', { name: /^Notes/ });
    await notes.getByRole('textbox').first().fill('of Carol');
    await notes.getByRole('button', { name: 'Add' }).click();
    await carol.getByText('Dan has signed in in this browser', { exact: true }).waitFor();
    await notes.getByText('Not sent. The text stays here until it is.').waitFor();
    await carol.getByRole('button', { name: 'Open this page again' }).click();
    // Next's announcer of routes is an alert too.
    await carol.getByRole('alert').getByText('Dan has signed in').waitFor({ state: 'detached' });
    await openTab(carol, 'Steer');
    await carol.getByTestId('control-lock').getByText('Nobody holds the control lock').waitFor();
    // Whoever cannot sign out is told so.
    await dan.goto(`${product.url}/team`);
    const leave = dan.getByRole('button', { name: 'Sign out' }).first();
    await dan.route('**/api/signout', (route) => route.abort());
    await leave.click();
    await dan.getByText('Nobody was signed out: the server does not answer').waitFor();
    await context.close();
  });

  it('the audit log tells it by person and is taken away; a session that is ended goes dark at once on every page and says why', async () => {
    const paths = ['/', '/team', `/compare?runs=${runId}`];
    const pages = await Promise.all(paths.map(() => bob.context().newPage()));
    for (const [i, page] of pages.entries()) {
      await page.goto(product.url + paths[i]);
      await page
        .getByText(i === 1 ? 'Bob (operator)' : 'Reverse')
        .first()
        .waitFor();
    }
    await onTeamPage(ada, async (page) => {
      const log = region(page, 'Audit log');
      await log.getByLabel('Whose rows').selectOption('Bob');
      await log.getByText('“Reverse”: asked for clipThreshold = 2.5').waitFor();
      await expect.poll(() => log.getByText('made an invite link').count()).toBe(0);
      const [file] = await Promise.all([page.waitForEvent('download'), log.getByRole('button', { name: 'Export' }).click()]);
      const rows = readFileSync(await file.path(), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(new Set(rows.map((r) => r.actor.name))).toEqual(new Set(['Bob']));
      const session = region(page, 'Sessions').getByRole('listitem').filter({ hasText: 'Bob' });
      await session.getByRole('button', { name: 'Sign out' }).click();
      // A page that is closed at once takes its request with it.
      await session.waitFor({ state: 'detached' });
    });
    const signedOut = 'You were signed out. To come back, sign in again or open an invite link. What you see is as it was then.';
    for (const page of [bob, ...pages]) await page.getByRole('alert').getByText(signedOut).waitFor();
    // Once, not beside each run that is compared.
    await pages[2]!.getByRole('status').getByText('refused').waitFor();
    const chips = pages[2]!.getByRole('list', { name: 'Runs compared' });
    await expect.poll(() => chips.textContent()).toMatch(/^Reverse[^.]*$/);
    for (const [i, page] of pages.entries()) {
      await page.getByRole('button', { name: 'Open this page again' }).click();
      await page.waitForURL(`${product.url}/join?to=${encodeURIComponent(paths[i]!)}*`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.close();
    }
    expect((await bob.request.get(`${product.url}/api/trpc/runs.list`)).status()).toBe(401);
    await bob.getByRole('button', { name: 'Open this page again' }).click();
    await bob.waitForURL(`${product.url}/join?to=${encodeURIComponent(`/runs/${runId}`)}*`);
  });

  it('npm run verify-audit finds the row that was tampered with', async () => {
    await product.stop();
    stopped = true;
    const file = auditPath(folder.path);
    const verify = () => run('npm', ['run', '--silent', 'verify-audit', '--', file], { cwd: root });
    expect((await verify()).stdout).toMatch(/\d+ rows, unbroken; the last hash is [0-9a-f]{64}/);
    const lines = readFileSync(file, 'utf8').split('\n');
    const at = lines.findIndex((line) => line.includes('2.5'));
    lines[at] = lines[at]!.replace('2.5', '2.6');
    writeFileSync(file, lines.join('\n'));
    await expect(verify()).rejects.toThrow(`row ${at + 1} was tampered with`);
  });
});
