'use client';

import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';
import { setCursor } from './cursor';
import { useRunSources } from './runSources';
import type { RunStore } from './types';

const Context = createContext<RunStore | null>(null);

/** Watches a run while mounted; the tab's cursor follows its newest step. `fallback` is shown until the store exists. */
export function RunProvider({ runId, children, fallback = null }: { runId: string; children: ReactNode; fallback?: ReactNode }) {
  const sources = useRunSources();
  const [store, setStore] = useState<RunStore | null>(null);
  useEffect(() => {
    const { store: opened, leave } = sources.follow(runId);
    const stopFollowing = opened.subscribe(() => setCursor.head(opened.get().view?.step ?? 0));
    setStore(opened);
    return () => {
      stopFollowing();
      leave();
      setCursor.reset();
    };
  }, [sources, runId]);
  return store?.runId === runId ? <Context value={store}>{children}</Context> : fallback;
}

/** Provides an existing store. */
export const GivenRun = ({ store, children }: { store: RunStore; children: ReactNode }) => (
  <Context value={store}>{children}</Context>
);

/** @throws Error outside a RunProvider */
export function useRunStore(): RunStore {
  const store = useContext(Context);
  if (!store) throw new Error('useRunStore: there is no RunProvider above this component');
  return store;
}
