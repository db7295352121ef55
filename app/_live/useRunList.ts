import { useEffect, useState } from 'react';
import type { RunSummary } from '~/shared/summary';
import { browserHost } from './host';
import { together } from './listeners';
import { createRunList, notConnected, type RunListState } from './runList';
import { viewerWire } from './socket';

/** Live changes to the list of runs while mounted. @param onRuns called with changed lines; the same function on every render */
export function useRunList(onRuns?: (changed: RunSummary[]) => void): RunListState {
  const [state, setState] = useState(notConnected);
  useEffect(() => {
    const list = createRunList(viewerWire(), browserHost);
    setState(list.get());
    return together([list.subscribe(() => setState(list.get())), onRuns ? list.onRuns(onRuns) : () => {}, list.close]);
  }, [onRuns]);
  return state;
}
