import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { describe } from 'vitest';

const candidates = [
  process.env.CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The Chromium on this machine; null when there is none. */
export const chromiumPath: string | null = candidates.find((path) => path !== '' && existsSync(path)) ?? null;

if (!chromiumPath)
  console.warn('SKIPPED: browser tests need Chromium. Install it (Debian: apt-get install chromium) or name it in CHROMIUM.');

/** A suite for a real browser; visibly skipped where there is none. */
export const describeInBrowser = describe.skipIf(!chromiumPath);

/** How long a page is waited for: on a loaded machine a test waits, it does not fail. */
const patienceMs = 60_000;

const launched = {
  executablePath: chromiumPath ?? '',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};

const patient = (context: BrowserContext): BrowserContext => {
  context.setDefaultTimeout(patienceMs);
  return context;
};

/** Opens Chromium. Each context is a private window: it keeps nothing, not even compiled scripts. */
export async function openBrowser(): Promise<{ browser: Browser; close(): Promise<void> }> {
  const browser = await chromium.launch(launched);
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (options) => patient(await newContext(options));
  return { browser, close: () => browser.close() };
}

/**
 * Opens Chromium with a profile on disk, which is empty at first and deleted at the end: what a person's browser is, for measurements of later visits.
 * It keeps files and, after two visits, compiled scripts.
 */
export async function openProfile(viewport: {
  width: number;
  height: number;
}): Promise<{ context: BrowserContext; close(): Promise<void> }> {
  const folder = temporaryFolder();
  const context = patient(await chromium.launchPersistentContext(folder.path, { ...launched, viewport }));
  const close = async () => {
    await context.close();
    folder.remove();
  };
  return { context, close };
}

/** A new temporary folder for a test. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'headroom-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Opens a tab of the run page. */
export const openTab = (page: Page, name: string) =>
  page
    .getByRole('tab', { name: new RegExp(`^${name}`) })
    .first()
    .click();
