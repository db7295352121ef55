import { useEffect, useMemo, useState } from 'react';
import type { Curve } from '~/app/_charts/curve';
import { History } from '~/app/_live/history';
import { timelineOf } from '~/app/_live/lists';
import { followRun, historyDeps } from '~/app/_live/runHistory';
import { timeAnchors } from '~/app/_live/runMarks';
import { type RunSources, useRunSources } from '~/app/_live/runSources';
import type { RunStore } from '~/app/_live/types';
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
  /** Names of the run's series by role; a role without a series is left out. */
  series: ReadonlyMap<ComparedRole, string>;
}

interface Held {
  store: RunStore;
  history: History;
  /** Call when the wanted series may have changed. */
  want(): void;
  close(): void;
}

/** How often status, axis and evaluations of live runs are refreshed; curves are redrawn as rows arrive. */
const LOOK_MS = 250;

/**
 * Views and step rows of several runs: pushed over the tab's one connection, and read by range where the page zooms in. A run
 * that has not loaded yet is `null`.
 */
export function useCompared(runIds: readonly string[]): {
  runs: (Compared | null)[];
  errors: (string | null)[];
  subscribe(listener: () => void): () => void;
  /** Also reads the series with these names, of every run that has them. */
  want(names: readonly string[]): void;
} {
  const sources = useRunSources();
  const [room] = useState(() => openRuns(sources));
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    room.show(runIds);
    setTurn((n) => n + 1);
  }, [room, runIds]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const stop = room.subscribe(() => {
      timer ??= setTimeout(() => {
        timer = null;
        setTurn((n) => n + 1);
      }, LOOK_MS);
    });
    return () => {
      stop();
      if (timer) clearTimeout(timer);
    };
  }, [room]);
  useEffect(() => () => room.show([]), [room]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` counts the refreshes of the runs
  return useMemo(() => {
    const held = runIds.map((runId) => room.get(runId));
    return {
      runs: held.map((h) => h && comparedOf(h)),
      errors: held.map((h) => h?.store.get().error ?? h?.history.error ?? null),
      subscribe: room.subscribe,
      want: room.want,
    };
  }, [room, runIds, turn]);
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
  return { runId: store.runId, view, history, series, loss, stepsPerEpoch: view.stepsPerEpoch, epochs, anchors };
}

function seriesByRole(view: RunView): ReadonlyMap<ComparedRole, string> {
  const out = new Map<ComparedRole, string>();
  for (const { id: role } of chartKinds) {
    const found = seriesWithRole(view, role);
    if (found) out.set(role, found.name);
  }
  return out;
}

/** The runs on the page; each is opened once, and closed when it is removed. */
function openRuns(sources: RunSources) {
  const held = new Map<string, Held>();
  const listeners = new Set<() => void>();
  let also: readonly string[] = [];
  const notify = () => {
    for (const l of [...listeners]) l();
  };
  const open = (runId: string): Held => {
    const { store, leave } = sources.follow(runId);
    const history = new History(historyDeps(runId));
    // A run may declare further series while it trains.
    let wanted = '';
    let release = () => {};
    const want = () => {
      const { view } = store.get();
      const epochs = view && seriesWithRole(view, 'epoch');
      const own = new Set(view ? seriesOf(view).map((s) => s.name) : []);
      const names = view
        ? [...seriesByRole(view).values(), ...(epochs ? [epochs.name] : []), ...also.filter((n) => own.has(n))]
        : [];
      if (JSON.stringify(names) === wanted) return;
      wanted = JSON.stringify(names);
      const before = release;
      release = history.want(names, true);
      before();
    };
    want();
    const stops = [followRun(store, history), store.subscribe(want), store.subscribe(notify), history.subscribe(notify)];
    return {
      store,
      history,
      want,
      close() {
        for (const stop of stops) stop();
        history.close();
        leave();
      },
    };
  };
  return {
    get: (runId: string): Held | null => held.get(runId) ?? null,
    show(runIds: readonly string[]) {
      for (const [runId, h] of held) {
        if (runIds.includes(runId)) continue;
        held.delete(runId);
        h.close();
      }
      for (const runId of runIds) if (!held.has(runId)) held.set(runId, open(runId));
    },
    want(names: readonly string[]) {
      if (names.length === also.length && names.every((n, i) => n === also[i])) return;
      also = names;
      for (const h of held.values()) h.want();
    },
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
