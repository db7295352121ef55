import type { RunSummary } from '~/shared/summary';
import type { TrainerSummary } from '~/shared/viewerProtocol';

/** Runs that no trainer holds, the next one first. */
export function waitingRuns(runs: readonly RunSummary[], trainers: readonly TrainerSummary[]): RunSummary[] {
  const held = new Set(trainers.map((t) => t.runId));
  const position = (r: RunSummary) => r.queuePosition ?? r.createdAt;
  return runs
    .filter((r) => (r.status === 'queued' || r.status === 'waiting') && !held.has(r.runId))
    .sort((a, b) => position(a) - position(b) || (a.runId < b.runId ? -1 : 1));
}

/** The run to wait before (null = last) in order to move one position up or down; undefined if that is not possible. */
export function beforeWhich(queue: readonly RunSummary[], runId: string, direction: 'up' | 'down'): string | null | undefined {
  const at = queue.findIndex((r) => r.runId === runId);
  if (at < 0) return undefined;
  if (direction === 'up') return queue[at - 1]?.runId;
  return at === queue.length - 1 ? undefined : (queue[at + 2]?.runId ?? null);
}
