import { useEffect, useState } from 'react';
import type { RunSummary } from '~/shared/summary';
import { browserHost } from './host';
import { createRunList, notConnected, type RunListState } from './runList';
import { viewerWire } from './socket';

/** Live changes to the list of runs while mounted. @param onRuns called with changed lines; the same function on every render */
export function useRunList(onRuns?: (changed: RunSummary[]) => void): RunListState {
  const [state, setState] = useState(notConnected);
  useEffect(() => {
    const list = createRunList(viewerWire(), browserHost);
    setState(list.get());
    const stops = [list.subscribe(() => setState(list.get())), onRuns ? list.onRuns(onRuns) : () => {}];
    return () => {
      for (const stop of stops) stop();
      list.close();
    };
  }, [onRuns]);
  return state;
}
