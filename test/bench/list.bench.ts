/** `npm run bench -- list [--runs 10000]`: the list of many runs in Chromium. Time until rows are there, after loading and after a search, and frames while scrolling. */
import { parseArgs } from 'node:util';
import { build } from '~/server/process/build';
import { startApp } from '~/test/support/app';
import { openBrowser } from '~/test/support/browser';
import { root } from '~/test/support/root';
import { publishedSetup } from '~/test/support/setups';
import type { BenchResult } from './main';
import { percentile } from './rows';

const you = { id: 'local', name: 'You', role: 'admin' } as const;

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args,
    options: { runs: { type: 'string', default: '10000' }, seconds: { type: 'string', default: '6' } },
  });
  const runs = Number(values.runs);
  await build((line) => console.log(line));
  Object.assign(process.env, { NODE_ENV: 'production' });
  const app = await startApp({ pages: { dev: false, root } });
  const { browser, close } = await openBrowser();
  const rows: BenchResult['rows'] = [];
  try {
    // A hundred at a time: they share a commit.
    for (let first = 0; first < runs; first += 100)
      await Promise.all(
        Array.from({ length: Math.min(100, runs - first) }, (_, i) => {
          const name = `Reverse ${(first + i) % 97} ${first + i}`;
          return app.hub.create(you, { ...publishedSetup('reverse'), name, tags: [`tag${(first + i) % 7}`] });
        }),
      );
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    // Code compiled by tsx calls the helper __name, which the page does not have.
    await page.addInitScript({ content: 'globalThis.__name = (f) => f' });
    const firstRow = page.locator('tbody tr[aria-rowindex="2"] a');
    for (const what of ['first visit', 'second visit']) {
      const began = performance.now();
      await page.goto(app.url, { waitUntil: 'commit' });
      await firstRow.waitFor();
      rows.push({ what, ms: performance.now() - began });
      await page.waitForTimeout(2000);
    }
    for (const search of ['tag:tag3', 'reverse 42', 'lr>1e-4 tag:tag5']) {
      const took = await page.evaluate(async (text) => {
        const field = document.querySelector<HTMLInputElement>('input[type=search]')!;
        const began = performance.now();
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')!.set!.call(field, text);
        field.dispatchEvent(new Event('input', { bubbles: true }));
        const table = document.querySelector('[aria-label="Table of runs"]')!;
        const frame = () => new Promise((next) => requestAnimationFrame(next));
        await frame();
        while (table.getAttribute('aria-busy') === 'true') await frame();
        return performance.now() - began;
      }, search);
      rows.push({ what: `searched: ${search}`, ms: took });
      await page.waitForTimeout(1000);
    }
    await page.getByRole('searchbox', { name: 'Search runs' }).fill('');
    await page.waitForTimeout(2000);
    for (const [what, speed] of [
      ['scrolled slowly, 20 px a frame', 20],
      ['scrolled fast, 300 px a frame', 300],
    ] as const) {
      const { frames, empty } = await page.evaluate(
        ([by, ms]) =>
          new Promise<{ frames: number[]; empty: number }>((done) => {
            const table = document.querySelector('[aria-label="Table of runs"]')!;
            table.scrollTop = 0;
            const took: number[] = [];
            let empty = 0;
            let last = performance.now();
            const began = last;
            const frame = (now: number) => {
              took.push(now - last);
              last = now;
              table.scrollTop += by!;
              if (table.querySelector('tr[aria-busy]')) empty++;
              if (now - began < ms!) requestAnimationFrame(frame);
              else done({ frames: took.slice(1), empty });
            };
            requestAnimationFrame(frame);
          }),
        [speed, Number(values.seconds) * 1000],
      );
      frames.sort((a, b) => a - b);
      rows.push({
        what,
        p50FrameMs: percentile(frames, 0.5),
        p95FrameMs: percentile(frames, 0.95),
        mostFrameMs: frames.at(-1)!,
        framesWithUnreadLines: empty / frames.length,
      });
    }
  } finally {
    await close();
    await app.close();
  }
  return { title: `The list of ${runs} runs, in Chromium at 1440 x 900 without a GPU`, rows };
}
