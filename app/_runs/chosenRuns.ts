import type { RunSummary } from '~/shared/summary';

/** The runs that were chosen, as they are after `changed`; those that were deleted for good are not chosen any more. */
export function asNow(chosen: ReadonlyMap<string, RunSummary>, changed: readonly RunSummary[]): ReadonlyMap<string, RunSummary> {
  const own = changed.filter((run) => chosen.has(run.runId));
  if (own.length === 0) return chosen;
  const next = new Map(chosen);
  for (const run of own) {
    if (run.gone) next.delete(run.runId);
    else next.set(run.runId, run);
  }
  return next;
}
