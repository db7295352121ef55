import { api } from '~/app/_trpc/client';
import type { RunRow, TableQuery } from '~/shared/runTable';

/** The runs that a search finds (shared/runSearch.ts), those that it names first, then the newest. @returns rows: of the first `limit`; runs: how many there are */
export async function findRuns(
  search: string,
  more: { limit: number } & Partial<Pick<TableQuery, 'show' | 'sort'>> & { columns?: string[] },
): Promise<{ rows: RunRow[]; runs: number; problems: string[] }> {
  const { page, runs, problems } = await api.runs.table.query({
    search,
    show: 'all',
    sort: 'fit',
    descending: false,
    group: 'none',
    columns: [],
    folded: [],
    skip: 0,
    ...more,
  });
  return { rows: page.filter((line) => line.kind === 'run'), runs, problems };
}
