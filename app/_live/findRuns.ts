import { api } from '~/app/_trpc/client';
import type { RunRow, TableQuery } from '~/shared/runTable';

/** The runs that a search finds (shared/runSearch.ts), the newest first. @returns rows: of the first `limit`; runs: how many there are */
export async function findRuns(
  search: string,
  more: { limit: number; show?: TableQuery['show']; descending?: boolean; columns?: string[] },
): Promise<{ rows: RunRow[]; runs: number; problems: string[] }> {
  const { page, runs, problems } = await api.runs.table.query({
    search,
    show: 'all',
    sort: 'createdAt',
    descending: true,
    group: 'none',
    columns: [],
    folded: [],
    skip: 0,
    ...more,
  });
  return { rows: page.filter((line) => line.kind === 'run'), runs, problems };
}
