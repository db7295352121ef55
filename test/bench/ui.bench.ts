/** The cost of a run's page in Chromium: loading script, main thread while steps arrive, frames, interaction, a hidden tab, many charts. */
import { parseArgs } from 'node:util';
import type { BrowserContext, Page } from 'playwright-core';
import { build } from '~/server/process/build';
import { startApp, type TestApp } from '~/test/support/app';
import { openBrowser, openProfile } from '~/test/support/browser';
import { root } from '~/test/support/root';
import { startScriptedTrainer } from '~/test/support/scriptedTrainer';
import { configOf, publishedSetup, withConfig } from '~/test/support/setups';
import { runStarted, startValues } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';
import type { BenchResult } from './main';
import { percentile } from './rows';
import { clock, frames } from './uiClock';

type Row = BenchResult['rows'][number];
const you = { id: 'local', name: 'You', role: 'admin' } as const;

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args,
    options: {
      rate: { type: 'string', default: '15,100' },
      seconds: { type: 'string', default: '10' },
      charts: { type: 'string', default: '1000' },
      /** Whether to print a profile of the main thread. */
      profile: { type: 'boolean', default: false },
    },
  });
  const seconds = Number(values.seconds);
  await build((line) => console.log(line));
  Object.assign(process.env, { NODE_ENV: 'production' });
  const app = await startApp({ pages: { dev: false, root } });
  const viewport = { width: 1920, height: 1080 };
  const { browser, close } = await openBrowser();
  const profile = await openProfile(viewport);
  const pageOf = async (context: BrowserContext) => {
    const page = await context.newPage();
    // Code compiled by tsx calls the helper __name, which the page does not have.
    await page.addInitScript({ content: 'globalThis.__name = (f) => f' });
    return page;
  };
  const rows: Row[] = [];
  try {
    for (const rate of values.rate.split(',').map(Number)) {
      const setup = publishedSetup('reverse');
      const model = { ...configOf(setup).model, layers: 4, heads: 4 };
      const { runId } = await app.hub.create(you, { ...withConfig(setup, { model }), name: `Live at ${rate}` });
      const trainer = await startScriptedTrainer(app.address, { stepMs: 1000 / rate, length: 1_000_000 });
      const lastStep = async () => (await app.hub.view(runId))!.step;
      for (const [what, query] of [
        ['curves and steering', ''],
        ['curves and attention', '?layout=review'],
      ] as const) {
        const page = await pageOf(await browser.newContext({ viewport }));
        rows.push(
          await live(page, `${app.url}/runs/${runId}${query}`, `${rate} steps/s, ${what}`, seconds, lastStep, values.profile),
        );
        if (query === '') rows.push(await hidden(page, `${rate} steps/s, the tab hidden`, seconds, lastStep));
        await page.context().close();
      }
      trainer.close();
      await app.hub.command(you, { kind: 'act', id: `stop-${rate}-0000`, runId, action: 'stop', args: {} });
    }
    rows.push(...(await manyCharts(app, () => pageOf(profile.context), Number(values.charts))));
  } finally {
    await close();
    await profile.close();
    await app.close();
  }
  return { title: 'The page of a run, in Chromium at 1920 x 1080 without a GPU', rows };
}

type LastStep = () => Promise<number>;

/** @throws Error when the run does not train any more: the page of a run that is over has next to no work, and its figures would look good */
function paceOf(first: number, last: number, seconds: number): number {
  if (last <= first) throw new Error(`the run stands at step ${first}: its page was measured without steps`);
  return (last - first) / seconds;
}

async function live(page: Page, url: string, what: string, seconds: number, lastStep: LastStep, profiled: boolean): Promise<Row> {
  let scriptBytes = 0;
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Network.enable');
  const scripts = new Set<string>();
  cdp.on('Network.responseReceived', (e) => e.type === 'Script' && scripts.add(e.requestId));
  cdp.on('Network.loadingFinished', (e) => {
    if (scripts.has(e.requestId)) scriptBytes += e.encodedDataLength;
  });
  const startedAt = performance.now();
  await page.goto(url, { waitUntil: 'commit' });
  await page.waitForFunction(() => /\d/.test(document.querySelector('[data-reads="loss"]')?.textContent ?? ''));
  const usableMs = performance.now() - startedAt;
  await page.waitForTimeout(3000);
  const read = await clock(page);
  const taking = frames(page, seconds * 1000);
  if (profiled) {
    await cdp.send('Profiler.enable');
    await cdp.send('Profiler.start');
  }
  const before = await read();
  const firstStep = await lastStep();
  const took = await taking;
  const after = await read();
  const stepsPerSecond = paceOf(firstStep, await lastStep(), seconds);
  if (profiled) {
    const { profile } = await cdp.send('Profiler.stop');
    const self = new Map<string, number>();
    profile.samples?.forEach((id, i) => {
      const node = profile.nodes.find((n) => n.id === id)!;
      const { functionName, url: file, lineNumber, columnNumber } = node.callFrame;
      const name = `${functionName || '?'} ${file.split('/').at(-1)}:${lineNumber}:${columnNumber}`;
      self.set(name, (self.get(name) ?? 0) + (profile.timeDeltas?.[i] ?? 0) / 1000);
    });
    const top = [...self].sort((a, b) => b[1] - a[1]).slice(0, 30);
    console.log(`${what}\n${top.map(([name, ms]) => `${ms.toFixed(1).padStart(9)} ms  ${name}`).join('\n')}`);
  }
  const clicks: number[] = [];
  for (const name of ['Activity', 'Steer', 'Activity', 'Steer'])
    clicks.push(
      await page.evaluate(async (tab) => {
        const element = [...document.querySelectorAll<HTMLElement>('[role=tab]')].find((t) => t.textContent?.startsWith(tab))!;
        const began = performance.now();
        element.click();
        await new Promise((r) => requestAnimationFrame(() => setTimeout(r)));
        return performance.now() - began;
      }, name),
    );
  return {
    what,
    stepsPerSecond,
    usableMs,
    scriptKb: scriptBytes / 1000,
    core: (after.task - before.task) / seconds,
    scriptCore: (after.script - before.script) / seconds,
    frameP95Ms: percentile(took, 0.95),
    clickP95Ms: percentile(clicks, 0.95),
  };
}

/** Simulates a hidden tab: the browser draws no frame, and only timers run. */
async function hidden(page: Page, what: string, seconds: number, lastStep: LastStep): Promise<Row> {
  await page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { get: () => true });
    Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
    window.requestAnimationFrame = () => 0;
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await page.waitForTimeout(1000);
  const read = await clock(page);
  const before = await read();
  const firstStep = await lastStep();
  await page.waitForTimeout(seconds * 1000);
  const after = await read();
  const stepsPerSecond = paceOf(firstStep, await lastStep(), seconds);
  return {
    what,
    stepsPerSecond,
    core: (after.task - before.task) / seconds,
    scriptCore: (after.script - before.script) / seconds,
  };
}

/** A run with `count` series, each with its own chart, opened in one browser again and again, then scrolled through. */
async function manyCharts(app: TestApp, newPage: () => Promise<Page>, count: number): Promise<Row[]> {
  const setup = { ...publishedSetup('reverse'), name: 'Many charts' };
  const trainer = await TrainerClient.connect(app.address);
  const { runId } = await app.hub.create(you, setup);
  trainer.ready();
  await trainer.assigned();
  const columns = Array.from({ length: count }, (_, i) => ({ name: `group${Math.floor(i / 100)}/series${i}` }));
  const started = runStarted(0, startValues(setup));
  await trainer.send({ ...started, streams: [{ stream: 'many', columns }] } as typeof started);
  const steps = 200;
  await trainer.send({
    type: 'rows',
    stream: 'many',
    steps: { first: 0, count: steps },
    values: Float64Array.from({ length: steps * count }, (_, i) => Math.sin(i / 1000)),
  });
  const open = Array.from({ length: Math.ceil(count / 100) }, (_, i) => `group${i}`).slice(1);
  const url = `${app.url}/runs/${runId}?open=${open.map(encodeURIComponent).join(',')}`;
  let page = await newPage();
  const usable: number[] = [];
  const visits = 8;
  for (let i = 0; i < visits; i++) {
    const startedAt = performance.now();
    await page.goto(url, { waitUntil: 'commit' });
    await page.waitForFunction(() => /\d/.test(document.querySelector('[data-reads^="group"]')?.textContent ?? ''));
    usable.push(performance.now() - startedAt);
    // The browser keeps compiled scripts some time after the page is there.
    await page.waitForTimeout(1500);
    if (i === visits - 1) break;
    await page.close();
    page = await newPage();
  }
  const read = await clock(page);
  const before = await read();
  const took = await page.evaluate(async () => {
    const box = document.querySelector('[role=tabpanel]:has(figure)')!;
    const frames: number[] = [];
    let last = performance.now();
    for (let i = 0; i < 120; i++) {
      box.scrollTop += 60;
      const now = await new Promise<number>((r) => requestAnimationFrame(r));
      frames.push(now - last);
      last = now;
    }
    return frames.slice(1);
  });
  const after = await read();
  trainer.close();
  return [
    { what: `open ${count} charts, first visit`, usableMs: usable[0]! },
    { what: 'the same, fourth to eighth visit (median)', usableMs: percentile(usable.slice(3), 0.5) },
    { what: 'scroll through them at 60 px a frame', core: (after.task - before.task) / 2, frameP95Ms: percentile(took, 0.95) },
  ];
}
