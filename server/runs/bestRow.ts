import type { Store } from '~/server/store';
import { betterOf } from '~/shared/columns';
import { type BestRow, mainSeries } from '~/shared/streams';
import type { RunView } from '~/shared/view';

const BUCKETS = 64;

/**
 * The best row of the run's main series before a step, found by halving the range around the best bucket; null = no main series
 * is declared, or it has no number there.
 */
export async function bestRowBefore(store: Pick<Store, 'range'>, view: RunView, toStep: number): Promise<BestRow | null> {
  const main = mainSeries(view);
  if (!main) return null;
  const higher = betterOf(main) === 'higher';
  for (let from = Number.MIN_SAFE_INTEGER, to = toStep; ; ) {
    const answer = await store.range({ runId: view.runId, series: [main.name], fromStep: from, toStep: to, buckets: BUCKETS });
    const found = answer.series[0];
    if (!found) return null;
    const values = higher ? found.max : found.min;
    let best = -1;
    for (let i = 0; i < values.length; i++)
      if (!Number.isNaN(values[i]!) && (best < 0 || (higher ? values[i]! > values[best]! : values[i]! < values[best]!))) best = i;
    if (best < 0) return null;
    if (found.rows[best] === 1) return { name: main.name, step: found.steps[best]!, value: values[best]! };
    from = found.steps[best]!;
    to = found.lastSteps[best]! + 1;
  }
}
