import { canBeLog } from '~/app/_charts/xMap';
import { api } from '~/app/_trpc/client';
import type { RunView } from '~/shared/view';
import { chartChoices, kindOf, smoothingFor, smoothingWeight } from './chartSettings';
import { setCursor } from './cursor';
import { History } from './history';
import { browserHost } from './host';
import type { HistoryDeps } from './levelReader';
import { together } from './listeners';
import type { RunStore } from './types';

const held = new WeakMap<RunStore, History>();

/** The step rows of a page's run: one history for all of its charts. */
export function historyOf(store: RunStore): History {
  const history = held.get(store) ?? new History(historyDeps(store.runId), firstBuckets());
  held.set(store, history);
  return history;
}

/** Enough for charts of half the window, with two buckets per pixel: the page then reads no curve twice while it opens. */
const firstBuckets = (): number => Math.min(4000, Math.max(1200, typeof window === 'undefined' ? 0 : window.innerWidth));

/** Approximate number of rows of the page's run. */
export const rowsSoFar = (): number => (setCursor.headStep() - setCursor.startStep()) / setCursor.stride();

/** Reads a run's rows from the server. */
export const historyDeps = (runId: string): HistoryDeps => ({
  read: (question) => api.runs.range.query({ runId, ...question }),
  later: (then, ms) => browserHost.after(ms, then),
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

/** Series to read before any chart asks for them. */
export type FirstSeries = (view: RunView) => readonly { name: string; smoothed?: boolean }[];

/**
 * Keeps the page's history up to date, and at the zoom and smoothing that its charts show.
 *
 * @param first with the first view their curves are requested, while React renders the page
 */
export function keepHistory(store: RunStore, first: FirstSeries = () => []): () => void {
  const history = historyOf(store);
  const follow = () => {
    const { logX, x, smoothSteps } = chartChoices.get();
    history.smooth(smoothingWeight(smoothingFor({ smoothSteps }, rowsSoFar())));
    history.show(setCursor.get().zoom, logX && canBeLog(kindOf(x)));
  };
  let release: (() => void)[] | null = null;
  const ask = (view: RunView) => {
    const series = first(view);
    release ??= [true, false].map((smoothed) => {
      const names = series.filter((s) => (s.smoothed ?? false) === smoothed).map((s) => s.name);
      return history.want(names, smoothed);
    });
  };
  follow();
  const shape = () => setCursor.rows(history.startStep(), history.stride());
  shape();
  const stops = [
    followRun(store, history),
    store.onEntries({ entries: () => {}, reset: ask }),
    setCursor.subscribe(follow),
    chartChoices.subscribe(follow),
    history.subscribe(shape),
  ];
  const { view } = store.get();
  if (view) ask(view);
  return () => together([...stops, ...(release ?? [])])();
}
