import { useEffect, useState } from 'react';
import type { RunSummary } from '~/shared/summary';
import { browserHost } from './host';
import { createRunList, notConnected, type RunListState } from './runList';
import { viewerWire } from './socket';

/** What happens in the list of runs, while the component is on the page. @param onRuns called with changed lines; always the same function */
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
