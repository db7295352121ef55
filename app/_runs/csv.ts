import { csvText } from '~/app/_charts/csv';
import type { RunSummary } from '~/shared/summary';

const own: [title: string, of: (run: RunSummary) => unknown][] = [
  ['id', (r) => r.runId],
  ['name', (r) => r.name],
  ['project', (r) => r.project],
  ['group', (r) => r.group ?? ''],
  ['recipe', (r) => r.recipe ?? ''],
  ['tags', (r) => r.tags.join(', ')],
  ['status', (r) => r.status],
  ['step', (r) => r.step],
  ['loss', (r) => r.loss],
  ['accuracy', (r) => r.accuracy],
  ['best', (r) => r.best?.value ?? null],
  ['newest result', (r) => r.evaluated?.value ?? null],
  ['started by', (r) => r.createdBy.name],
  [
    'started',
    (r) => (Number.isFinite(r.createdAt) && Math.abs(r.createdAt) <= 8.64e15 ? new Date(r.createdAt).toISOString() : r.createdAt),
  ],
];

/** One line for each run, with a column for each title. */
export function csvOf(runs: readonly RunSummary[], titles: readonly string[], cells: ReadonlyMap<string, unknown[]>): string {
  return csvText([
    [...own.map(([title]) => title), ...titles],
    ...runs.map((run) => [...own.map(([, of]) => of(run)), ...titles.map((_, i) => cells.get(run.runId)?.[i])]),
  ]);
}
