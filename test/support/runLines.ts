/** Makes lines of the list of runs for tests. */
import { emptyView } from '~/shared/fold';
import { type RunIndex, type RunSummary, summarize } from '~/shared/summary';
import { publishedSetup } from './setups';

/** A queued run of Reverse by Ann, with changes. */
export function runLine(runId: string, more: Partial<RunSummary> = {}, index: Partial<RunIndex> = {}): RunSummary {
  const summary = summarize(
    emptyView(runId, {
      seq: 1,
      attempt: 0,
      at: 100,
      event: {
        type: 'run.created',
        setup: publishedSetup('reverse'),
        actor: { id: 'ann', name: 'Ann', role: 'admin' },
        parent: null,
      },
    }),
    0,
  );
  return { ...summary, ...more, index: { ...summary.index!, ...index } };
}
