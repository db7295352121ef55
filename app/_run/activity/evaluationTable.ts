import { count } from '~/app/_components/format';
import { metricValue, rankedMetrics } from '~/app/_live/evaluationWords';
import { betterOf, isBetter } from '~/shared/columns';
import { headlineMetric } from '~/shared/evaluations';
import type { ListItems } from '~/shared/view';

type Evaluations = readonly ListItems['evaluations'][];

/** Largest number of metrics with a column; the row's title has the others. */
const COLUMNS = 8;

/** Metric names: main metrics first, then the others in the order in which they first appear. */
export function columnsOf(evaluations: Evaluations): string[] {
  const mains = new Set<string>();
  const names = new Set<string>();
  for (const e of evaluations) {
    mains.add(headlineMetric(e).name);
    for (const m of rankedMetrics(e)) names.add(m.name);
  }
  return [...new Set([...mains, ...names])].slice(0, COLUMNS);
}

/** Best evaluation of each set by its main metric, as seq -> name of that metric; the first one where several are equal. */
export function bestOf(evaluations: Evaluations): ReadonlyMap<number, string> {
  const best = new Map<string, { seq: number; name: string; value: number }>();
  for (const e of evaluations) {
    const main = headlineMetric(e);
    // The better direction must be known: it is fixed for a loss and an accuracy; other metrics have to declare it.
    if ((!main.role && !main.better) || Number.isNaN(main.value)) continue;
    const before = best.get(e.split);
    if (!before || (before.name === main.name && isBetter(betterOf(main), main.value, before.value)))
      best.set(e.split, { seq: e.seq, name: main.name, value: main.value });
  }
  return new Map([...best.values()].map(({ seq, name }) => [seq, name]));
}

/** "1,000 examples in 120 ms; bleu 31.2; ...": everything that is known about a row. */
export function describeRow(e: Evaluations[number]): string {
  const how = [
    e.examples !== undefined && `${count(e.examples)} examples`,
    e.elapsedMs !== undefined && `${count(Math.round(e.elapsedMs))} ms`,
  ].filter((w) => w !== false);
  return [how.join(' in '), ...rankedMetrics(e).map((m) => `${m.name} ${metricValue(m, 6)}`)].filter(Boolean).join('; ');
}
