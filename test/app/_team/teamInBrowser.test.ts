/** The Team page in Chromium: an admin on a phone, and another one whose role the first changes. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { describeInBrowser, openBrowser } from '~/test/support/browser';
import { root } from '~/test/support/root';

describeInBrowser('the Team page of two admins', { timeout: 240_000 }, () => {
  let app: TestApp;
  let browser: Browser;
  let closeBrowser: () => Promise<void>;
  let ada: Page;
  let bob: Page;

  beforeAll(async () => {
    await build(() => {});
    app = await startApp({ pages: { dev: false, root }, loginRequired: true });
    ({ browser, close: closeBrowser } = await openBrowser());
    const joins = async (invite: string, name: string, phone: boolean) => {
      const viewport = phone ? { width: 360, height: 740 } : { width: 1280, height: 900 };
      const context = await browser.newContext({ viewport, hasTouch: phone, isMobile: phone, reducedMotion: 'reduce' });
      await context.request.post(`${app.url}/api/join`, { data: { invite, name, colour: '#aa3355' } });
      return context.newPage();
    };
    ada = await joins(new URL(app.adminLink!, app.url).searchParams.get('invite')!, 'Ada', true);
    const made = await ada.context().request.post(`${app.url}/api/trpc/team.invite`, {
      data: { role: 'admin', uses: 1, expiresInMs: 3_600_000 },
    });
    bob = await joins((await made.json()).result.data.secret, 'Bob, who has a rather long name', false);
    for (const page of [ada, bob]) await page.goto(`${app.url}/team`);
  }, 600_000);
  afterAll(async () => {
    await closeBrowser?.();
    await app?.close();
  });

  /** Controls on a phone that are smaller than 24 px, their label included, or not whole on the screen's width. */
  const troubles = () =>
    ada.evaluate(() => {
      const top = document.querySelector('[role=alertdialog]') ?? document.body;
      return [...top.querySelectorAll<HTMLElement>('button, input, select, summary')].flatMap((e) => {
        const [own, label] = [e, e.closest('label') ?? e].map((x) => x.getBoundingClientRect());
        if (own!.width === 0) return [];
        const small = Math.max(own!.height, label!.height) < 24 || Math.max(own!.width, label!.width) < 24;
        return small || own!.left < 0 || own!.right > innerWidth ? [e.outerHTML] : [];
      });
    });

  it('who is no admin any more keeps what was typed, and is told; targets on a phone are 24 px, nothing is cut', async () => {
    await bob.getByRole('textbox', { name: 'Purpose' }).fill('for the cluster');
    await bob
      .getByRole('button', { name: /^Remove: / })
      .first()
      .click();
    const question = bob.getByRole('alertdialog');
    await question.waitFor();
    await ada.getByRole('combobox', { name: /^Role of Bob/ }).waitFor();
    expect(await troubles()).toEqual([]);
    await ada.getByRole('combobox', { name: /^Role of Bob/ }).selectOption('viewer');
    await question.getByText('Not possible now: only an admin removes people.').waitFor();
    expect(await question.getByRole('button', { name: 'Remove' }).isDisabled()).toBe(true);
    await question.getByRole('button', { name: 'Cancel' }).click();
    await bob.getByText('You are not an admin any more. What you typed stays here').waitFor();
    expect(await bob.getByRole('textbox', { name: 'Purpose' }).inputValue()).toBe('for the cluster');
    await ada.getByRole('combobox', { name: /^Role of Bob/ }).selectOption('admin');
    await bob.getByText('You are not an admin any more').waitFor({ state: 'detached' });
    await bob.getByRole('button', { name: 'Make a token' }).click();
    await bob.getByText('for the cluster', { exact: true }).waitFor();
  });

  it('of watchdog rules that both edit, the second to save sees what the first did, and both stand', async () => {
    const rules = (page: Page) => page.getByRole('region', { name: 'Watchdogs of all runs' });
    const save = (page: Page) => rules(page).getByRole('button', { name: 'Save: watchdogs' }).click();
    await rules(ada).getByRole('textbox', { name: 'standard deviations' }).fill('6');
    await rules(bob).getByRole('checkbox', { name: 'Stalled trainer' }).uncheck();
    await save(bob);
    await bob.getByText('Watchdogs saved').waitFor();
    await save(ada);
    await rules(ada)
      .getByText(
        'Bob, who has a rather long name changed these rules after you had read them: Stalled trainer, enabled: yes → no.',
      )
      .waitFor();
    expect(await troubles()).toEqual([]);
    await save(ada);
    await ada.getByText('Watchdogs saved').waitFor();
    await bob.reload();
    await expect.poll(() => rules(bob).getByRole('textbox', { name: 'standard deviations' }).inputValue()).toBe('6');
    expect(await rules(bob).getByRole('checkbox', { name: 'Stalled trainer' }).isChecked()).toBe(false);
  });

  it('says that the connection is lost, shows what was read before, and reads it again on return', async () => {
    const link = bob.getByRole('banner').getByRole('status');
    const broken = bob.getByRole('alert').getByText('The connection to the server broke: what you see may be old.');
    const made = bob.getByText('made while nobody could see it', { exact: true });
    await expect.poll(() => link.textContent()).toBe('connected');
    await bob.context().setOffline(true);
    await broken.waitFor();
    expect(await link.textContent()).toBe('reconnecting');
    await bob.getByRole('combobox', { name: /^Role of Ada/ }).waitFor();
    await ada.context().request.post(`${app.url}/api/trpc/team.makeToken`, {
      data: { name: 'made while nobody could see it', scope: 'viewer', expiresInMs: null },
    });
    expect(await made.count()).toBe(0);
    await bob.context().setOffline(false);
    await broken.waitFor({ state: 'detached' });
    await made.waitFor();
    expect(await link.textContent()).toBe('connected');
  });

  it('a person is removed by touch: the question fits on the phone', async () => {
    await ada.getByRole('listitem').filter({ hasText: 'Bob' }).getByRole('button', { name: 'Remove' }).tap();
    const question = ada.getByRole('alertdialog');
    await question.waitFor();
    expect(await troubles()).toEqual([]);
    await question.getByRole('button', { name: 'Remove' }).tap();
    await ada.getByText('Removed; their open pages were signed out').waitFor();
    await ada.getByRole('combobox', { name: /^Role of Bob/ }).waitFor({ state: 'detached' });
  });
});
