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

interface Answer {
  sum: Record<string, number>;
  failed: string[];
}

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
  const answers = await Promise.all(
    Array.from({ length: Math.min(processes, seeds) }, async (_, i): Promise<Answer> => {
      const count = Math.ceil((seeds - i) / processes);
      const child = fork(join(root, 'test/simulation/worker.ts'), [first + i, count, processes].map(String), {
        execArgv: ['--import', 'tsx'],
      });
      const [answer] = (await Promise.race([
        once(child, 'message'),
        once(child, 'exit').then(([code]) => Promise.reject(new Error(`a process of the simulation ended with ${code}`))),
      ])) as [Answer];
      return answer;
    }),
  );
  const failed = answers.flatMap((a) => a.failed);
  if (failed.length > 0) throw new Error(`${failed.length} of ${seeds} lives broke a rule; the first:\n${failed[0]}`);
  const seconds = (performance.now() - startedAt) / 1000;
  const total = (key: string) => answers.reduce((n, { sum }) => n + sum[key]!, 0);
  const { lives, events, simulatedMs, ...counts } = Object.fromEntries(
    Object.keys(answers[0]!.sum).map((key) => [key, total(key)]),
  );
  return {
    title: `simulation: seeds ${first} to ${first + seeds - 1}, ${processes} processes`,
    rows: [{ lives: lives!, events: events!, simulatedHours: simulatedMs! / 3_600_000, ...counts, brokenRules: 0, seconds }],
    notes: [machine(load)],
  };
}
