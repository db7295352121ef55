'use client';

import { useEffect } from 'react';
import type { History } from './history';
import { useRunStore } from './RunProvider';
import { historyOf } from './runHistory';

/** The step rows of the page's run: one history for all of its charts; it follows the shared zoom. */
export const useHistory = (): History => historyOf(useRunStore());

/** Keeps the series loaded while mounted, with moving averages if `smoothed`. `names` should be stable (memoized). */
export function useWanted(history: History, names: readonly string[], smoothed = false): void {
  useEffect(() => history.want(names, smoothed), [history, names, smoothed]);
}
