'use client';

import { useEffect, useMemo, useState } from 'react';
import { api } from '~/app/_trpc/client';
import type { RunSummary } from '~/shared/summary';
import { fetchBlob } from './fetchBlob';
import { useRunsBeside } from './runsBeside';
import { type Example, SnapshotFeed } from './snapshotFeed';
import { useLook } from './snapshots';

const nothing = new SnapshotFeed({ fetchBlob });

/** Snapshots of another run beside the page's own, at the same step. */
export function useOtherRun(runId: string | null, step: number, example: Example) {
  const ids = useMemo(() => (runId === null ? [] : [runId]), [runId]);
  const run = useRunsBeside(ids, null).get(runId ?? '');
  const look = useLook(run ?? { feed: nothing }, step, example);
  return { feed: run?.feed ?? null, look, name: run?.name ?? null, error: run?.error ?? null };
}

/** Other runs, newest first, to choose one from. Read when asked for the first time. Whether their maps fit is told once one is chosen. */
export function useOtherRuns(except: string): readonly RunSummary[] {
  const [runs, setRuns] = useState<readonly RunSummary[]>([]);
  useEffect(() => {
    let closed = false;
    api.runs.list
      .query()
      .then((list) => !closed && setRuns(list))
      // The picker then offers none; the page says elsewhere that the server is away.
      .catch(() => {});
    return () => {
      closed = true;
    };
  }, []);
  return useMemo(() => runs.filter((r) => r.runId !== except && r.status !== 'queued').slice(0, 50), [runs, except]);
}
