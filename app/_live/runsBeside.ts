'use client';

import { TRPCClientError } from '@trpc/client';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Curve } from '~/app/_charts/curve';
import { api } from '~/app/_trpc/client';
import { seriesWithRole } from '~/shared/streams';
import { ended, type ListItems, type RunView } from '~/shared/view';
import { smoothingWeight } from './chartSettings';
import { decodeAside } from './decoder';
import { fetchBlob } from './fetchBlob';
import { SnapshotFeed } from './snapshotFeed';

/** A run whose attention is shown beside another's. */
export interface RunBeside {
  runId: string;
  name: string;
  feed: SnapshotFeed;
  lastStep: number;
  /** 0 = not known yet. */
  stepsPerEpoch: number;
  loss: Curve | null;
  /** Why it cannot be read, or not be read anew. */
  error: string | null;
}

type Reported = Omit<RunBeside, 'feed'>;

/** As many as the server gives: a bucket should not be wider than what lies between two snapshots. */
const buckets = 4000;
/** How often a run that still goes on is read again. */
const againMs = 3_000;
/** Of the loss by which panes are aligned. */
const smoothing = smoothingWeight(10);
const keptBytes = 96 * 2 ** 20;

/** Runs by id, read again while they go on; `own` is the page's run, whose snapshots the page already has. A run that is not there yet is not in the map. */
export function useRunsBeside(
  runIds: readonly string[],
  own: { runId: string; feed: SnapshotFeed } | null,
): ReadonlyMap<string, RunBeside> {
  const [reported, setReported] = useState<ReadonlyMap<string, Reported>>(new Map());
  const feeds = useRef(new Map<string, SnapshotFeed>()).current;
  const key = [...new Set(runIds)].sort().join();
  const ownId = own?.runId ?? null;
  useEffect(() => {
    const timers = new Set<ReturnType<typeof setTimeout>>();
    let closed = false;
    const read = async (runId: string) => {
      let again = true;
      try {
        const view = await api.runs.view.query({ runId });
        const loss = await lossOf(runId, view);
        const shown = runId === ownId ? null : await recordedOf(view);
        if (closed) return;
        again = !ended(view.status);
        if (shown) feedOf(feeds, runId).setRecorded(shown);
        const { name } = view.setup;
        const next = { runId, name, lastStep: view.step, stepsPerEpoch: view.stepsPerEpoch, loss, error: null };
        setReported((old) => new Map(old).set(runId, next));
      } catch (e) {
        // What the server itself refuses it will refuse again.
        again = !(e instanceof TRPCClientError && e.data != null);
        const error = e instanceof Error ? e.message : String(e);
        const nothing = { runId, name: runId, lastStep: 0, stepsPerEpoch: 0, loss: null };
        if (!closed) setReported((old) => new Map(old).set(runId, { ...(old.get(runId) ?? nothing), error }));
      }
      if (closed || !again) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        void read(runId);
      }, againMs);
      timers.add(timer);
    };
    for (const runId of key.split(',').filter(Boolean)) void read(runId);
    return () => {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
    };
  }, [key, ownId, feeds]);
  return useMemo(() => {
    const wanted = new Set(key.split(','));
    return new Map(
      [...reported.values()]
        .filter((run) => wanted.has(run.runId))
        .map((run) => [run.runId, { ...run, feed: own?.runId === run.runId ? own.feed : feedOf(feeds, run.runId) }]),
    );
  }, [reported, key, own, feeds]);
}

/** The series of that role over the whole run, smoothed; null when the run has none. */
async function lossOf(runId: string, view: RunView): Promise<Curve | null> {
  const series = seriesWithRole(view, 'loss');
  if (!series) return null;
  const question = { runId, series: [series.name], fromStep: Number.MIN_SAFE_INTEGER, toStep: null, buckets, smoothing };
  const range = await api.runs.range.query(question);
  return Curve.of(series.name, range.series[0] ?? null, buckets, null, smoothing);
}

function feedOf(feeds: Map<string, SnapshotFeed>, runId: string): SnapshotFeed {
  const known = feeds.get(runId) ?? new SnapshotFeed({ fetchBlob, decode: decodeAside, maxBytes: keptBytes });
  feeds.set(runId, known);
  return known;
}

/** The snapshots of a run: all when its view has them, else at most one for each part of it, and the newest. */
async function recordedOf({ runId, step, recent }: RunView): Promise<readonly ListItems['snapshots'][]> {
  const { items, fromSeq } = recent.snapshots;
  if (fromSeq === 0) return items;
  const marks = await api.runs.marks.query({ runId, kinds: ['snapshots'], fromStep: 0, toStep: step + 1, buckets: 2000 });
  const older = marks.map((m) => m.item as ListItems['snapshots']).filter((s) => s.seq < fromSeq);
  return [...older.sort((a, b) => a.seq - b.seq), ...items];
}
