import type { Refusal } from '~/shared/commands';
import { refuse } from '~/shared/refusals';

/** A run that waits for a trainer, and its position: the lowest is next. */
export interface Waiting {
  runId: string;
  /** ms since 1970: time of creation, until somebody moves it. */
  position: number;
}

/** Runs with equal positions (created in the same millisecond) keep their order, since sorting is stable. */
export const inOrder = (a: Waiting, b: Waiting): number => a.position - b.position;

/** Keeps the positions of moved runs lower than those of runs created from now on. */
const apartMs = 1000;

/**
 * Puts one waiting run before another (null = last).
 *
 * @param queue in order
 * @returns the runs whose position changes: the moved one, or all when no number lies between its new neighbors
 */
export function moveInQueue(
  queue: readonly Waiting[],
  runId: string,
  before: string | null,
  now: number,
): { ok: true; moved: Waiting[] } | Refusal {
  const at = queue.findIndex((w) => w.runId === runId);
  if (at < 0) return refuse('state', `runId: run ${runId} does not wait for a trainer`, 'runId');
  if (before !== null && !queue.some((w) => w.runId === before))
    return refuse('state', `before: run ${before} does not wait for a trainer`, 'before');
  if (before === runId || (queue[at + 1]?.runId ?? null) === before) return { ok: true, moved: [] };

  const others = queue.filter((w) => w.runId !== runId);
  const to = before === null ? others.length : others.findIndex((w) => w.runId === before);
  const [low, high] = [others[to - 1]?.position, others[to]?.position];
  const position = low === undefined ? high! - apartMs : high === undefined ? Math.max(now, low + 1) : low + (high - low) / 2;
  if (low === undefined || high === undefined || (low < position && position < high))
    return { ok: true, moved: [{ runId, position }] };
  const order = others.toSpliced(to, 0, queue[at]!);
  return { ok: true, moved: order.map((w, i) => ({ runId: w.runId, position: now - (order.length - i) * apartMs })) };
}
