'use client';

import { useEffect, useMemo, useState } from 'react';
import type { RunSummary } from '~/shared/fold';
import { api } from '../_trpc/client';
import { fetchBlob } from './fetchBlob';
import { SignalTable } from './signalTable';
import { SnapshotFeed } from './snapshotFeed';
import { type Snapshots, useLook } from './snapshots';

const again = 15_000;

/** Snapshots of another run beside the page's own, at the same step; read again now and then while it may still be running. */
export function useOtherRun(runId: string | null, step: number) {
  const other = useMemo((): Snapshots => {
    void runId;
    return {
      feed: new SnapshotFeed({ fetchBlob, maxBytes: 128 * 2 ** 20 }),
      table: new SignalTable(),
      signalVersion: () => 0,
      subscribeSignals: () => () => {},
    };
  }, [runId]);
  const [state, setState] = useState<{ runId: string; name: string; error: string | null } | null>(null);
  useEffect(() => {
    if (runId === null) return;
    let closed = false;
    const read = async () => {
      try {
        const view = await api.runs.view.query({ runId });
        if (closed) return;
        other.feed.setRecorded(view.snapshots);
        setState({ runId, name: view.config.name, error: null });
      } catch (e) {
        if (!closed) setState({ runId, name: runId, error: e instanceof Error ? e.message : String(e) });
      }
    };
    void read();
    const timer = setInterval(read, again);
    return () => {
      closed = true;
      clearInterval(timer);
    };
  }, [runId, other]);
  const look = useLook(other, step);
  return {
    look,
    name: state?.runId === runId ? state?.name : null,
    error: state?.runId === runId ? (state?.error ?? null) : null,
  };
}

/** Runs of the same task, newest first, to choose one from. Read when asked for the first time. */
export function useRunsOfTask(task: RunSummary['task'], except: string): readonly RunSummary[] {
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
  return useMemo(
    () => runs.filter((r) => r.task === task && r.runId !== except && r.status !== 'queued').slice(0, 50),
    [runs, task, except],
  );
}
