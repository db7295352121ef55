'use client';

import { useEffect, useMemo, useRef, useState } from 'react';
import type { Curve } from '~/app/_charts/curve';
import { delayed } from '~/app/_charts/delayed';
import { seriesWithRole } from '~/shared/streams';
import { smoothingWeight } from './chartSettings';
import { decodeAside } from './decoder';
import { fetchBlob } from './fetchBlob';
import { History } from './history';
import { together } from './listeners';
import { loadedLists } from './lists';
import { followRun, historyDeps } from './runHistory';
import { type RunSources, useRunSources } from './runSources';
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
  /** Why the run could not be read or refreshed. */
  error: string | null;
}

/** The server's maximum: a bucket should not be wider than the distance between two snapshots. */
const buckets = 4000;
/** Smoothing of the loss by which panes are aligned. */
const smoothing = smoothingWeight(10);
const keptBytes = 96 * 2 ** 20;
/** How often the page applies changes. */
const lookMs = 250;

/**
 * Live state of runs by id; a run that has not loaded yet is missing. `own` is the page's run, whose snapshots are loaded
 * already.
 */
export function useRunsBeside(
  runIds: readonly string[],
  own: { runId: string; feed: SnapshotFeed } | null,
): ReadonlyMap<string, RunBeside> {
  const sources = useRunSources();
  const [runs, setRuns] = useState<ReadonlyMap<string, RunBeside>>(new Map());
  const feeds = useRef(new Map<string, SnapshotFeed>()).current;
  const key = [...new Set(runIds)].sort().join();
  const followed = useRef(new Map<string, () => void>()).current;
  useEffect(() => {
    const wanted = new Set(key.split(',').filter(Boolean));
    for (const [runId, stop] of followed) {
      if (wanted.has(runId)) continue;
      stop();
      followed.delete(runId);
    }
    for (const runId of wanted) {
      if (followed.has(runId)) continue;
      const ownFeed = own?.runId === runId ? own.feed : null;
      const feed = ownFeed ?? feeds.get(runId) ?? new SnapshotFeed({ fetchBlob, decode: decodeAside, maxBytes: keptBytes });
      if (!ownFeed) feeds.set(runId, feed);
      const report = (run: RunBeside) => setRuns((old) => new Map(old).set(runId, run));
      followed.set(runId, follow(sources, runId, feed, ownFeed === null, report));
    }
  }, [sources, key, own, feeds, followed]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another source or page run means following all runs anew
  useEffect(
    () => () => {
      together(followed.values())();
      followed.clear();
    },
    [sources, own, followed],
  );
  return useMemo(() => {
    const wanted = new Set(key.split(','));
    return new Map([...runs].filter(([runId]) => wanted.has(runId)));
  }, [runs, key]);
}

/** Reports the run now and after every change. @param fill whether to pass the run's snapshots to the feed @returns stop */
function follow(
  sources: RunSources,
  runId: string,
  feed: SnapshotFeed,
  fill: boolean,
  report: (run: RunBeside) => void,
): () => void {
  const { store, leave } = sources.follow(runId);
  const lists = loadedLists(store);
  const history = new History(historyDeps(runId), buckets);
  history.smooth(smoothing);
  let loss: string | null = null;
  let release = () => {};

  const look = () => {
    const { view, error } = store.get();
    const refused = error ?? history.error;
    if (!view) {
      if (refused !== null) report({ runId, name: runId, feed, lastStep: 0, stepsPerEpoch: 0, loss: null, error: refused });
      return;
    }
    const series = seriesWithRole(view, 'loss')?.name ?? null;
    if (series !== loss) {
      loss = series;
      release();
      release = series === null ? () => {} : history.want([series], true);
    }
    if (fill) {
      void lists.wantSamples(['snapshots']);
      feed.setRecorded(lists.sample('snapshots'));
    }
    const { setup, step: lastStep, stepsPerEpoch } = view;
    const curve = series === null ? null : history.wholeCurve(series);
    report({ runId, name: setup.name, feed, lastStep, stepsPerEpoch, loss: curve, error: refused });
  };
  const { ask, cancel } = delayed(look, lookMs);
  const stops = [followRun(store, history), store.subscribe(ask), lists.subscribe(ask), history.subscribe(ask)];
  look();
  return together([cancel, ...stops, () => release(), () => history.close(), leave]);
}
