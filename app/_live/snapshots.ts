import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import { api } from '~/app/_trpc/client';
import { SIGNALS_PER_QUESTION } from '~/shared/signals';
import { attentionView } from './attentionView';
import { setCursor } from './cursor';
import { decodeAside } from './decoder';
import { fetchBlob } from './fetchBlob';
import { call, Listeners } from './listeners';
import { loadedLists } from './lists';
import { useRunStore } from './RunProvider';
import type { Recorded } from './recorded';
import { type HeadCounts, SignalTable } from './signalTable';
import { type Example, type Look, SnapshotFeed } from './snapshotFeed';
import type { RunStore } from './types';

/** Attention of the page's run at all steps: maps from `feed`, signals from `table`. Shared by all panels of the page. */
export interface Snapshots {
  feed: SnapshotFeed;
  table: SignalTable;
  /** Incremented whenever signals arrive. */
  signalVersion(): number;
  subscribeSignals(listener: () => void): () => void;
}

interface Held extends Snapshots {
  users: number;
  attach(): () => void;
  detach: () => void;
}
const held = new WeakMap<RunStore, Held>();

export function useSnapshots(): Snapshots {
  const store = useRunStore();
  const snapshots = useMemo(() => holdFor(store), [store]);
  useEffect(() => {
    if (snapshots.users++ === 0) snapshots.detach = snapshots.attach();
    return () => {
      if (--snapshots.users === 0) snapshots.detach();
    };
  }, [snapshots]);
  return snapshots;
}

function holdFor(store: RunStore): Held {
  const known = held.get(store);
  if (known) return known;
  const feed = new SnapshotFeed({ fetchBlob, decode: decodeAside });
  const table = new SignalTable();
  const listeners = new Listeners();
  let version = 0;
  const notify = () => {
    version++;
    listeners.each(call);
  };
  const made: Held = {
    feed,
    table,
    signalVersion: () => version,
    subscribeSignals: listeners.add,
    users: 0,
    detach: () => {},
    attach: () => attach(store, feed, table, notify),
  };
  held.set(store, made);
  return made;
}

function attach(store: RunStore, feed: SnapshotFeed, table: SignalTable, notify: () => void): () => void {
  const lists = loadedLists(store);
  let seen: readonly Recorded[] | null = null;
  let reading = false;
  let retry: ReturnType<typeof setTimeout> | null = null;
  let closed = false;

  /** Signals of listed snapshots that were recorded before this page was opened, or while the connection was broken. */
  async function readSignals() {
    if (reading || retry !== null || closed) return;
    reading = true;
    try {
      for (let left = table.missing(feed.recorded); left.length > 0 && !closed; ) {
        const seqs = left.splice(0, SIGNALS_PER_QUESTION);
        table.load(await api.runs.signals.query({ runId: store.runId, seqs }));
        notify();
      }
    } catch {
      // The link state shows that the server is not reachable; reading is retried until it is back.
    }
    reading = false;
    if (closed || table.missing(feed.recorded).length === 0) return;
    retry = setTimeout(() => {
      retry = null;
      void readSignals();
    }, 2_000);
  }

  const follow = () => {
    void lists.wantSamples(['snapshots']);
    const list = lists.sample('snapshots');
    if (list === seen) return;
    seen = list;
    feed.setRecorded(list);
    table.keep(feed.recorded);
    if (table.missing(feed.recorded).length > 0) void readSignals();
    notify();
  };
  const stopEntries = store.onEntries({
    entries: (entries) => {
      let newest: Recorded | null = null;
      for (const { seq, event } of entries)
        if (event.type === 'snapshot') {
          table.add(seq, event.layers, event.signals);
          newest = { step: event.step, seq, blob: event.blob, examples: event.examples };
        }
      // The page is about to show this snapshot: start fetching before React renders.
      if (newest && setCursor.get().mode === 'live') feed.want(newest, exampleOf(attentionView.get().source));
    },
    reset: () => {},
  });
  const stopStore = lists.subscribe(follow);
  follow();
  return () => {
    closed = true;
    if (retry !== null) clearTimeout(retry);
    stopEntries();
    stopStore();
  };
}

/** An average needs the maps of all examples. */
export const exampleOf = (source: { example: number } | string): Example => (typeof source === 'string' ? null : source.example);

/** The snapshot for a step; fetches it and its neighbors. The same object until the answer changes. @param example whose maps */
export function useLook({ feed }: Pick<Snapshots, 'feed'>, step: number, example: Example): Look {
  const version = useFeedVersion({ feed });
  const last = useRef<Look | null>(null);
  const look = useMemo(() => {
    void version;
    const next = feed.look(step, example);
    const old = last.current;
    // Keeps the same object for the same snapshot, so that nothing is redrawn while the cursor moves between two recorded steps.
    if (old?.shown && old.shown.snapshot === next.shown?.snapshot) next.shown = old.shown;
    const same = old?.step === step && old.nearest === next.nearest && old.error === next.error && old.shown === next.shown;
    last.current = same ? old : next;
    return last.current;
  }, [feed, version, step, example]);
  useEffect(() => {
    void version;
    feed.aim(step, example);
  }, [feed, version, step, example]);
  return look;
}

/** Incremented with each change to the list of recorded snapshots and each blob that arrives. */
export const useFeedVersion = ({ feed }: Pick<Snapshots, 'feed'>): number =>
  useSyncExternalStore(
    feed.subscribe,
    () => feed.version,
    () => 0,
  );

/** The names of the recorded signals, and one signal over all recorded steps for the heads of some layers. The same object until signals arrive. */
export function useSignals(snapshots: Snapshots) {
  const version = useSyncExternalStore(snapshots.subscribeSignals, snapshots.signalVersion, () => 0);
  const { feed, table } = snapshots;
  return useMemo(() => {
    void version;
    return {
      names: table.names(feed.recorded),
      series: (name: string, layers: HeadCounts) => table.series(name, feed.recorded, layers),
    };
  }, [feed, table, version]);
}
