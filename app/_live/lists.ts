import { useCallback, useEffect, useMemo, useSyncExternalStore } from 'react';
import { api } from '~/app/_trpc/client';
import { keysOf } from '~/shared/listKeys';
import type { ListItems, ListKind, RunView, WithLists } from '~/shared/view';
import { type ListSource, type Loaded, LoadedLists } from './loadedLists';
import { useRunStore } from './RunProvider';
import { useSelected } from './select';
import type { RunStore } from './types';

/** Newest notes that are loaded: notes are pinned to charts and maps all over the page. */
export const mostNotes = 1000;

const held = new WeakMap<RunStore, LoadedLists>();

const fromServer: ListSource = {
  items: (query) => api.runs.items.query(query),
  marks: (query) => api.runs.marks.query(query),
  near: (query) => api.runs.near.query(query),
};

export function loadedLists(store: RunStore, source = fromServer): LoadedLists {
  const known = held.get(store) ?? new LoadedLists(store, source);
  held.set(store, known);
  return known;
}

const useLists = (): LoadedLists => {
  const store = useRunStore();
  return useMemo(() => loadedLists(store), [store]);
};

/** A list of the run as far as it is loaded; older items are loaded until there are `atLeast`. */
export function useLoaded<K extends ListKind>(kind: K, atLeast = 0): Loaded<K> & { older(): void } {
  const lists = useLists();
  const read = () => lists.get(kind);
  const loaded = useSyncExternalStore(lists.subscribe, read, read);
  const { whole } = loaded;
  useEffect(() => {
    if (atLeast > 0 && !whole) void lists.want(kind, atLeast);
  }, [lists, kind, atLeast, whole]);
  return useMemo(() => ({ ...loaded, older: () => void lists.older(kind) }), [loaded, lists, kind]);
}

/** Only the items of useLoaded. */
export const useList = <K extends ListKind>(kind: K, atLeast = 0): readonly ListItems[K][] => useLoaded(kind, atLeast).items;

/** Items of the whole list for a timeline: the newest, and at most one older item for each part of the run. */
export function useSample<K extends ListKind>(kind: K): ListItems[K][] {
  const lists = useLists();
  const read = () => lists.sample(kind);
  const sample = useSyncExternalStore(lists.subscribe, read, read);
  useEffect(() => void lists.wantSamples([kind]));
  return sample;
}

/** Loads the items nearest to a step, for components that show the item of a step. */
export function useNear(kind: 'snapshots' | 'checkpoints', step: number): void {
  const lists = useLists();
  const sample = lists.sample(kind);
  const known = sample.some((item) => keysOf(kind, item as never).step === step);
  useEffect(() => {
    if (known) return;
    const timer = setTimeout(() => void lists.wantNear(kind, step), 150);
    return () => clearTimeout(timer);
  }, [lists, kind, step, known]);
}

/** Lists that timelines show. */
const onTimelines: readonly ListKind[] = ['commands', 'evaluations', 'checkpoints', 'snapshots', 'alerts', 'statuses', 'notes'];

/** A slice of the view with samples of its lists (as useSample). `otherwise` until there is a view. */
export function useTimeline<T>(select: (view: WithLists) => T, otherwise: T): T {
  const lists = useLists();
  useEffect(() => void lists.wantSamples(onTimelines));
  return useViewWith((view) => lists.timeline(view), select, otherwise);
}

/** A slice of the view with its lists as far as they are loaded. */
export function useWithLoaded<T>(select: (view: WithLists) => T, otherwise: T): T {
  const lists = useLists();
  return useViewWith((view) => lists.withLoaded(view), select, otherwise);
}

function useViewWith<T>(add: (view: RunView) => WithLists, select: (view: WithLists) => T, otherwise: T): T {
  const store = useRunStore();
  const { subscribe } = useLists();
  return useSelected({ get: () => store.get().view, subscribe }, (view) => (view ? select(add(view)) : otherwise));
}

/** The view with samples, for a run other than the page's own. */
export function timelineOf(store: RunStore): WithLists | null {
  const { view } = store.get();
  const lists = loadedLists(store);
  void lists.wantSamples(onTimelines);
  return view && lists.timeline(view);
}

/**
 * Reads several lists as one. `fromSeq`: all of them are loaded from here on; `older` loads more of those that reach back least.
 */
export function useHorizon(kinds: readonly ListKind[]): { fromSeq: number; older(): void } {
  const lists = useLists();
  const read = () => Math.max(...kinds.map((kind) => lists.get(kind).fromSeq));
  const fromSeq = useSyncExternalStore(lists.subscribe, read, read);
  const older = useCallback(() => {
    for (const kind of kinds) if (lists.get(kind).fromSeq === fromSeq && fromSeq > 0) void lists.older(kind);
  }, [lists, kinds, fromSeq]);
  return { fromSeq, older };
}
