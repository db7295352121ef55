'use client';

import { useEffect, useMemo, useState } from 'react';
import { api } from '~/app/_trpc/client';
import type { RunSummary } from '~/shared/summary';
import { fetchBlob } from './fetchBlob';
import { useRunsBeside } from './runsBeside';
import { type Example, SnapshotFeed } from './snapshotFeed';
import { useLook } from './snapshots';

const nothing = new SnapshotFeed({ fetchBlob });

/** Snapshots of another run at the same step, to show beside those of the page's run. */
export function useOtherRun(runId: string | null, step: number, example: Example) {
  const ids = useMemo(() => (runId === null ? [] : [runId]), [runId]);
  const run = useRunsBeside(ids, null).get(runId ?? '');
  const look = useLook(run ?? { feed: nothing }, step, example);
  return { feed: run?.feed ?? null, look, name: run?.name ?? null, error: run?.error ?? null };
}

/** Other runs to choose from, newest first. Read on first use. Whether a run's maps fit is shown after it is chosen. */
export function useOtherRuns(except: string): readonly RunSummary[] {
  const [runs, setRuns] = useState<readonly RunSummary[]>([]);
  useEffect(() => {
    let closed = false;
    api.runs.list
      .query()
      .then((list) => !closed && setRuns(list))
      // The picker then offers no runs; the page shows elsewhere that the server is not reachable.
      .catch(() => {});
    return () => {
      closed = true;
    };
  }, []);
  return useMemo(() => runs.filter((r) => r.runId !== except && r.status !== 'queued').slice(0, 50), [runs, except]);
}
