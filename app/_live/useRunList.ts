import { useEffect, useState } from 'react';
import { browserHost } from './host';
import { createRunList, type RunList, type RunListState } from './runList';
import { viewerWire } from './socket';

const connecting: RunListState = { link: 'connecting', error: null, runs: null, trainers: [], you: null };

/** The live list of runs, while the component is on the page. */
export function useRunList(): RunListState {
  const [state, setState] = useState(connecting);
  useEffect(() => {
    const list: RunList = createRunList(viewerWire(), browserHost);
    setState(list.get());
    const stop = list.subscribe(() => setState(list.get()));
    return () => {
      stop();
      list.close();
    };
  }, []);
  return state;
}
