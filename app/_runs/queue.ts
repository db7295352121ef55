import type { RunSummary } from '~/shared/fold';
import type { TrainerSummary } from '~/shared/protocol';

/** Runs that no trainer holds, the next one first. */
export function waitingRuns(runs: readonly RunSummary[], trainers: readonly TrainerSummary[]): RunSummary[] {
  const held = new Set(trainers.map((t) => t.runId));
  const place = (r: RunSummary) => r.queuePlace ?? r.createdAt;
  return runs
    .filter((r) => (r.status === 'queued' || r.status === 'waiting') && !held.has(r.runId))
    .sort((a, b) => place(a) - place(b) || (a.runId < b.runId ? -1 : 1));
}

/** Which run it is to wait before (null = last) so that it moves one place up or down; undefined where it cannot. */
export function beforeWhich(queue: readonly RunSummary[], runId: string, direction: 'up' | 'down'): string | null | undefined {
  const at = queue.findIndex((r) => r.runId === runId);
  if (at < 0) return undefined;
  if (direction === 'up') return queue[at - 1]?.runId;
  return at === queue.length - 1 ? undefined : (queue[at + 2]?.runId ?? null);
}
