/** `npm run bench -- history [--large]`: response times for a long run at every zoom, and for a list of 1,000 runs; 10M steps with --large. */

import { statSync } from 'node:fs';
import { loadavg } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import type { Store } from '~/server/store';
import { openSqliteStore } from '~/server/store/sqlite/open';
import { databaseFile } from '~/server/store/sqlite/schema';
import { summarize } from '~/shared/summary';
import { startApp } from '~/test/support/app';
import { ownFolder } from '~/test/support/folder';
import { publishedSetup } from '~/test/support/setups';
import { foldAll } from '~/test/support/views';
import type { BenchResult } from './main';
import { fillRun, machine, percentile } from './rows';

const width = 30;
const buckets = 4000;
const spikes = 200;

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args,
    options: { large: { type: 'boolean', default: false }, queries: { type: 'string', default: '100' } },
  });
  const queries = Number(values.queries);
  if (!Number.isInteger(queries) || queries < 1)
    throw new Error(`--queries: "${values.queries}" does not fit; give a whole number >= 1`);
  const before = loadavg()[0]!;
  const rows: BenchResult['rows'] = [];
  for (const steps of [10_000, 100_000, 1_000_000, ...(values.large ? [10_000_000] : [])])
    rows.push(await oneRun(steps, queries));
  return {
    title: `history: ranges of ${width} series in at most ${buckets} buckets, ${queries} of each kind`,
    rows,
    notes: [await runList(1000), machine(before)],
  };
}

async function oneRun(steps: number, queries: number) {
  const folder = ownFolder();
  let store = await openSqliteStore(folder.path);
  await fillRun(store, 'run001', steps, { width, batch: 1000, kind: 'f32', inFlight: 4 });
  await store.close();
  const bytes = statSync(databaseFile(folder.path)).size;
  store = await openSqliteStore(folder.path);
  const seen = await addSpikes(store, steps);

  const delay = monitorEventLoopDelay({ resolution: 5 });
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const timed = async (
    series: string[] | null,
    window: () => [number, number | null],
    smoothing: (i: number) => number | null = () => null,
    times = queries,
  ) => {
    const ms: number[] = [];
    for (let i = 0; i < times; i++) {
      const [fromStep, toStep] = window();
      const startedAt = performance.now();
      await store.range({ runId: 'run001', series, fromStep, toStep, buckets, smoothing: smoothing(i) });
      ms.push(performance.now() - startedAt);
    }
    return ms;
  };
  const somewhere = (): [number, number] => {
    const length = Math.min(steps, Math.round(100 * (steps / 100) ** (random(1000) / 1000)));
    const from = random(steps - length + 1);
    return [from, from + length];
  };
  const [cold] = await timed(null, () => [0, null]);
  const all = (): [number, null] => [0, null];
  delay.enable();
  const whole = await timed(null, () => [0, null]);
  const zoomed = await timed(null, somewhere);
  // The requests of the page: three series with a moving average, each with a new weight, then any zoom with the last weight.
  const smoothed = ['series0', 'series1', 'series17'];
  const weights = await timed(smoothed, all, (i) => 0.9 + i / 1000, 10);
  const averaged = await timed(smoothed, somewhere, () => 0.909);
  delay.disable();
  const single = await timed(['series17'], somewhere);
  await store.close();
  folder.remove();
  return {
    steps,
    firstMs: cold!,
    wholeP50Ms: percentile(whole, 0.5),
    wholeP95Ms: percentile(whole, 0.95),
    anyZoomP50Ms: percentile(zoomed, 0.5),
    anyZoomP95Ms: percentile(zoomed, 0.95),
    oneSeriesP95Ms: percentile(single, 0.95),
    newWeightP50Ms: percentile(weights, 0.5),
    newWeightMaxMs: Math.max(...weights),
    smoothedP95Ms: percentile(averaged, 0.95),
    loopDelayP99Ms: delay.percentile(99) / 1e6 - 5,
    bytesPerValue: bytes / steps / width,
    spikesSeen: `${seen} of ${spikes}`,
  };
}

/** Adds a second run of the same length with single-step spikes. @returns how many are visible when fully zoomed out */
async function addSpikes(store: Store, steps: number): Promise<number> {
  const at = new Set(Array.from({ length: spikes }, (_, i) => Math.floor(((i + 0.37) * steps) / spikes)));
  const actor = { id: 'bench', name: 'bench', role: 'admin' as const };
  const created = { type: 'run.created' as const, setup: publishedSetup('reverse'), actor, parent: null };
  const write = { runId: 'spikes', attempt: 0 };
  await store.append({
    ...write,
    after: 0,
    nextEvent: 0,
    entries: [
      { seq: 1, attempt: 0, at: 0, event: created },
      { seq: 2, attempt: 0, at: 0, event: { type: 'series', stream: 'steps', columns: [{ name: 'loss' }] } },
    ],
  });
  const batch = 5000;
  for (let step = 0; step < steps; step += batch) {
    const count = Math.min(batch, steps - step);
    const values = Float64Array.from({ length: count }, (_, i) =>
      at.has(step + i) ? 100 + step + i : Math.sin((step + i) / 100),
    );
    const event = { type: 'rows' as const, stream: 'steps', steps: { first: step, count }, values };
    await store.append({
      ...write,
      after: 2 + step,
      nextEvent: step + count,
      entries: [{ seq: 3 + step, attempt: 0, at: 0, event }],
    });
  }
  const out = await store.range({ runId: 'spikes', series: null, fromStep: 0, toStep: null, buckets: 1200 });
  const loss = out.series[0]!;
  return [...at].filter((step) => loss.max[Math.floor(step / loss.bucketSteps)]! >= 100).length;
}

/** Measures the start of a server with many runs, and its list of runs over HTTP. */
async function runList(runs: number): Promise<string> {
  const folder = ownFolder();
  const store = await openSqliteStore(folder.path);
  const actor = { id: 'bench', name: 'bench', role: 'admin' as const };
  await Promise.all(
    Array.from({ length: runs }, async (_, i) => {
      const runId = `run${String(i).padStart(6, '0')}`;
      const setup = { ...publishedSetup('reverse'), name: `Run ${i}` };
      const entries = [
        { seq: 1, attempt: 0, at: i, event: { type: 'run.created' as const, setup, actor, parent: null } },
        { seq: 2, attempt: 0, at: i, event: { type: 'status' as const, status: 'finished' as const, step: 0, message: '' } },
      ];
      await store.append({ runId, after: 0, attempt: 0, nextEvent: 0, entries });
      const view = foldAll(runId, entries);
      await store.saveView(view, summarize(view, 0));
    }),
  );
  await store.close();
  const startedAt = performance.now();
  const app = await startApp({ dataFolder: folder.path });
  const startMs = performance.now() - startedAt;
  const ms: number[] = [];
  for (let i = 0; i < 20; i++) {
    const askedAt = performance.now();
    const answer = await fetch(`${app.url}/api/trpc/runs.list`);
    const listed = JSON.parse(await answer.text()) as { result: { data: unknown[] } };
    ms.push(performance.now() - askedAt);
    if (listed.result.data.length !== runs) throw new Error(`the list holds ${listed.result.data.length} of ${runs} runs`);
  }
  await app.close();
  folder.remove();
  return `${runs} runs: list over HTTP p50 ${percentile(ms, 0.5).toFixed(1)} ms, p95 ${percentile(ms, 0.95).toFixed(1)} ms; the server starts on them in ${startMs.toFixed(0)} ms`;
}
