import type { Estimate } from '~/shared/runTable';
import { valuesOf } from '~/shared/settings';
import type { Config } from '~/shared/setup';
import type { RunSummary } from '~/shared/summary';
import { indexOf } from './runValues';

/** A run that differs in more settings says little about another's duration. */
const mostDiffering = 3;

/**
 * How long such a run takes, judged by the most similar finished run; null when none is similar enough.
 * @param titles of settings, by path
 */
export function estimate(
  runs: Iterable<RunSummary>,
  recipe: string,
  config: Config,
  titles: ReadonlyMap<string, string>,
): Estimate | null {
  const wanted = new Map(valuesOf(config).map(([path, value]) => [path, JSON.stringify(value)]));
  let found: { run: RunSummary; differs: string[] } | null = null;
  for (const run of runs) {
    const { tookMs, config: own } = indexOf(run);
    if (run.recipe !== recipe || run.trashed || tookMs === null || tookMs <= 0) continue;
    const had = new Map(valuesOf(own).map(([path, value]) => [path, JSON.stringify(value)]));
    const paths = new Set([...wanted.keys(), ...had.keys()]);
    const differs = [...paths].filter((path) => path !== 'seed' && wanted.get(path) !== had.get(path));
    if (differs.length > mostDiffering) continue;
    if (
      !found ||
      differs.length < found.differs.length ||
      (differs.length === found.differs.length && run.createdAt > found.run.createdAt)
    )
      found = { run, differs };
  }
  if (!found) return null;
  const { run, differs } = found;
  return {
    ms: indexOf(run).tookMs!,
    runId: run.runId,
    name: run.name,
    backend: run.backend,
    differs: differs.map((path) => titles.get(path) ?? path),
  };
}
