/**
 * `npm run bench -- list [--runs 10000]`: the list of many runs in Chromium. Rows after opening, answers to typing, sorting, grouping and
 * filtering, frames while scrolling, memory, and the main thread while a run is training.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { build } from '~/server/process/build';
import { startApp } from '~/test/support/app';
import { openProfile } from '~/test/support/browser';
import { ownFolder } from '~/test/support/folder';
import { root } from '~/test/support/root';
import { startScriptedTrainer } from '~/test/support/scriptedTrainer';
import { publishedSetup } from '~/test/support/setups';
import type { BenchResult } from './main';
import { writeRuns } from './manyRuns';
import { percentile } from './rows';
import { clock, frames } from './uiClock';

type Row = BenchResult['rows'][number];
const you = { id: 'local', name: 'You', role: 'admin' } as const;
/** Longest wait for one state of the page, ms. */
const limitMs = 30_000;

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: 'string', default: '10000' },
      seconds: { type: 'string', default: '6' },
      /** Data folder that is filled once and kept; if left out, a new one that is deleted. */
      data: { type: 'string' },
      /** Folder for screenshots; none if left out. */
      pictures: { type: 'string' },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isSafeInteger(runs) || runs < 1) throw new Error(`--runs: ${values.runs} is no number of runs; give 10000`);
  const seconds = Number(values.seconds);
  await build((line) => console.log(line));
  Object.assign(process.env, { NODE_ENV: 'production' });
  const folder = values.data === undefined ? ownFolder() : { path: values.data, remove: () => {} };
  const rows: Row[] = [];
  // Each as it is measured, so that a bench that fails late has told what it found.
  const add = (row: Row) => {
    rows.push(row);
    console.log(JSON.stringify(row));
  };
  const timed = async (what: string, work: () => Promise<unknown>) => {
    const began = performance.now();
    await work();
    add({ what, p50Ms: performance.now() - began });
  };
  if (values.data === undefined || !existsSync(join(values.data, 'headroom.db')))
    await timed(`writing ${runs} runs`, () => writeRuns(folder.path, runs));
  let app: Awaited<ReturnType<typeof startApp>> | null = null;
  await timed('starting the server', async () => {
    app = await startApp({ dataFolder: folder.path, pages: { dev: false, root } });
  });
  const { url, hub, address, close: closeApp } = app!;
  const { context, close } = await openProfile({ width: 1280, height: 900 });
  try {
    context.setDefaultTimeout(limitMs);
    // Code compiled by tsx calls the helper __name, which the page does not have.
    await context.addInitScript({ content: 'globalThis.__name = (f) => f' });
    await context.addInitScript(markFirstRow);
    const page = await context.newPage();
    for (const visit of ['first', 'second', 'third']) add(await opened(page, url, visit));
    if (values.pictures) await picture(page, values.pictures, 'list-1280');
    add({ what: 'memory after opening', megabytes: await heap(page) });

    const searches = ['w', 'wi', 'wid', 'wide', 'tag:tag3', 'lr>3e-4', 'lr>3e-4 tag:tag5', 'deep', 'project:paper', ''];
    add(await answers(page, 'typing in the search', 'input[type=search]', [...searches, ...searches]));
    const clicks = ['Run', 'Loss', 'Best', 'Status', 'Step', 'Started'].flatMap((title) => [title, title]);
    // The newest first again.
    clicks.push('Started');
    add(await answers(page, 'sorting', 'th button', clicks));
    add(await answers(page, 'grouping', 'select[aria-label=Grouping]', ['project', 'group', 'tag', 'family', 'sweep', 'none']));
    add(await answers(page, 'filtering', 'select[aria-label="Which runs"]', ['active', 'ended', 'archived', 'ended', 'all']));
    for (const [what, speed] of [
      ['scrolled slowly, 20 px a frame', 20],
      ['scrolled fast, 300 px a frame', 300],
      ['scrolled across the whole list', 3000],
    ] as const)
      add(await scrolled(page, what, speed, seconds));
    if (values.pictures) await picture(page, values.pictures, 'list-1280-scrolled');
    add({ what: 'memory after scrolling', megabytes: await heap(page) });

    await page.evaluate(() => document.querySelector('[aria-label="Table of runs"]')!.scrollTo(0, 0));
    const { runId } = await hub.create(you, { ...publishedSetup('reverse'), name: 'Live' });
    const trainer = await startScriptedTrainer(address, { stepMs: 1000 / 15 });
    const step = page.locator('tr', { has: page.getByRole('link', { name: 'Live', exact: true }) });
    await step.filter({ hasText: /[1-9]\d* \/ 2,000/ }).waitFor();
    const read = await clock(page);
    const before = await read();
    const took = await frames(page, seconds * 1000);
    const after = await read();
    add({ what: 'while a run is training', core: (after.task - before.task) / seconds, ...framesOf(took) });
    add(await scrolled(page, 'scrolled while a run is training', 20, seconds));
    await hub.command(you, { kind: 'act', id: 'stop-list-bench', runId, action: 'stop', args: {} });
    trainer.close();
    if (values.pictures) {
      await page.setViewportSize({ width: 360, height: 740 });
      await opened(page, url, 'narrow');
      await picture(page, values.pictures, 'list-360');
    }
  } finally {
    await close();
    await closeApp();
    folder.remove();
  }
  return { title: `The list of ${runs} runs, in Chromium at 1280 x 900 without a GPU`, rows };
}

/** Runs in the page before its scripts: notes when the first line is painted. */
function markFirstRow(): void {
  const look = () => {
    if (document.querySelector('tbody tr[aria-rowindex="2"] a')) performance.mark('first row');
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/** `p50Ms`: from the request of the page; `afterScriptMs`: from the arrival of the last script that the page names. */
async function opened(page: Page, url: string, visit: string): Promise<Row> {
  await page.goto(url, { waitUntil: 'commit' });
  await page.waitForFunction(() => performance.getEntriesByName('first row').length > 0);
  const times = await page.evaluate(() => {
    const row = performance.getEntriesByName('first row')[0]!.startTime;
    const loaded = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
    const named = new Set(
      [...document.querySelectorAll<HTMLScriptElement>('body script[src], head script[src]')].map((s) => s.src),
    );
    const scripts = loaded.filter((e) => named.has(e.name) && e.responseEnd < row).map((e) => e.responseEnd);
    const table = loaded.find((e) => e.name.includes('runs.table'))!;
    return {
      p50Ms: row,
      afterScriptMs: row - Math.max(...scripts.filter((at) => at < table.startTime)),
      askedAtMs: table.startTime,
      serverMs: table.responseStart - table.requestStart,
      answerKb: table.encodedBodySize / 1000,
    };
  });
  return { what: `rows after opening, ${visit} visit`, ...times };
}

/** Changes the field, or clicks the heading, to each value. `paint`: until the next paint; `p50Ms` and `p95Ms`: until the lines of the answer are painted. */
async function answers(page: Page, what: string, field: string, values: readonly string[]): Promise<Row> {
  const took = await page.evaluate(
    async ([selector, wanted, limit]) => {
      const table = () => document.querySelector('[aria-label="Table of runs"]');
      const frame = () => new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
      const settled: number[] = [];
      const painted: number[] = [];
      for (const value of wanted) {
        const began = performance.now();
        const all = [...document.querySelectorAll<HTMLElement>(selector)];
        const element = all.length === 1 ? all[0]! : all.find((e) => e.textContent?.trim() === value)!;
        if (element instanceof HTMLButtonElement) element.click();
        else {
          const prototype = element instanceof HTMLSelectElement ? HTMLSelectElement.prototype : HTMLInputElement.prototype;
          Object.getOwnPropertyDescriptor(prototype, 'value')!.set!.call(element, value);
          element.dispatchEvent(new Event(element instanceof HTMLSelectElement ? 'change' : 'input', { bubbles: true }));
        }
        await frame();
        painted.push(performance.now() - began);
        while (table()?.getAttribute('aria-busy') === 'true' || document.querySelector('tr[aria-busy]')) {
          if (performance.now() - began > limit) throw new Error(`no answer to "${value}" within ${limit} ms`);
          await frame();
        }
        settled.push(performance.now() - began);
        // Somebody types, looks and clicks: small charts are read in between.
        await new Promise((next) => setTimeout(next, 300));
      }
      return { settled, painted };
    },
    [field, values, limitMs] as const,
  );
  return {
    what,
    p50Ms: percentile(took.settled, 0.5),
    p95Ms: percentile(took.settled, 0.95),
    paintP95Ms: percentile(took.painted, 0.95),
  };
}

async function scrolled(page: Page, what: string, speed: number, seconds: number): Promise<Row> {
  const took = await page.evaluate(
    ([by, ms]) =>
      new Promise<{ frames: number[]; empty: number }>((done) => {
        const table = document.querySelector('[aria-label="Table of runs"]')!;
        table.scrollTop = 0;
        const frames: number[] = [];
        let empty = 0;
        let last = performance.now();
        const began = last;
        const frame = (now: number) => {
          frames.push(now - last);
          last = now;
          table.scrollTop += by;
          if (table.querySelector('tr[aria-busy]')) empty++;
          if (now - began < ms) requestAnimationFrame(frame);
          else done({ frames: frames.slice(1), empty });
        };
        requestAnimationFrame(frame);
      }),
    [speed, seconds * 1000] as const,
  );
  return { what, ...framesOf(took.frames), shareWithUnreadLines: took.empty / took.frames.length };
}

const framesOf = (took: number[]): Row => ({
  frameP50Ms: percentile(took, 0.5),
  frameP95Ms: percentile(took, 0.95),
  frameMostMs: Math.max(...took),
});

/** Script memory after a collection, MB. */
async function heap(page: Page): Promise<number> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('HeapProfiler.collectGarbage');
  const { usedSize } = await cdp.send('Runtime.getHeapUsage');
  await cdp.detach();
  return usedSize / 1e6;
}

async function picture(page: Page, folder: string, name: string): Promise<void> {
  // The small charts of the visible lines.
  await page.locator('tbody svg[role=img] path').first().waitFor();
  await page.screenshot({ path: `${folder}/${name}.png` });
}
