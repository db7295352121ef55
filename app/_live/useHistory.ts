import { useEffect } from 'react';
import type { History } from './history';
import { useRunStore } from './RunProvider';
import { historyOf } from './runHistory';

/** The step rows of the page's run: one history for all of its charts; it follows the shared zoom. */
export const useHistory = (): History => historyOf(useRunStore());

/** Keeps the series loaded while mounted, with moving averages if `smoothed`. A name that is null stands for no series. */
export function useWanted(history: History, names: readonly (string | null)[], smoothed = false): void {
  const wanted = JSON.stringify(names.filter((name) => name !== null));
  useEffect(() => history.want(JSON.parse(wanted), smoothed), [history, wanted, smoothed]);
}
