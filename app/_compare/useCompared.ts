import { useMemo, useState } from 'react';
import type { Curve } from '~/app/_charts/curve';
import { connection } from '~/app/_live/connection';
import { History } from '~/app/_live/history';
import { together } from '~/app/_live/listeners';
import { timelineOf } from '~/app/_live/lists';
import { followRun, historyDeps } from '~/app/_live/runHistory';
import { timeAnchors } from '~/app/_live/runMarks';
import { type Source, useSelected } from '~/app/_live/select';
import { createStore } from '~/app/_live/store';
import type { LinkStatus, RunState, RunStore } from '~/app/_live/types';
import { type Followed, useFollowed } from '~/app/_live/useFollowed';
import { chartKinds } from '~/app/_run/curves/mainCharts';
import { seriesOf, seriesWithRole } from '~/shared/streams';
import type { RunView, WithLists } from '~/shared/view';
import type { Aligned } from './align';

/** Roles whose series are compared, whatever name the series has in each run. */
export type ComparedRole = (typeof chartKinds)[number]['id'];

/** One of the runs on the page. */
export interface Compared extends Aligned {
  /** Its lists are samples. */
  view: WithLists;
  history: History;
  /** First step of the axis of its charts. */
  first: number;
  /** Approximate number of its rows. */
  rows: number;
  /** Names of the run's series by role; a role without a series is left out. */
  series: ReadonlyMap<ComparedRole, string>;
}

/**
 * Views and step rows of several runs: pushed over the tab's one connection, and read by range where the page zooms in. A run
 * that has not loaded yet is `null`.
 */
export function useCompared(runIds: readonly string[]): {
  runs: (Compared | null)[];
  /** Why a run alone is not shown, or not as it is now; what the server says of the whole tab is `connection.refused`. */
  errors: (string | null)[];
  /** The tab's connection; a run that is refused says so itself. */
  link: LinkStatus;
  subscribe(listener: () => void): () => void;
  /** Also reads the series with these names, of every run that has them. */
  want(names: readonly string[]): void;
} {
  const [also] = useState(() => createStore<{ names: readonly string[] }>({ names: [] }));
  const refusal = useSelected(connection, (state) => state.refused);
  const { held, subscribe } = useFollowed(runIds, (store, changed) => holdRun(store, changed, also));
  return useMemo(() => {
    const shown = runIds.map((runId) => held.get(runId) ?? null);
    return {
      runs: shown.map((h) => h && comparedOf(h)),
      link:
        shown.map((h) => h?.store.get().link).find((l) => l && l !== 'refused') ??
        (shown.some((h) => h) ? 'refused' : 'connecting'),
      errors: shown.map((h) => h && (errorOf(h.store.get(), refusal) ?? h.history.error)),
      subscribe,
      want: (names) => void (names.join('\n') !== also.get().names.join('\n') && also.set({ names })),
    };
  }, [runIds, held, subscribe, also, refusal]);
}

function errorOf({ error, view }: RunState, refusal: string | null): string | null {
  if (error === null || error === refusal) return null;
  return view ? `${error}: what you see is as it was then` : error;
}

interface Held extends Followed {
  store: RunStore;
  history: History;
}

/** Reads the compared series of a run, and `also`, if it has them. */
function holdRun(store: RunStore, changed: () => void, also: Source<{ names: readonly string[] }>): Held {
  const history = new History(historyDeps(store.runId));
  // A run may declare further series while it trains.
  let wanted = '';
  let release = () => {};
  const want = () => {
    const { view } = store.get();
    const epochs = view && seriesWithRole(view, 'epoch');
    const own = new Set(view ? seriesOf(view).map((s) => s.name) : []);
    const names = view
      ? [...seriesByRole(view).values(), ...(epochs ? [epochs.name] : []), ...also.get().names.filter((n) => own.has(n))]
      : [];
    if (JSON.stringify(names) === wanted) return;
    wanted = JSON.stringify(names);
    const before = release;
    release = history.want(names, true);
    before();
  };
  want();
  const stops = [
    followRun(store, history),
    store.subscribe(want),
    also.subscribe(want),
    store.subscribe(changed),
    history.subscribe(changed),
  ];
  return { store, history, close: together([...stops, () => history.close()]) };
}

function comparedOf({ store, history }: Held): Compared | null {
  const view = timelineOf(store);
  if (!view) return null;
  const series = seriesByRole(view);
  const lossName = series.get('loss');
  const loss: Curve | null = lossName === undefined ? null : history.wholeCurve(lossName);
  const times = history.times();
  const anchors = times.length > 1 ? times : timeAnchors(view);
  const epochSeries = seriesWithRole(view, 'epoch');
  const epochs = epochSeries ? history.valuesOf(epochSeries.name) : [];
  const first = history.startStep();
  const rows = (view.step - first) / history.stride();
  return { runId: store.runId, view, history, first, rows, series, loss, stepsPerEpoch: view.stepsPerEpoch, epochs, anchors };
}

function seriesByRole(view: RunView): ReadonlyMap<ComparedRole, string> {
  const out = new Map<ComparedRole, string>();
  for (const { id: role } of chartKinds) {
    const found = seriesWithRole(view, role);
    if (found) out.set(role, found.name);
  }
  return out;
}
