import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import { ended, type RunView } from '~/shared/fold';
import { Curve } from '../../_charts/curve';
import { timeAnchors } from '../../_live/runMarks';
import { inWords, useTrpc } from '../../_trpc/client';
import type { Aligned } from './align';

export const comparedSeries = ['loss', 'accuracy', 'gradNorm', 'learningRate'] as const;
export type ComparedSeries = (typeof comparedSeries)[number];

export interface Compared extends Aligned {
  view: RunView;
  curves: Record<ComparedSeries, Curve>;
}

const buckets = 1000;
/** How often a run that still goes on is read again. */
const againMs = 3_000;

/** Views and curves of several runs; `null` where one is not there yet. */
export function useCompared(runIds: readonly string[]): { runs: (Compared | null)[]; errors: (string | null)[] } {
  const trpc = useTrpc();
  const views = useQueries({
    queries: runIds.map((runId) => ({
      ...trpc.runs.view.queryOptions({ runId }),
      refetchInterval: (query: { state: { data?: RunView } }) =>
        query.state.data && ended(query.state.data.status) ? false : againMs,
    })),
  });
  const ranges = useQueries({
    queries: runIds.map((runId, i) => {
      const view = views[i]?.data;
      return {
        ...trpc.runs.range.queryOptions({ runId, series: [...comparedSeries], fromStep: 0, toStep: null, buckets }),
        enabled: view !== undefined,
        refetchInterval: view && ended(view.status) ? (false as const) : againMs,
      };
    }),
  });
  const stamp = [...views, ...ranges].map((q) => q.dataUpdatedAt).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the stamp says whether any of the data changed; useQueries makes new arrays on every render
  const runs = useMemo(
    () =>
      runIds.map((runId, i): Compared | null => {
        const view = views[i]?.data;
        const range = ranges[i]?.data;
        if (!view || !range) return null;
        const curves = Object.fromEntries(
          comparedSeries.map((name) => [name, Curve.of(name, range, buckets, 0, null)]),
        ) as Compared['curves'];
        return { runId, view, curves, loss: curves.loss, stepsPerEpoch: view.stepsPerEpoch, anchors: timeAnchors(view) };
      }),
    [runIds, stamp],
  );
  return {
    runs,
    errors: views.map((q, i) => ((q.error ?? ranges[i]?.error) ? inWords(q.error ?? ranges[i]?.error).message : null)),
  };
}
