import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { RunSummary } from '~/shared/summary';
import { fetchBlob } from './fetchBlob';
import { findRuns } from './findRuns';
import { useRunsBeside } from './runsBeside';
import { type Example, SnapshotFeed } from './snapshotFeed';
import { useLook } from './snapshots';

/** Most runs to choose from. */
const most = 50;
const nothing = new SnapshotFeed({ fetchBlob });

/** Snapshots of another run at the same step, to show beside those of the page's run. */
export function useOtherRun(runId: string | null, step: number, example: Example) {
  const ids = useMemo(() => (runId === null ? [] : [runId]), [runId]);
  const run = useRunsBeside(ids, null).get(runId ?? '');
  const look = useLook(run ?? { feed: nothing }, step, example);
  return { feed: run?.feed ?? null, look, name: run?.name ?? null, error: run?.error ?? null };
}

/** A run as a choice. */
export const runOption = ({ runId, name }: RunSummary) => ({ value: runId, text: `${name} (${runId})` });

/** Other runs to choose from, newest first; none until they are read. Whether a run's maps fit is shown after it is chosen. */
export function useOtherRuns(except: string): readonly RunSummary[] {
  // A replay file has no server: its list stays empty.
  const { data } = useQuery({
    queryKey: ['other runs'],
    queryFn: () => findRuns('-status=queued', { limit: most + 1 }),
    staleTime: 15_000,
  });
  return useMemo(
    () =>
      (data?.rows ?? [])
        .map(({ run }) => run)
        .filter((r) => r.runId !== except)
        .slice(0, most),
    [data, except],
  );
}
