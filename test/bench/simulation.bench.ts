/**
 * `npm run bench -- simulation [--seeds 10000] [--seed N] [--processes all cores]`: simulated lives of server, trainers and people
 * (test/simulation). A rule that does not hold ends the bench with its seed.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '~/test/support/root';
import type { BenchResult } from './main';
import { machine } from './rows';

/** What a process did since its last message; `cpuSeconds`: since its start. */
interface Part {
  sum: Record<string, number>;
  failed: string[];
  cpuSeconds: number;
}

const printEvery = 1000;

export async function bench(args: string[]): Promise<BenchResult> {
  const { values } = parseArgs({
    args,
    options: {
      seeds: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      processes: { type: 'string', default: String(availableParallelism()) },
    },
  });
  const [seeds, first, processes] = [Number(values.seeds), Number(values.seed), Number(values.processes)];
  if (![seeds, first, processes].every((n) => Number.isInteger(n) && n > 0))
    throw new Error('--seeds, --seed and --processes: whole numbers above 0');
  const load = loadavg()[0]!;
  const startedAt = performance.now();
  const elapsedSeconds = () => (performance.now() - startedAt) / 1000;
  const total: Record<string, number> = {};
  const failed: string[] = [];
  let cpuSeconds = 0;
  let lives = 0;
  await Promise.all(
    Array.from({ length: Math.min(processes, seeds) }, async (_, i) => {
      const count = Math.ceil((seeds - i) / processes);
      const child = fork(join(root, 'test/simulation/worker.ts'), [first + i, count, processes].map(String), {
        execArgv: ['--import', 'tsx', '--max-semi-space-size=32'],
      });
      let spent = 0;
      child.on('message', (part: Part) => {
        for (const [key, n] of Object.entries(part.sum)) total[key] = (total[key] ?? 0) + n;
        failed.push(...part.failed);
        for (const message of part.failed) console.log(message);
        cpuSeconds += part.cpuSeconds - spent;
        spent = part.cpuSeconds;
        const before = lives;
        lives = (total.lives ?? 0) + failed.length;
        if (Math.floor(lives / printEvery) > Math.floor(before / printEvery))
          console.log(`${lives} lives after ${Math.round(elapsedSeconds())} s, ${failed.length} of them broke a rule`);
      });
      const [code] = await once(child, 'exit');
      if (code !== 0) throw new Error(`a process of the simulation ended with ${code}`);
    }),
  );
  if (failed.length > 0) throw new Error(`${failed.length} of ${seeds} lives broke a rule; the first:\n${failed[0]}`);
  const { simulatedMs, ...counts } = total;
  return {
    title: `simulation: seeds ${first} to ${first + seeds - 1}, ${processes} processes`,
    rows: [{ ...counts, simulatedHours: simulatedMs! / 3_600_000, brokenRules: 0, seconds: elapsedSeconds(), cpuSeconds }],
    notes: [machine(load)],
  };
}
