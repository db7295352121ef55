/**
 * `npm run bench -- soak [--minutes 120] [--viewers 5] [--sample-minutes 5]`: the whole product for a long time: a server, its trainer
 * with one run at the usual cadence of snapshots and checkpoints, viewers, and a browser with the run's page. The memory of server,
 * trainer and page, and the server's work per step, must not grow after the first tenth.
 */
import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { connect } from '~/server/mcp/client';
import type { Entry } from '~/shared/events';
import { chromiumPath, openBrowser } from '~/test/support/browser';
import { ownFolder } from '~/test/support/folder';
import { freePort, startProduct } from '~/test/support/product';
import { publishedSetup } from '~/test/support/setups';
import { TestViewer } from '~/test/support/viewer';
import type { BenchResult } from './main';
import { machine } from './rows';

export async function bench(args: string[]): Promise<BenchResult> {
  const { values: flags } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: '120' },
      viewers: { type: 'string', default: '5' },
      'sample-minutes': { type: 'string', default: '5' },
    },
  });
  const [minutes, viewers, every] = [Number(flags.minutes), Number(flags.viewers), Number(flags['sample-minutes'])];
  if (!(minutes >= 4 * every && every > 0 && viewers >= 1))
    throw new Error('--minutes: at least four times --sample-minutes, which are above 0; --viewers: 1 or more');
  if (!chromiumPath) throw new Error('Chromium is needed: install it, or name it in CHROMIUM');
  const load = loadavg()[0]!;
  const folder = ownFolder();
  const product = await startProduct({ dataFolder: folder.path, port: await freePort() });
  const { browser, close } = await openBrowser();
  try {
    const { url } = product;
    const { runs, trainers } = connect({ url });
    while ((await trainers.list.query()).length === 0) await pause(100);
    const { runId } = await runs.create.mutate({ setup: publishedSetup('reverse', { epochs: 1_000_000 }) });
    const watching = await Promise.all(Array.from({ length: viewers }, () => TestViewer.connect(url)));
    for (const viewer of watching) await viewer.watch(runId);
    const first = watching[0]!;
    await first.until((view) => view.step > 0);
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
    await page.goto(`${url}/runs/${runId}?layout=review`);
    const heap = await heapOf(page);
    const rows: BenchResult['rows'] = [];
    let before = { ...(await figures(url)), step: first.view!.step };
    let trainerMb = Number.NaN;
    for (let sample = 0; sample < Math.floor(minutes / every); sample++) {
      for (const until = performance.now() + every * 60_000; performance.now() < until; await pause(1000)) {
        trainerMb = trainerMemory(first.entries) ?? trainerMb;
        // Frees what was received.
        for (const viewer of watching) {
          viewer.entries.length = 0;
          viewer.received.take('frame');
        }
      }
      const { step, status } = first.view!;
      if (status !== 'running') throw new Error(`the run is ${status} at step ${step}: ${first.view!.statusMessage}`);
      const now = { ...(await figures(url)), step };
      rows.push({
        steps: step,
        serverMb: now.bytes / 1e6,
        trainerMb,
        pageMb: await heap(),
        cpuMicrosPerStep: ((now.cpuSeconds - before.cpuSeconds) * 1e6) / (step - before.step),
      });
      console.log(JSON.stringify(rows.at(-1)));
      before = now;
    }
    for (const viewer of watching) viewer.close();
    return {
      title: `soak: ${minutes} minutes, a run of Reverse with its trainer, ${viewers} viewers and a browser`,
      rows,
      notes: [
        growth(rows, 'serverMb', 'memory of the server, MB'),
        growth(rows, 'trainerMb', 'memory of the trainer, MB'),
        growth(rows, 'pageMb', 'heap of the page after garbage collection, MB'),
        growth(rows, 'cpuMicrosPerStep', 'processor time of the server per step, us'),
        machine(load),
      ],
    };
  } finally {
    await close();
    await product.stop();
    folder.remove();
  }
}

/** The second half beside the first, without the first tenth: about 1 when nothing grows. */
function growth(rows: BenchResult['rows'], column: string, what: string): string {
  const warm = rows.slice(Math.ceil(rows.length / 10)).map((row) => Number(row[column]));
  const half = Math.floor(warm.length / 2);
  const mean = (part: number[]) => part.reduce((a, b) => a + b, 0) / part.length;
  const [first, second] = [mean(warm.slice(0, half)), mean(warm.slice(-half))];
  return `${what}: ${first.toFixed(0)} in the first half after the first tenth, ${second.toFixed(0)} in the second: ${(second / first).toFixed(2)} times`;
}

/** Memory and processor time of the server, from its /metrics. */
async function figures(url: string): Promise<{ bytes: number; cpuSeconds: number }> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = (name: string) => Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
  return { bytes: value('process_resident_memory_bytes'), cpuSeconds: value('process_cpu_seconds_total') };
}

/** What the trainer's last row of system metrics says of its own memory, MB; null when there is none among the entries. */
function trainerMemory(entries: readonly Entry[]): number | null {
  const last = entries.findLast(({ event }) => event.type === 'rows' && event.stream === 'system')?.event;
  // The columns are those of trainer/run/system.ts: processors, memory, memory of the trainer, ...
  return last?.type === 'rows' ? (last.values[2] ?? null) : null;
}

/** Reads the page's heap after a garbage collection, MB. */
async function heapOf(page: Page): Promise<() => Promise<number>> {
  const cdp = await page.context().newCDPSession(page);
  return async () => {
    await cdp.send('HeapProfiler.collectGarbage');
    const { usedSize } = (await cdp.send('Runtime.getHeapUsage')) as { usedSize: number };
    return usedSize / 1e6;
  };
}
