/**
 * `npm run bench -- soak [--minutes 120] [--viewers 5] [--steps-per-second 50]`: one run for a long time, with viewers and snapshots; the server's memory and its
 * work per step must not grow after the first tenth.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect } from '~/server/mcp/client';
import { ownFolder } from '~/test/support/folder';
import { freePort } from '~/test/support/product';
import { root } from '~/test/support/root';
import { publishedSetup } from '~/test/support/setups';
import { runStarted, snapshot, startValues, steps } from '~/test/support/synthetic';
import { TrainerClient } from '~/test/support/trainerClient';
import { TestViewer } from '~/test/support/viewer';
import type { BenchResult } from './main';
import { machine } from './rows';

const samples = 20;
const snapshotEverySteps = 250;

export async function bench(args: string[]): Promise<BenchResult> {
  const { values: flags } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: '120' },
      viewers: { type: 'string', default: '5' },
      'steps-per-second': { type: 'string', default: '50' },
    },
  });
  const [minutes, viewers, rate] = [Number(flags.minutes), Number(flags.viewers), Number(flags['steps-per-second'])];
  if (!(minutes > 0 && viewers >= 0 && rate >= 10))
    throw new Error('--minutes: above 0; --viewers: 0 or more; --steps-per-second: 10 or more');
  const load = loadavg()[0]!;
  const folder = ownFolder();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = spawn(process.execPath, ['--import', 'tsx', 'test/faults/server.ts', folder.path, String(port)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = (await once(server.stdout, 'data')) as [Buffer];
    const trainer = await TrainerClient.connect({ url, token: line.toString().trim() });
    const setup = publishedSetup('reverse');
    const { runId } = await connect({ url }).runs.create.mutate({ setup });
    trainer.ready();
    await trainer.assigned();
    const values = startValues(setup);
    await trainer.send(runStarted(0, values), { type: 'status', status: 'running', step: 0, message: 'go' });
    const watching = await Promise.all(Array.from({ length: viewers }, () => TestViewer.connect(url)));
    for (const viewer of watching) await viewer.watch(runId);
    const rows: BenchResult['rows'] = [];
    const batch = Math.ceil(rate / 10);
    let step = 0;
    let before = await figures(url);
    for (let sample = 1; sample <= samples; sample++) {
      const until = performance.now() + (minutes * 60_000) / samples;
      const from = step;
      while (performance.now() < until) {
        const next = pause(100);
        await trainer.send(steps(step, batch, values));
        if (Math.floor(step / snapshotEverySteps) !== Math.floor((step + batch) / snapshotEverySteps)) {
          const { blob, event } = snapshot(step, setup, 'cadence', null);
          await trainer.put(blob);
          await trainer.send(event);
        }
        step += batch;
        await next;
        // Frees the received entries, which would count as memory.
        for (const viewer of watching) viewer.entries.length = 0;
      }
      const now = await figures(url);
      rows.push({
        steps: step,
        serverMb: now.bytes / 2 ** 20,
        cpuMicrosPerStep: ((now.cpuSeconds - before.cpuSeconds) * 1e6) / (step - from),
      });
      before = now;
    }
    for (const viewer of watching) viewer.close();
    trainer.close();
    return {
      title: `soak: ${minutes} minutes, ${viewers} viewers, ${rate} steps/s, a snapshot every ${snapshotEverySteps} steps`,
      rows,
      notes: [
        growth(rows, 'serverMb', 'memory of the server'),
        growth(rows, 'cpuMicrosPerStep', 'its CPU per step'),
        machine(load),
      ],
    };
  } finally {
    server.kill('SIGTERM');
    await once(server, 'exit');
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

/** Memory and CPU time of the server, from its /metrics. */
async function figures(url: string): Promise<{ bytes: number; cpuSeconds: number }> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = (name: string) => Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
  return { bytes: value('process_resident_memory_bytes'), cpuSeconds: value('process_cpu_seconds_total') };
}
