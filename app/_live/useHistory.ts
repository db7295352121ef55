'use client';

import { useEffect, useMemo } from 'react';
import { canBeLog } from '~/app/_charts/xMap';
import { api } from '~/app/_trpc/client';
import { chartChoices, kindOf, smoothingFor, smoothingWeight } from './chartSettings';
import { setCursor } from './cursor';
import { History } from './history';
import type { HistoryDeps } from './levelReader';
import { useRunStore } from './RunProvider';
import type { RunStore } from './types';

interface Held {
  history: History;
  users: number;
  detach: () => void;
}
const held = new WeakMap<RunStore, Held>();

/** The step rows of the page's run: one history for all of its charts; it follows the shared zoom while any component uses it. */
export function useHistory(): History {
  const store = useRunStore();
  const history = useMemo(() => holdFor(store).history, [store]);
  useEffect(() => {
    const h = holdFor(store);
    if (h.users++ === 0) h.detach = attach(store, h.history);
    return () => {
      if (--h.users > 0) return;
      h.detach();
    };
  }, [store]);
  return history;
}

/** Keeps the series loaded while mounted, with moving averages if `smoothed`. `names` should be stable (memoized). */
export function useWanted(history: History, names: readonly string[], smoothed = false): void {
  useEffect(() => history.want(names, smoothed), [history, names, smoothed]);
}

function holdFor(store: RunStore): Held {
  let h = held.get(store);
  if (!h) {
    h = { history: new History(historyDeps(store.runId)), users: 0, detach: () => {} };
    held.set(store, h);
  }
  return h;
}

/** Approximate number of rows of the page's run. */
export const rowsSoFar = (): number => (setCursor.headStep() - setCursor.startStep()) / setCursor.stride();

/** Reads a run's rows from the server. */
export const historyDeps = (runId: string): HistoryDeps => ({
  read: (question) => api.runs.range.query({ runId, ...question }),
  later: (then: () => void, ms: number) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
});

/** Adds new entries of the run's log to the history. */
export function followRun(store: RunStore, history: History): () => void {
  const { view } = store.get();
  if (view) history.reset(view);
  return store.onEntries({
    entries: (entries, skipped) =>
      history.entries(entries, skipped ? [{ type: 'skipped', stream: null, first: skipped[0], last: skipped[1] }] : []),
    reset: (fresh) => history.reset(fresh),
  });
}

function attach(store: RunStore, history: History): () => void {
  const stopEntries = followRun(store, history);
  const follow = () => {
    const { logX, x, smoothSteps } = chartChoices.get();
    history.smooth(smoothingWeight(smoothingFor({ smoothSteps }, rowsSoFar())));
    history.show(setCursor.get().zoom, logX && canBeLog(kindOf(x)));
  };
  follow();
  const shape = () => setCursor.rows(history.startStep(), history.stride());
  shape();
  const stops = [stopEntries, setCursor.subscribe(follow), chartChoices.subscribe(follow), history.subscribe(shape)];
  return () => {
    for (const stop of stops) stop();
  };
}
