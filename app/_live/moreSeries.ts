'use client';

import { useCallback, useEffect, useState } from 'react';
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

const nothing = { series: [] as Series[], skip: 0, total: 0, reading: false, error: null as string | null };

/**
 * Series of the page's run that are not in its view: a view is bounded, and a run may have 20,000 series. A search matches their
 * names as plain text; without a search they are read page by page.
 *
 * @param left number of series that the view leaves out; 0 = nothing to read
 */
export function useMoreSeries(history: History, held: readonly Series[], left: number, search: string): MoreSeries {
  const { runId } = useRunStore();
  const [state, setState] = useState(nothing);
  const load = useCallback(
    async (skip: number, current: () => boolean) => {
      setState((s) => ({ ...s, reading: true }));
      try {
        const answer = await api.runs.series.query({ runId, search: search || null, skip, limit: PAGE });
        if (!current()) return;
        // Live rows are matched to these series by stream and column.
        history.learn(answer.series.map((s) => ({ name: s.stream, columns: [s], at: [s.index] })));
        setState((s) => ({
          series: [...(skip === 0 ? [] : s.series), ...answer.series],
          skip: skip + answer.series.length,
          total: answer.total,
          reading: false,
          error: null,
        }));
      } catch (e) {
        if (current()) setState((s) => ({ ...s, reading: false, error: describeError(e).message }));
      }
    },
    [runId, search, history],
  );
  useEffect(() => {
    let closed = false;
    setState(nothing);
    const timer =
      search !== '' && left > 0
        ? setTimeout(() => {
            void load(0, () => !closed);
          }, REST_MS)
        : null;
    return () => {
      closed = true;
      if (timer) clearTimeout(timer);
    };
  }, [search, left, load]);
  const known = new Set(held.map((s) => s.name));
  return {
    series: state.series.filter((s) => !known.has(s.name)),
    more: left > 0 && (state.total === 0 ? search === '' : state.skip < state.total),
    reading: state.reading,
    error: state.error,
    read: () => void load(state.skip, () => true),
  };
}
