import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { ended, type RunView } from '~/shared/view';
import { setCursor } from './cursor';
import { together } from './listeners';
import { type FirstSeries, keepHistory } from './runHistory';
import { useRunSources } from './runSources';
import type { RunStore } from './types';

const Context = createContext<RunStore | null>(null);

/**
 * Watches a run while mounted; the tab's cursor follows its newest step. `fallback` is shown until the store exists.
 *
 * @param first series whose curves are read with the first view; the same function on every render
 */
export function RunProvider(props: { runId: string; first?: FirstSeries; children: ReactNode; fallback?: ReactNode }) {
  const { runId, first, children, fallback = null } = props;
  const sources = useRunSources();
  const [store, setStore] = useState<RunStore | null>(null);
  useEffect(() => {
    const { store: opened, leave } = sources.follow(runId);
    const head = (view: RunView | null) => setCursor.head(view?.step ?? 0, view !== null && ended(view.status));
    head(opened.get().view);
    // The cursor first: the smoothing of the curves depends on the length of the run.
    const stop = together([
      opened.onEntries({ entries: () => {}, reset: head }),
      opened.subscribe(() => head(opened.get().view)),
      keepHistory(opened, first),
    ]);
    setStore(opened);
    return () => {
      stop();
      leave();
      setCursor.reset();
    };
  }, [sources, runId, first]);
  return store?.runId === runId ? <Context value={store}>{children}</Context> : fallback;
}

/** Provides an existing store. */
export function GivenRun({ store, children }: { store: RunStore; children: ReactNode }) {
  useEffect(() => keepHistory(store), [store]);
  return <Context value={store}>{children}</Context>;
}

/** @throws Error outside a RunProvider */
export function useRunStore(): RunStore {
  const store = useContext(Context);
  if (!store) throw new Error('useRunStore: there is no RunProvider above this component');
  return store;
}
