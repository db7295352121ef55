import { count } from '~/app/_components/format';
import { metricValue, rankedMetrics } from '~/app/_live/evaluationWords';
import { headlineMetric } from '~/shared/evaluations';
import { betterOf, isBetter } from '~/shared/series';
import type { ListItems } from '~/shared/view';

type Evaluations = readonly ListItems['evaluations'][];

/** Metrics that the table has a column for; the others are in the row's title. */
const COLUMNS = 8;

/** Metric names, those that are shown first in front, then in the order in which they first appear. */
export function columnsOf(evaluations: Evaluations): string[] {
  const mains = new Set<string>();
  const names = new Set<string>();
  for (const e of evaluations) {
    mains.add(headlineMetric(e).name);
    for (const m of rankedMetrics(e)) names.add(m.name);
  }
  return [...new Set([...mains, ...names])].slice(0, COLUMNS);
}

/** Per set the evaluation (by its seq) with the best of what is shown first, the first of equals, and that metric's name. */
export function bestOf(evaluations: Evaluations): ReadonlyMap<number, string> {
  const best = new Map<string, { seq: number; name: string; value: number }>();
  for (const e of evaluations) {
    const main = headlineMetric(e);
    // Which way is better must be known: a loss falls and an accuracy rises, others say it.
    if ((!main.role && !main.better) || Number.isNaN(main.value)) continue;
    const before = best.get(e.split);
    if (!before || (before.name === main.name && isBetter(betterOf(main), main.value, before.value)))
      best.set(e.split, { seq: e.seq, name: main.name, value: main.value });
  }
  return new Map([...best.values()].map(({ seq, name }) => [seq, name]));
}

/** "1,000 examples in 120 ms; bleu 31.2; ..." : all that is known of a row. */
export function describeRow(e: Evaluations[number]): string {
  const how = [
    e.examples !== undefined && `${count(e.examples)} examples`,
    e.elapsedMs !== undefined && `${count(Math.round(e.elapsedMs))} ms`,
  ].filter((w) => w !== false);
  return [how.join(' in '), ...rankedMetrics(e).map((m) => `${m.name} ${metricValue(m, 6)}`)].filter(Boolean).join('; ');
}
