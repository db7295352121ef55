/**
 * `npm run bench -- charts [--steps 1000000] [--only draw|page]`: the cost of a chart frame, and the time until the page of a long run is usable, in Chromium.
 * CPU time is measured on the page's main thread (a browser without a GPU rasters there too); it does not depend on the load of the machine.
 */

import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build as bundle } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { build } from '~/server/process/build';
import { openSqliteStore } from '~/server/store/sqlite/open';
import type { Entry, RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import { seqCount } from '~/shared/rows';
import type { Series } from '~/shared/series';
import { summarize } from '~/shared/summary';
import type { RunView } from '~/shared/view';
import { startApp } from '~/test/support/app';
import { chromiumPath, openBrowser, openProfile } from '~/test/support/browser';
import { ownFolder } from '~/test/support/folder';
import { publishedSetup } from '~/test/support/setups';
import type { BenchResult } from './main';
import { machine, percentile, rowSource } from './rows';

const root = fileURLToPath(new URL('../../', import.meta.url));
const runId = 'charts001';
const width = 30;
const batch = 4_000;

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({ args, options: { steps: { type: 'string', default: '1000000' }, only: { type: 'string' } } });
  const steps = Number(values.steps);
  if (!Number.isInteger(steps) || steps < 1000)
    throw new Error(`--steps: "${values.steps}" does not fit; give a whole number >= 1000`);
  if (values.only !== undefined && values.only !== 'draw' && values.only !== 'page')
    throw new Error(`--only: "${values.only}" does not fit; give draw or page`);
  if (!chromiumPath) throw new Error('Chromium is needed: install it, or name it in CHROMIUM');
  const load = loadavg()[0]!;
  const rows: BenchResult['rows'] = [];
  const { browser, close } = await openBrowser();
  try {
    if (values.only !== 'page') rows.push(...(await drawing(await browser.newPage())));
    if (values.only !== 'draw') rows.push(...(await opening(browser, steps)));
  } finally {
    await close();
  }
  return { title: 'charts: a frame, and the page of a long run', rows, notes: [machine(load)] };
}

async function cpuClock(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find((m) => m.name === 'TaskDuration')!.value * 1000;
  };
}

async function drawing(page: Page): Promise<BenchResult['rows']> {
  const script = await bundle({
    entryPoints: [fileURLToPath(new URL('chartsPage.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    tsconfig: join(root, 'tsconfig.json'),
  });
  await page.addScriptTag({ content: script.outputFiles[0]!.text });
  const cpu = await cpuClock(page);
  const rows: BenchResult['rows'] = [];
  const frames = 60;
  for (const [lines, pixels] of [
    [1, 560],
    [30, 560],
    [30, 1120],
  ] as const) {
    const run = () =>
      page.evaluate(
        ([l, p, f]) => (window as unknown as { drawFrames(l: number, p: number, f: number): number[] }).drawFrames(l, p, f),
        [lines, pixels, frames] as const,
      );
    await run();
    const before = await cpu();
    const took = await run();
    const perFrame = ((await cpu()) - before) / frames;
    rows.push({
      what: `draw ${lines} x 1200 buckets on ${pixels} px`,
      cpuMs: perFrame,
      wallP50Ms: percentile(took, 0.5),
      wallP95Ms: percentile(took, 0.95),
    });
  }
  return rows;
}

/** Time until the page of a long run is usable: in a browser that never saw it, and in one that has been there before. */
async function opening(browser: Browser, steps: number): Promise<BenchResult['rows']> {
  const folder = ownFolder();
  await fill(folder.path, steps);
  await build((line) => console.log(line));
  Object.assign(process.env, { NODE_ENV: 'production' });
  const app = await startApp({ dataFolder: folder.path, pages: { dev: false, root } });
  const viewport = { width: 1440, height: 1000 };
  const profile = await openProfile(viewport);
  const url = `${app.url}/runs/${runId}`;
  try {
    const first = await visits(() => browser.newPage({ viewport }), url, 6, 1);
    const later = await visits(() => profile.context.newPage(), url, 13, 3);
    return [
      { what: `open ${steps} steps x ${width} series, first visit`, ...first },
      { what: 'the same, fourth to thirteenth visit', ...later },
    ];
  } finally {
    await profile.close();
    await app.close();
    folder.remove();
  }
}

/** Opens the page `count` times. The first `leftOut` do not count: the server has compiled nothing yet, the browser has kept nothing. */
async function visits(newPage: () => Promise<Page>, url: string, count: number, leftOut: number) {
  const usable: number[] = [];
  const heap: number[] = [];
  const cpuMs: number[] = [];
  for (let i = 0; i < count; i++) {
    const page = await newPage();
    const cpu = await cpuClock(page);
    const startedAt = performance.now();
    await page.goto(url, { waitUntil: 'commit' });
    // Usable: the legend of the loss chart shows its newest value, so view and curve have arrived and are drawn.
    await page.waitForFunction(() => /\d/.test(document.querySelector('[data-reads="loss"]')?.textContent ?? ''));
    const usableMs = performance.now() - startedAt;
    const usableCpuMs = await cpu();
    await page.waitForTimeout(1500);
    const bytes = await page.evaluate(
      () => (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize,
    );
    await page.close();
    if (i < leftOut) continue;
    usable.push(usableMs);
    cpuMs.push(usableCpuMs);
    heap.push(bytes / 1e6);
  }
  return {
    cpuMs: percentile(cpuMs, 0.5),
    wallP50Ms: percentile(usable, 0.5),
    wallP95Ms: percentile(usable, 0.95),
    heapMB: percentile(heap, 0.5),
  };
}

/** Writes a finished run of synthetic rows, with the roles by which the page chooses its charts. */
async function fill(path: string, steps: number): Promise<void> {
  const store = await openSqliteStore(path);
  const roles = ['loss', 'accuracy', 'learningRate', 'baseLearningRate', 'gradNorm', 'clipThreshold', 'clipped'] as const;
  const columns: Series[] = [
    ...roles.map((role) => ({ name: role, group: role, role })),
    ...Array.from({ length: width - roles.length }, (_, i) => ({
      name: `gradNorm/layer${i}.weight`,
      group: 'gradient norm per parameter',
      role: 'gradNormOf' as const,
      of: `layer${i}.weight`,
    })),
  ];
  const actor = { id: 'bench', name: 'bench', role: 'admin' as const };
  const source = rowSource(width, 'f32');
  let view: RunView | null = null;
  let nextEvent = 0;
  const append = async (...events: RunEvent[]) => {
    const after = view?.seq ?? 0;
    const entries: Entry[] = [];
    for (const event of events) {
      const entry: Entry = { seq: (view?.seq ?? 0) + 1, attempt: 1, at: Date.now(), event };
      view = view ? fold(view, entry) : emptyView(runId, entry);
      if (event.type !== 'run.created' && event.type !== 'run.assigned') nextEvent += seqCount(event);
      entries.push(entry);
    }
    await store.append({ runId, after, attempt: 1, nextEvent, entries });
  };
  await append(
    { type: 'run.created', setup: publishedSetup('reverse'), actor, parent: null },
    {
      type: 'run.assigned',
      attempt: 1,
      trainer: { id: 'bench-trainer', name: 'bench', host: 'bench' },
      fromStep: 0,
      checkpoint: null,
    },
    {
      type: 'started',
      step: 0,
      device: { backend: 'cpu', device: 'none' },
      streams: [{ stream: 'steps', columns }],
      controls: { values: [], actions: [] },
      values: {},
      lengths: { stepsPerEpoch: 1000, totalSteps: steps },
    },
    { type: 'status', status: 'running', step: 0, message: '' },
  );
  for (let step = 0; step < steps; step += batch) {
    const count = Math.min(batch, steps - step);
    await append({ type: 'rows', stream: 'steps', steps: { first: step, count }, values: source(step, count) });
  }
  await append({ type: 'status', status: 'finished', step: steps, message: '' });
  await store.saveView(view!, summarize(view!, 0));
  await store.close();
}
