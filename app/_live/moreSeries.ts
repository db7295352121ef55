import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api, describeError } from '~/app/_trpc/client';
import type { Series } from '~/shared/series';
import type { History } from './history';
import { useRunStore } from './RunProvider';

/** Series per page. */
const PAGE = 100;
/** Delay between the last key press and the search on the server. */
const REST_MS = 300;

export interface MoreSeries {
  /** Series found so far that are not in the view, in order of declaration. */
  series: readonly Series[];
  /** There are more to read. */
  more: boolean;
  reading: boolean;
  error: string | null;
  /** Reads the next page. */
  read(): void;
}

/**
 * Series of the page's run that are not in its view: a view is bounded, and a run may have 20,000 series. A search matches their
 * names as plain text; without a search they are read page by page.
 *
 * @param left number of series that the view leaves out; 0 = nothing to read
 */
export function useMoreSeries(history: History, held: readonly Series[], left: number, search: string): MoreSeries {
  const { runId } = useRunStore();
  const { data, error, hasNextPage, isFetching, fetchNextPage } = useInfiniteQuery({
    queryKey: ['series beyond the view', runId, search],
    queryFn: async ({ pageParam: skip, signal }) => {
      if (search !== '' && skip === 0) await new Promise((rested) => setTimeout(rested, REST_MS));
      signal.throwIfAborted();
      const answer = await api.runs.series.query({ runId, search: search || null, skip, limit: PAGE });
      // Live rows are matched to these series by stream and column.
      history.learn(answer.series.map((s) => ({ name: s.stream, columns: [s], at: [s.index] })));
      return answer;
    },
    initialPageParam: 0,
    getNextPageParam: ({ total }, pages) => {
      const read = pages.reduce((n, page) => n + page.series.length, 0);
      return read < total ? read : undefined;
    },
    enabled: search !== '' && left > 0,
  });
  const series = useMemo(() => {
    const known = new Set(held.map((s) => s.name));
    return (data?.pages ?? []).flatMap((page) => page.series).filter((s) => !known.has(s.name));
  }, [data, held]);
  return {
    series,
    more: left > 0 && (data ? hasNextPage : search === ''),
    reading: isFetching,
    error: error && describeError(error).message,
    read: () => void fetchNextPage(),
  };
}
