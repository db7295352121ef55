/**
 * The cost of watching, as exactly as a shared machine allows: `tsx watching.ts {"task":..,"backend":..,"threads":..,"seconds":..}` prints one JSON
 * line. Both trainees live in one process, because two processes of the same program differ by more than this cost, and take turns of a few
 * steps in random order, so that other load affects both equally.
 */

import { type BackendName, openBackend } from '~/trainer/backends';
import { RandomStream } from '~/trainer/nn/random';
import type { BenchTask } from './setups';
import { type Trainee, trainee } from './trainee';

export interface WatchingOptions {
  task: BenchTask;
  backend: BackendName;
  threads: number | null;
  seconds: number;
}

/** Times of one round, ms: a turn of each trainee and a snapshot. */
export interface WatchingRound {
  bareMs: number;
  watchedMs: number;
  steps: number;
  snapshotMs: number;
}

const turnMs = 120;

const { task, backend, threads, seconds } = JSON.parse(process.argv[2]!) as WatchingOptions;
const opened = await openBackend(backend, threads ? { threads } : {});
const [bare, watched] = [trainee(task, opened, false), trainee(task, opened, true)];
const coin = new RandomStream(1, 'turns');

async function turn({ step }: Trainee, steps: number): Promise<number> {
  let ms = 0;
  for (let left = steps; left > 0; left--) ms += await step();
  return ms;
}

for (const side of [bare, watched]) await turn(side, 3);
await watched.snapshot();
const steps = Math.max(1, Math.round(turnMs / ((await turn(bare, 5)) / 5)));
const rounds: WatchingRound[] = [];
for (const start = performance.now(); performance.now() - start < 1000 * seconds; ) {
  const round = { bareMs: 0, watchedMs: 0, steps, snapshotMs: 0 };
  const bareFirst = coin.bits(rounds.length) % 2 === 0;
  if (bareFirst) round.bareMs = await turn(bare, steps);
  round.watchedMs = await turn(watched, steps);
  if (!bareFirst) round.bareMs = await turn(bare, steps);
  round.snapshotMs = (await watched.snapshot())!;
  rounds.push(round);
}
console.log(JSON.stringify(rounds));
