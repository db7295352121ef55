/** `npm run bench -- attention [--only NAME]`: the attention workspace in Chromium with every view open: scrubbing, live frames, opening a long run. */
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { type AttentionView, defaultAttentionView, encodeAttentionView } from '~/app/_live/attentionView';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { type AttentionRun, playAttentionRun } from '~/test/support/attentionRun';
import { chromiumPath, openBrowser } from '~/test/support/browser';
import type { BenchResult } from './main';
import { percentile } from './rows';

const root = fileURLToPath(new URL('../../', import.meta.url));
const you = { id: 'local', name: 'You', role: 'admin' } as const;

interface Case {
  name: string;
  run: AttentionRun;
  toStep: number;
  /** Four panes of the run instead of the one grid. */
  panes?: boolean;
}
const cases: Case[] = [
  {
    name: 'reverse 1x1x16',
    run: { task: 'reverse', layers: 1, heads: 1, length: 16, examples: 8, snapshotEverySteps: 10 },
    toStep: 600,
  },
  {
    name: 'anomaly 4x4x10',
    run: { task: 'anomaly', layers: 4, heads: 4, length: 10, examples: 8, snapshotEverySteps: 10, pictures: true },
    toStep: 600,
  },
  {
    name: 'anomaly 4x4x10, four panes',
    run: { task: 'anomaly', layers: 4, heads: 4, length: 10, examples: 8, snapshotEverySteps: 10, pictures: true },
    toStep: 600,
    panes: true,
  },
  {
    name: '12x12x128',
    run: { task: 'reverse', layers: 12, heads: 12, length: 128, examples: 1, snapshotEverySteps: 20 },
    toStep: 360,
  },
  {
    name: '12x12x512',
    run: { task: 'reverse', layers: 12, heads: 12, length: 512, examples: 1, snapshotEverySteps: 20 },
    toStep: 120,
  },
];
const scrubSteps = 300;
const liveFrames = 20;

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({ args, options: { only: { type: 'string' } } });
  const names = [...cases.map((c) => c.name), 'open'];
  if (values.only !== undefined && !names.includes(values.only))
    throw new Error(`--only: "${values.only}" does not fit; give one of ${names.join(', ')}`);
  if (!chromiumPath) throw new Error('Chromium is needed: install it, or name it in CHROMIUM');
  const load = loadavg()[0]!;
  await build((line) => console.log(line));
  Object.assign(process.env, { NODE_ENV: 'production' });
  const app = await startApp({ pages: { dev: false, root } });
  const { browser, close } = await openBrowser();
  const rows: BenchResult['rows'] = [];
  const notes: string[] = [];
  try {
    for (const c of cases) {
      if (values.only !== undefined && values.only !== c.name) continue;
      const page = await browser.newPage({ viewport: { width: 1440, height: 1000 } });
      rows.push(await scrubAndLive(app, page, c));
      console.log(JSON.stringify(rows.at(-1)));
      await page.close();
    }
    if (values.only === undefined || values.only === 'open') {
      const page = await browser.newPage({ viewport: { width: 1440, height: 1000 } });
      notes.push(await openLong(app, page));
      await page.close();
    }
  } finally {
    await close();
    await app.close();
  }
  notes.push(
    'mainThreadCpuMsPerFrame is thread time: it does not grow when other programs use the machine, frame intervals do',
    `headless Chromium, software rendering, 1440 x 1000; load before ${load.toFixed(1)}`,
  );
  return { title: `attention: ${scrubSteps}-step drag with all views open, and ${liveFrames} live snapshots`, rows, notes };
}

/** The first four examples, synchronized. */
const fourPanes: AttentionView = {
  ...defaultAttentionView,
  comparison: {
    panes: [0, 1, 2, 3].map((example) => ({ run: null, at: 'linked', source: { example }, head: null })),
    align: 'step',
    scale: 'unit',
    minus: [1, 0],
    lead: null,
  },
};

const standing = '[data-testid=attention-step]';

async function scrubAndLive(app: TestApp, page: Page, { name, run, toStep, panes = false }: Case) {
  // Code compiled by tsx calls the helper __name, which the page does not have.
  await page.addInitScript('globalThis.__name = (f) => f');
  const create = (setup: Parameters<TestApp['hub']['create']>[1]) => app.hub.create(you, setup);
  const { runId, next, end } = await playAttentionRun(app.address, create, run, toStep);
  const view = panes ? `&attention=${encodeURIComponent(encodeAttentionView(fourPanes))}` : '';
  await page.goto(`${app.url}/runs/${runId}?tabs=attention${view}`);
  page.setDefaultTimeout(120_000);
  await page.waitForSelector(standing);
  await page.locator('[data-testid=ribbons]').scrollIntoViewIfNeeded();
  if (panes) await page.waitForSelector('[data-pane=D] canvas');
  else await openHistory(page, run);
  // The first drag warms up (compilation, every snapshot read), the second is measured.
  await drag(page, scrubSteps);
  const cpu = await page.context().newCDPSession(page);
  await cpu.send('Performance.enable', { timeDomain: 'threadTicks' });
  const cpuMs = async () =>
    1000 * (await cpu.send('Performance.getMetrics')).metrics.find((m) => m.name === 'TaskDuration')!.value;
  const cpuBefore = await cpuMs();
  const { intervals, shown } = await drag(page, scrubSteps);
  const cpuAfter = await cpuMs();

  await page.keyboard.press('Escape');
  await page.evaluate(() => document.querySelector<HTMLElement>('[data-testid=attention-step] button')?.click());
  const latencies: number[] = [];
  for (let n = 0; n < liveFrames; n++) {
    const seen = nextStep(page);
    const { step, sentAt } = await next();
    latencies.push((await seen(step)) - sentAt);
  }
  await end();
  return {
    case: name,
    frames: intervals.length,
    mainThreadCpuMsPerFrame: (cpuAfter - cpuBefore) / intervals.length,
    frameP50Ms: percentile(intervals, 0.5),
    frameP95Ms: percentile(intervals, 0.95),
    framesPerSecond: 1000 / (intervals.reduce((a, b) => a + b, 0) / intervals.length),
    snapshotsShown: shown,
    liveP50Ms: percentile(latencies, 0.5),
    liveMaxMs: Math.max(...latencies),
  };
}

/** Pins a cell to open its history, the last view; then waits for its snapshots. */
async function openHistory(page: Page, run: AttentionRun): Promise<void> {
  await page.locator('[data-testid=large-title]').waitFor();
  if (run.layers * run.heads > 1) {
    await page.locator('[role=gridcell][data-head="0.0"]').focus();
    await page.keyboard.press('Enter');
  }
  await page.locator('[data-testid=big-map] [role=gridcell]').focus();
  for (const key of ['ArrowDown', 'ArrowRight', 'Enter']) await page.keyboard.press(key);
  await page.waitForSelector('[data-testid=history]');
  await page
    .waitForFunction(() => !document.querySelector('[data-testid=history]')?.textContent?.includes('still coming'), null, {
      timeout: 60_000,
    })
    .catch(() => {});
}

/** Drags over the ribbons, one move per frame, from end to end. @returns ms between frames, and how many snapshots were on screen */
async function drag(page: Page, moves: number): Promise<{ intervals: number[]; shown: number }> {
  return page.evaluate(async (count) => {
    const ribbons = document.querySelector('[data-testid=ribbons]')!;
    const box = ribbons.getBoundingClientRect();
    const at = (type: string, f: number) =>
      ribbons.dispatchEvent(
        new PointerEvent(type, {
          bubbles: true,
          pointerId: 1,
          buttons: 1,
          clientX: box.left + f * (box.width - 1),
          clientY: box.top + 4,
        }),
      );
    const frame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve));
    // A synthetic pointer cannot be captured.
    Object.defineProperty(ribbons, 'setPointerCapture', { value: () => {}, configurable: true });
    const intervals: number[] = [];
    const steps = new Set<string>();
    at('pointerdown', 0);
    let last = await frame();
    for (let n = 1; n <= count; n++) {
      at('pointermove', n / count);
      const now = await frame();
      steps.add(document.querySelector('[data-testid=attention-step]')?.getAttribute('data-step') ?? '');
      intervals.push(now - last);
      last = now;
    }
    at('pointerup', 1);
    return { intervals, shown: steps.size };
  }, moves);
}

/** @returns a function that resolves with the wall-clock time of the first frame that shows the snapshot of `step` */
function nextStep(page: Page): (step: number) => Promise<number> {
  return (step) =>
    page.evaluate(
      (wanted) =>
        new Promise<number>((resolve) => {
          const look = () => {
            const shown = document.querySelector('[data-testid=attention-step]')?.getAttribute('data-step');
            if (Number(shown) >= wanted) resolve(Date.now());
            else requestAnimationFrame(look);
          };
          look();
        }),
      step,
    );
}

async function openLong(app: TestApp, page: Page): Promise<string> {
  const run: AttentionRun = { task: 'anomaly', layers: 4, heads: 4, length: 10, examples: 8, snapshotEverySteps: 4 };
  const { runId, end } = await playAttentionRun(app.address, (setup) => app.hub.create(you, setup), run, 4_000);
  await end();
  const times: number[] = [];
  for (let n = 0; n < 3; n++) {
    await page.goto('about:blank');
    const startedAt = Date.now();
    await page.goto(`${app.url}/runs/${runId}?tabs=attention`, { waitUntil: 'commit' });
    await page.waitForFunction(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('[data-testid=ribbons] canvas');
      const context = canvas?.getContext('2d');
      // Painted when the first column of the first strip is opaque.
      return (
        !!document.querySelector('[data-testid=attention-step]') && !!canvas && context!.getImageData(2, 2, 1, 1).data[3] === 255
      );
    });
    times.push(Date.now() - startedAt);
  }
  return `a run of 1,000 snapshots (4x4x10, 8 examples), navigation to map and ribbons drawn: ${times.map((t) => `${t} ms`).join(', ')} (the first with an empty cache)`;
}
