import type { RunSummary } from '~/shared/summary';
import { ended } from '~/shared/view';

/** Which runs the table shows, and in which order. */
export interface TableQuery {
  search: string;
  show: (typeof shelves)[number];
  sort: SortKey;
  descending: boolean;
}
export const shelves = ['all', 'active', 'ended', 'archived', 'trash'] as const;
export const sortKeys = ['name', 'status', 'step', 'loss', 'accuracy', 'best', 'evaluated', 'watchers', 'createdAt'] as const;
export type SortKey = (typeof sortKeys)[number];

export const defaultQuery: TableQuery = { search: '', show: 'all', sort: 'createdAt', descending: true };

/** As a query string without "?"; what stands at its default is left out. */
export function toParams(q: TableQuery): string {
  const params = new URLSearchParams();
  if (q.search) params.set('find', q.search);
  if (q.show !== defaultQuery.show) params.set('show', q.show);
  if (q.sort !== defaultQuery.sort) params.set('sort', q.sort);
  if (q.descending !== defaultQuery.descending) params.set('order', 'up');
  return params.toString();
}

/** The inverse of toParams; what makes no sense is left at its default. */
export function fromParams(query: string): TableQuery {
  const params = new URLSearchParams(query);
  return {
    search: params.get('find') ?? '',
    show: shelves.find((s) => s === params.get('show')) ?? defaultQuery.show,
    sort: sortKeys.find((s) => s === params.get('sort')) ?? defaultQuery.sort,
    descending: params.get('order') !== 'up',
  };
}

/** Every word of the search must occur in the run's name, id, recipe, project, group, status, backend, author, tags or newest note. */
function matches(run: RunSummary, words: string[]): boolean {
  const text = [
    run.name,
    run.runId,
    run.recipe ?? '',
    run.project,
    run.group ?? '',
    run.status,
    run.backend ?? '',
    run.createdBy.name,
    run.notes?.newest ?? '',
    ...run.tags,
  ]
    .join(' ')
    .toLowerCase();
  return words.every((w) => text.includes(w));
}

export function visibleRuns(runs: readonly RunSummary[], { search, show, sort, descending }: TableQuery): RunSummary[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = runs.filter(
    (r) =>
      !r.gone &&
      r.trashed === (show === 'trash') &&
      (show === 'trash' || r.archived === (show === 'archived')) &&
      (show !== 'active' || !ended(r.status)) &&
      (show !== 'ended' || ended(r.status)) &&
      matches(r, words),
  );
  const sign = descending ? -1 : 1;
  const of = (run: RunSummary) => {
    const value = run[sort];
    return typeof value === 'object' ? (value?.value ?? null) : value;
  };
  return kept.sort((a, b) => order(of(a), of(b), sign) || b.createdAt - a.createdAt || (a.runId < b.runId ? 1 : -1));
}

/** Runs without the number come last whichever way the column is sorted; so do NaN. */
function order(a: string | number | null, b: string | number | null, sign: number): number {
  const none = (v: string | number | null) => v === null || Number.isNaN(v);
  if (none(a) || none(b)) return Number(none(a)) - Number(none(b));
  if (typeof a === 'string' && typeof b === 'string') return sign * a.localeCompare(b, 'en', { numeric: true });
  return sign * ((a as number) - (b as number));
}

/** Words for the columns, where they are chosen from a list. */
export const sortWords: Record<SortKey, string> = {
  name: 'name',
  status: 'status',
  step: 'step',
  loss: 'loss',
  accuracy: 'accuracy',
  best: 'best result',
  evaluated: 'newest result',
  watchers: 'people watching',
  createdAt: 'start',
};

/** The query after a click on a column: its other direction, or the one that people want first. */
export const sortedBy = (query: TableQuery, key: SortKey): TableQuery => ({
  ...query,
  sort: key,
  descending: query.sort === key ? !query.descending : key !== 'name' && key !== 'status' && key !== 'loss',
});

/** Tags as they are typed, separated by commas; each once. */
export function tagsOf(text: string): { ok: true; tags: string[] } | { ok: false; message: string } {
  const tags = [...new Set(text.split(',').map((t) => t.trim()))].filter(Boolean);
  const long = tags.find((t) => t.length > 40);
  if (long) return { ok: false, message: `Tags: "${long}" has ${long.length} characters; 40 is the most` };
  if (tags.length > 50) return { ok: false, message: `Tags: ${tags.length} are too many; 50 is the most` };
  return { ok: true, tags };
}
