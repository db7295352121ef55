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

/** Opens Chromium with an empty profile. */
export async function openBrowser(): Promise<{ browser: Browser; close(): Promise<void> }> {
  const browser = await chromium.launch({
    executablePath: chromiumPath!,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const newContext = browser.newContext.bind(browser);
  const patient = (context: BrowserContext): BrowserContext => {
    context.setDefaultTimeout(patienceMs);
    return context;
  };
  browser.newContext = async (options) => patient(await newContext(options));
  return { browser, close: () => browser.close() };
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
