/** `npm run bench -- ingest`: durable step rows per second, first into the store alone, then over the real link with viewers attached. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { loadavg } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { databaseFile } from '~/server/store/sqlite/schema';
import { startApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { publishedSetup } from '~/test/support/setups';
import type { BenchResult } from './main';
import { fillRun, machine, percentile, type ValueKind } from './rows';

export interface LoadOrder {
  url: string;
  token: string;
  batch: number;
  window: number;
  steps: number;
  width: number;
  viewers: number;
}
export interface LoadReport {
  elapsedMs: number;
  ackMs: number[];
  /** Last step in the view of each viewer. */
  viewerSteps: number[];
}

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args,
    options: {
      steps: { type: 'string', default: '500000' },
      series: { type: 'string', default: '30' },
      viewers: { type: 'string', default: '20' },
    },
  });
  const steps = count('steps', values.steps);
  const width = count('series', values.series);
  const viewers = count('viewers', values.viewers);
  const before = loadavg()[0]!;
  const rows: BenchResult['rows'] = [];
  for (const [batch, kind] of [
    [50, 'f32'],
    [500, 'f32'],
    [500, 'f64'],
  ] as const)
    rows.push(await storeAlone(steps, width, batch, kind));
  for (const [batch, window] of [
    [50, 4],
    [500, 4],
    [2000, 2],
  ] as const)
    rows.push(await overTheLink(steps, width, batch, window, viewers));
  return {
    title: `ingest: ${steps} steps x ${width} series, acknowledged after fsync`,
    rows,
    notes: [
      'f32: values that are single-precision numbers, as most metrics are; f64: values that need all 64 bits.',
      'cpuMicrosPerStep: of the server with all its threads; on the path "store" with the making of the rows.',
      machine(before),
    ],
  };
}

function count(name: string, text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new Error(`--${name}: "${text}" does not fit; give a whole number >= 1`);
  return n;
}

async function storeAlone(steps: number, width: number, batch: number, kind: ValueKind) {
  const folder = ownFolder();
  const store = await openSqliteStore(folder.path);
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const cpu = process.cpuUsage();
  const { elapsedMs, ackMs } = await fillRun(store, 'run001', steps, { width, batch, kind, inFlight: 4 });
  const { user, system } = process.cpuUsage(cpu);
  delay.disable();
  await store.close();
  const bytes = statSync(databaseFile(folder.path)).size;
  folder.remove();
  return {
    path: 'store',
    values: kind,
    batch,
    window: 4,
    viewers: 0,
    stepsPerSecond: Math.round((steps / elapsedMs) * 1000),
    cpuMicrosPerStep: (user + system) / steps,
    ackP50Ms: percentile(ackMs, 0.5),
    ackP99Ms: percentile(ackMs, 0.99),
    loopDelayP99Ms: delay.percentile(99) / 1e6 - 5,
    bytesPerValue: bytes / steps / width,
  };
}

/** Runs the server in this process, the trainer and the viewers in another. */
async function overTheLink(steps: number, width: number, batch: number, window: number, viewers: number) {
  const folder = ownFolder();
  const app = await startApp({ dataFolder: folder.path });
  await app.hub.create({ id: 'bench', name: 'bench', role: 'admin' }, publishedSetup('reverse'));
  const order: LoadOrder = { url: app.address.url, token: app.address.token, batch, window, steps, width, viewers };
  const load = fork(path.join(import.meta.dirname, 'ingestLoad.ts'), [JSON.stringify(order)], {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
  });
  await once(load, 'message');
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const cpu = process.cpuUsage();
  load.send('go');
  const [report] = (await Promise.race([once(load, 'message'), once(load, 'exit').then(() => [null])])) as [LoadReport | null];
  const { user, system } = process.cpuUsage(cpu);
  delay.disable();
  if (!report) throw new Error('the process that plays trainer and viewers ended before its time');
  await app.close();
  const bytes = statSync(databaseFile(folder.path)).size;
  folder.remove();
  const late = report.viewerSteps.filter((s) => s !== steps).length;
  if (late > 0) throw new Error(`${late} of ${viewers} viewers did not reach step ${steps}`);
  return {
    path: 'link',
    values: 'f32',
    batch,
    window,
    viewers,
    stepsPerSecond: Math.round((steps / report.elapsedMs) * 1000),
    cpuMicrosPerStep: (user + system) / steps,
    ackP50Ms: percentile(report.ackMs, 0.5),
    ackP99Ms: percentile(report.ackMs, 0.99),
    loopDelayP99Ms: delay.percentile(99) / 1e6 - 5,
    bytesPerValue: bytes / steps / width,
  };
}
