import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RandomStream } from '~/trainer/nn/random';
import type { WatchingOptions, WatchingRound } from './watching';

const snapshotEverySteps = 50;
const resamples = 2000;

/** Runs watching.ts and describes what watching adds to a bare step, with its uncertainty. */
export async function watchingCost(options: WatchingOptions): Promise<string> {
  const script = join(import.meta.dirname, 'watching.ts');
  const run = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, JSON.stringify(options)], {
    maxBuffer: 2 ** 26,
  });
  const rounds = JSON.parse(run.stdout.trim().split('\n').at(-1)!) as WatchingRound[];
  const bareStepMs = median(rounds.map(({ bareMs, steps }) => bareMs / steps));
  const steps = rounds.map(({ bareMs, watchedMs }) => watchedMs / bareMs - 1);
  const snapshotMs = median(rounds.map((round) => round.snapshotMs));
  const snapshots = snapshotMs / snapshotEverySteps / bareStepMs;
  const [low, high] = interval(steps);
  const percent = (share: number) => (100 * share).toFixed(1);
  return (
    `watching costs ${percent(median(steps) + snapshots)} % of a bare step (95 % interval ${percent(low + snapshots)} to ${percent(high + snapshots)}, ` +
    `${rounds.length} pairs of turns): norms per parameter and link ${percent(median(steps))} %, ` +
    `a snapshot of ${snapshotMs.toFixed(2)} ms every ${snapshotEverySteps} steps ${percent(snapshots)} %`
  );
}

/** Bootstrap interval of the median: the middle 95 % of medians of resampled values. */
function interval(values: number[]): [number, number] {
  const random = new RandomStream(1, 'bootstrap');
  const medians = Array.from({ length: resamples }, (_, sample) =>
    median(values.map((_, at) => values[random.bits(sample * values.length + at) % values.length]!)),
  ).sort((a, b) => a - b);
  return [medians[Math.floor(0.025 * resamples)]!, medians[Math.floor(0.975 * resamples)]!];
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
