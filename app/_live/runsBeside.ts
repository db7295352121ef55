import { useMemo, useState } from 'react';
import type { Curve } from '~/app/_charts/curve';
import { seriesWithRole } from '~/shared/streams';
import { smoothingWeight } from './chartSettings';
import { decodeAside } from './decoder';
import { fetchBlob } from './fetchBlob';
import { History } from './history';
import { loadedLists } from './lists';
import { followRun, historyDeps } from './runHistory';
import { SnapshotFeed } from './snapshotFeed';
import type { RunStore } from './types';
import { useFollowed } from './useFollowed';

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

/**
 * Live state of runs by id; a run that has not loaded yet is missing. `own` is the page's run, whose snapshots are loaded
 * already.
 */
export function useRunsBeside(
  runIds: readonly string[],
  own: { runId: string; feed: SnapshotFeed } | null,
): ReadonlyMap<string, RunBeside> {
  const key = [...new Set(runIds)].sort().join();
  const ids = useMemo(() => key.split(',').filter(Boolean), [key]);
  // A run that is shown again finds its snapshots.
  const [feeds] = useState(() => new Map<string, SnapshotFeed>());
  const { held } = useFollowed(ids, (store, changed) => {
    const { runId } = store;
    if (own?.runId === runId) return holdRun(store, own.feed, false, changed);
    const feed = feeds.get(runId) ?? new SnapshotFeed({ fetchBlob, decode: decodeAside, maxBytes: keptBytes });
    feeds.set(runId, feed);
    return holdRun(store, feed, true, changed);
  });
  return useMemo(
    () =>
      new Map(
        [...held].flatMap(([runId, run]): [string, RunBeside][] => {
          const beside = run.get();
          return beside ? [[runId, beside]] : [];
        }),
      ),
    [held],
  );
}

/** @param fill whether to pass the run's snapshots to the feed */
function holdRun(store: RunStore, feed: SnapshotFeed, fill: boolean, changed: () => void) {
  const lists = loadedLists(store);
  const history = new History(historyDeps(store.runId), buckets);
  history.smooth(smoothing);
  let loss: string | null = null;
  let release = () => {};
  const recorded = () => {
    changed();
    if (!fill || !store.get().view) return;
    void lists.wantSamples(['snapshots']);
    feed.setRecorded(lists.sample('snapshots'));
  };
  const look = () => {
    changed();
    const { view } = store.get();
    if (!view) return;
    const series = seriesWithRole(view, 'loss')?.name ?? null;
    if (series === loss) return;
    loss = series;
    release();
    release = series === null ? () => {} : history.want([series], true);
  };
  const stops = [followRun(store, history), store.subscribe(look), lists.subscribe(recorded), history.subscribe(changed)];
  look();
  recorded();
  return {
    /** null: neither the run nor an error has arrived. */
    get(): RunBeside | null {
      const { runId } = store;
      const { view, error: refused } = store.get();
      const error = refused ?? history.error;
      if (!view) return error === null ? null : { runId, name: runId, feed, lastStep: 0, stepsPerEpoch: 0, loss: null, error };
      const { setup, step: lastStep, stepsPerEpoch } = view;
      const curve = loss === null ? null : history.wholeCurve(loss);
      return { runId, name: setup.name, feed, lastStep, stepsPerEpoch, loss: curve, error };
    },
    close() {
      for (const stop of stops) stop();
      release();
      history.close();
    },
  };
}
