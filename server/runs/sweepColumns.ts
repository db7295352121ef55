/** Columns of a chart of settings against results. */

import type { Column, SweepAnswer } from '~/shared/runTable';
import { valuesOf } from '~/shared/settings';
import type { RunSummary } from '~/shared/summary';
import { indexOf } from './runValues';

/** Most runs that are drawn as charts. */
export const mostPoints = 2_000;

/** Number of axes in the charts at first, besides the result. */
const axesAtFirst = 7;

/**
 * The columns that can be drawn for some runs: the settings that differ among them, and their numbers. `varied`: the settings with several values, without
 * those that have only one and that some runs lack.
 */
export function offeredColumns(
  runs: readonly RunSummary[],
  titles: ReadonlyMap<string, string>,
): SweepAnswer['offered'] & { varied: Column[] } {
  const settings = new Map<string, { values: Set<string>; runs: number }>();
  const numbers = new Map<string, number>();
  for (const run of runs.slice(0, mostPoints)) {
    const { config, series, results } = indexOf(run);
    for (const [path, value] of valuesOf(config)) {
      const setting = settings.get(path) ?? { values: new Set(), runs: 0 };
      setting.runs++;
      // Enough to know that they differ.
      if (setting.values.size < 100) setting.values.add(JSON.stringify(value));
      settings.set(path, setting);
    }
    for (const [name] of results) numbers.set(`result.${name}`, (numbers.get(`result.${name}`) ?? 0) + 1);
    for (const [name] of series) numbers.set(`series.${name}`, (numbers.get(`series.${name}`) ?? 0) + 1);
  }
  const differ: Column[] = [];
  const varied: Column[] = [];
  for (const [path, s] of settings) {
    const column = { key: `config.${path}`, title: titles.get(path) ?? path, runs: s.runs };
    const several = s.values.size > 1;
    if (several || (s.runs < runs.length && runs.length <= mostPoints)) differ.push(column);
    if (several) varied.push(column);
  }
  const results = [...numbers].map(([key, count]): Column => ({ key, title: key.slice(key.indexOf('.') + 1), runs: count }));
  const fixedResults: Column[] = [
    { key: 'best', title: 'Best result', runs: runs.filter((r) => r.best).length },
    { key: 'evaluated', title: 'Newest result', runs: runs.filter((r) => r.evaluated).length },
    { key: 'loss', title: 'Loss', runs: runs.filter((r) => r.loss !== null).length },
    { key: 'accuracy', title: 'Accuracy', runs: runs.filter((r) => r.accuracy !== null).length },
  ];
  return { settings: differ, varied, results: [...fixedResults.filter((c) => c.runs > 0), ...results] };
}

/** The settings with several values, those of most runs first, then the first result that half of the runs have (else the most common one). */
export function chosenAtFirst(settings: readonly Column[], results: readonly Column[], runs: number): string[] {
  const common = (columns: readonly Column[]) => [...columns].sort((a, b) => b.runs - a.runs);
  const result = results.find((c) => 2 * c.runs >= runs) ?? common(results)[0];
  return [...common(settings).slice(0, axesAtFirst), ...(result ? [result] : [])].map((c) => c.key);
}
