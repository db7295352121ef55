/** The pages below a base path, as people reach them: behind a reverse proxy, by an invite link or with an account at a provider. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { playAttentionRun } from '~/test/support/attentionRun';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { type OidcProvider, startOidcProvider } from '~/test/support/oidcProvider';
import { startProxy } from '~/test/support/proxy';
import { root } from '~/test/support/root';
import { type ScriptedTrainer, startScriptedTrainer } from '~/test/support/scriptedTrainer';
import { publishedSetup } from '~/test/support/setups';

const basePath = '/headroom';
const you = { id: 'local', name: 'You', role: 'admin' } as const;
const client = { clientId: 'headroom', clientSecret: 'secret' };
const attention = { task: 'reverse', layers: 2, heads: 2, length: 6, examples: 2, snapshotEverySteps: 20 } as const;

describeInBrowser('below a base path, behind a proxy', () => {
  let provider: OidcProvider;
  let app: TestApp;
  let proxy: Awaited<ReturnType<typeof startProxy>>;
  let trainer: ScriptedTrainer;
  let played: Awaited<ReturnType<typeof playAttentionRun>>;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let url: string;
  let live: string;
  let ada: Page;
  /** Answers that a page should never get: errors, and anything outside the base path. */
  const trouble: string[] = [];

  beforeAll(async () => {
    await build(() => {}, basePath, '.build/below');
    provider = await startOidcProvider({
      bob: { email: 'bob@lab.example', email_verified: true, name: 'Bob' },
      cyd: { email: 'cyd@elsewhere.example', email_verified: true, name: 'Cyd' },
      dan: { email: 'dan@lab.example', email_verified: false, name: 'Dan' },
    });
    app = await startApp({
      basePath,
      oidc: { issuer: provider.issuer, ...client, name: 'Lab ID', allow: [{ who: '@lab.example', role: 'viewer' }] },
      pages: { dev: false, root, folder: '.build/below' },
    });
    proxy = await startProxy(new URL(app.url).origin, { basePath, strips: false });
    url = proxy.origin + basePath;
    provider.register({ callback: `${url}/api/oidc/callback`, ...client });
    played = await playAttentionRun(app.address, (setup) => app.hub.create(you, setup), attention, 60);
    await played.end();
    played.trainer.close();
    ({ runId: live } = await app.hub.create(you, { ...publishedSetup('reverse'), name: 'Live' }));
    trainer = await startScriptedTrainer(app.address, { stepMs: 150 });
    browser = await openBrowser();
    ada = await newPage();
  }, 600_000);
  afterAll(async () => {
    await browser?.close();
    trainer?.close();
    await proxy?.close();
    await app?.close();
    await provider?.close();
  });

  async function newPage(): Promise<Page> {
    const context = await browser.browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.addInitScript(() => localStorage.setItem('headroom.tour', 'seen'));
    page.on('response', (response) => {
      const { origin, pathname } = new URL(response.url());
      // Before somebody has signed in, the page for it asks for names and colors, and is refused.
      if (origin !== proxy.origin || new URL(page.url()).pathname === `${basePath}/join`) return;
      if (response.status() >= 400 || !pathname.startsWith(basePath)) trouble.push(`${response.status()} ${pathname}`);
    });
    return page;
  }
  const stepOf = async (page: Page) => Number((await page.getByTestId('step').textContent())!.replaceAll(',', ''));
  async function seesSteps(page: Page): Promise<void> {
    await page.getByTestId('step').waitFor();
    const before = await stepOf(page);
    await expect.poll(() => stepOf(page), { timeout: 60_000 }).toBeGreaterThan(before + 2);
  }
  const heading = (page: Page) => page.getByRole('heading', { name: 'Sign in to Headroom' });

  it('an invite link lets in; the list leads to a run, whose frames arrive', async () => {
    await ada.goto(url + app.adminLink!);
    await ada.getByLabel('Your name').fill('Ada');
    await ada.getByRole('button', { name: 'Join' }).click();
    await ada.getByRole('link', { name: 'Live' }).first().click();
    await ada.waitForURL(`${url}/runs/${live}*`);
    await seesSteps(ada);
    expect(trouble).toEqual([]);
  }, 180_000);

  it('the attention of another run is drawn, its maps are decoded', async () => {
    await ada.goto(`${url}/runs/${played.runId}?tabs=attention`);
    await expect.poll(() => ada.getByTestId('attention-step').getAttribute('data-step'), { timeout: 60_000 }).toBe('60');
    const grid = ada
      .getByRole('grid', { name: /attention maps/ })
      .locator('canvas')
      .first();
    const colors = () =>
      grid.evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size;
      });
    await expect.poll(colors, { timeout: 60_000 }).toBeGreaterThan(5);
    expect(trouble).toEqual([]);
  }, 120_000);

  it('a copied link opens the same view; an export is saved', async () => {
    await ada.getByRole('button', { name: 'Share', exact: true }).click();
    await ada.getByRole('button', { name: 'Copy link to this view' }).click();
    await ada.getByText('Copied: whoever opens it').waitFor();
    const link = await ada.evaluate(() => navigator.clipboard.readText());
    expect(link.startsWith(`${url}/runs/${played.runId}?`)).toBe(true);
    const line = ada.getByRole('dialog', { name: 'Share' }).getByRole('button', { name: /^CSV/ });
    const [file] = await Promise.all([ada.waitForEvent('download'), line.click()]);
    expect([file.suggestedFilename().endsWith('.csv'), await file.failure()]).toEqual([true, null]);
    await ada.goto(link);
    await ada.getByTestId('attention-step').waitFor();
    expect(trouble).toEqual([]);
  }, 120_000);

  it('two runs are compared, and are there after a reload', async () => {
    await ada.goto(`${url}/`);
    const boxes = ada.getByRole('checkbox', { name: /^Choose (?!all)/ });
    await boxes.first().waitFor();
    for (const i of [0, 1]) await boxes.nth(i).check();
    await ada.getByRole('link', { name: 'Compare 2' }).click();
    const loss = ada.getByRole('figure', { name: 'Loss', exact: true });
    await loss.waitFor();
    expect(new URL(ada.url()).pathname).toBe(`${basePath}/compare`);
    await ada.reload();
    await loss.waitFor();
    expect([new URL(ada.url()).pathname, trouble]).toEqual([`${basePath}/compare`, []]);
  }, 120_000);

  it('a proxy that refuses websockets: the run goes on over plain requests', async () => {
    const poor = await startProxy(new URL(app.url).origin, { basePath, strips: true, websockets: 'refused' });
    const page = await ada.context().newPage();
    page.setDefaultTimeout(60_000);
    await page.goto(`${poor.origin}${basePath}/runs/${live}`);
    await seesSteps(page);
    await page.close();
    await poor.close();
  }, 120_000);

  it('an account at the provider lets in, with the rule’s role, to the page that was asked for; signing out ends it, at the provider too', async () => {
    const bob = await newPage();
    await bob.goto(`${url}/runs/${live}?tabs=activity`);
    await heading(bob).waitFor();
    await signIn(bob, 'bob');
    await bob.waitForURL((address) => address.pathname === `${basePath}/runs/${live}`);
    expect(new URL(bob.url()).searchParams.get('tabs')).toBe('activity');
    await bob.getByTestId('read-only').getByText('Bob (viewer) may watch but not steer').waitFor();
    await seesSteps(bob);
    await bob.goto(`${url}/team`);
    await bob.getByText('Lab ID signs you in as bob@lab.example.').waitFor();
    await bob.getByText('Bob (viewer)').waitFor();
    await bob.locator('header').getByRole('button', { name: 'Sign out' }).click();
    await bob.getByRole('button', { name: 'Yes, sign me out' }).click();
    await heading(bob).waitFor();
    expect(await bob.getByText('This sign-in was not begun').count()).toBe(0);
    await signIn(bob, 'bob');
    await bob.getByRole('heading', { name: 'Runs' }).waitFor();
    await bob.context().close();
  }, 180_000);

  it('who may not enter reads why: another domain, an address that is not verified, an answer used again, a provider that is down', async () => {
    const page = await newPage();
    const reads = (sentence: string) => page.getByRole('alert').getByText(sentence, { exact: true }).waitFor();
    await page.goto(`${url}/team`);
    await signIn(page, 'cyd');
    await reads(
      'cyd@elsewhere.example is not among those whom this server lets in; ask an admin for an invite link, or sign in with another account.',
    );
    await page.context().clearCookies();
    await page.goto(`${url}/team`);
    const answer = page.waitForRequest((request) => request.url().includes('/api/oidc/callback'));
    await signIn(page, 'dan');
    await reads('Lab ID does not say that dan@lab.example is your address. Confirm the address there, and sign in again.');
    await page.goto((await answer).url());
    await reads('This sign-in was not begun in this browser within the last ten minutes. Sign in again.');
    await provider.close();
    await page.context().clearCookies();
    // What the server learned of the provider lasts an hour; its sign-in page is gone at once.
    const fresh = await startApp({
      basePath,
      oidc: { issuer: provider.issuer, ...client, name: 'Lab ID', allow: [] },
      pages: { dev: false, root, folder: '.build/below' },
    });
    await page.goto(`${fresh.url}/`);
    await page.getByRole('link', { name: 'Sign in with Lab ID' }).click();
    await reads('Lab ID does not answer this server. Try again in a moment, or open an invite link.');
    await fresh.close();
    await page.context().close();
  }, 180_000);

  async function signIn(page: Page, login: string): Promise<void> {
    await page.getByRole('link', { name: 'Sign in with Lab ID' }).click();
    await page.getByPlaceholder('Enter any login').fill(login);
    await page.getByPlaceholder('and password').fill('any');
    await page.getByRole('button', { name: 'Sign-in' }).click();
    await page.getByRole('button', { name: 'Continue' }).click();
  }
});
