import { useEffect, useMemo, useState } from 'react';
import type { Curve } from '~/app/_charts/curve';
import { History } from '~/app/_live/history';
import { browserHost } from '~/app/_live/host';
import { timeAnchors } from '~/app/_live/runMarks';
import { createRunStore } from '~/app/_live/runStore';
import { viewerWire } from '~/app/_live/socket';
import type { RunStore } from '~/app/_live/types';
import { followRun, historyDeps } from '~/app/_live/useHistory';
import type { RunView } from '~/shared/view';
import type { Aligned } from './align';

export const comparedSeries = ['loss', 'accuracy', 'gradNorm', 'learningRate'] as const;
export type ComparedSeries = (typeof comparedSeries)[number];
/** The schedule is exact by nature. */
const smoothedSeries: readonly ComparedSeries[] = ['loss', 'accuracy', 'gradNorm'];

/** One of the runs on the page. */
export interface Compared extends Aligned {
  view: RunView;
  history: History;
}

interface Held {
  store: RunStore;
  history: History;
  close(): void;
}

/** How often what is not a curve (status, axis, evaluations) follows live runs; curves are drawn as rows arrive. */
const LOOK_MS = 250;

/**
 * Views and step rows of several runs, as the run page has them: pushed over the tab's one connection, read by range where they are zoomed into. `null` where one is not
 * there yet.
 */
export function useCompared(runIds: readonly string[]): {
  runs: (Compared | null)[];
  errors: (string | null)[];
  subscribe(listener: () => void): () => void;
} {
  const [room] = useState(openRuns);
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
  // biome-ignore lint/correctness/useExhaustiveDependencies: a turn is when the runs are looked at again
  return useMemo(() => {
    const held = runIds.map((runId) => room.get(runId));
    return {
      runs: held.map((h) => h && comparedOf(h)),
      errors: held.map((h) => h?.store.get().error ?? h?.history.error ?? null),
      subscribe: room.subscribe,
    };
  }, [room, runIds, turn]);
}

function comparedOf({ store, history }: Held): Compared | null {
  const { view } = store.get();
  if (!view) return null;
  const loss: Curve | null = history.wholeCurve('loss');
  return { runId: store.runId, view, history, loss, stepsPerEpoch: view.stepsPerEpoch, anchors: timeAnchors(view) };
}

/** The runs on the page, each opened once and closed when it is left out. */
function openRuns() {
  const held = new Map<string, Held>();
  const listeners = new Set<() => void>();
  const notify = () => {
    for (const l of [...listeners]) l();
  };
  const open = (runId: string): Held => {
    const store = createRunStore(runId, viewerWire(), browserHost);
    const history = new History(historyDeps(runId));
    history.want(comparedSeries);
    history.want(smoothedSeries, true);
    const stops = [followRun(store, history), store.subscribe(notify), history.subscribe(notify)];
    return {
      store,
      history,
      close() {
        for (const stop of stops) stop();
        history.close();
        store.close();
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
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
