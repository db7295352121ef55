import { useCallback, useSyncExternalStore } from 'react';
import { useWorkspace } from '~/app/_live/workspace';

/** Whether a media query matches now. */
export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (changed: () => void) => {
      const list = listOf(query);
      list.addEventListener('change', changed);
      return () => list.removeEventListener('change', changed);
    },
    [query],
  );
  return useSyncExternalStore(
    subscribe,
    () => onScreen(query),
    () => false,
  );
}

/** One list per query: making one is slow, and React asks at every update. */
const lists = new Map<string, MediaQueryList>();
function listOf(query: string): MediaQueryList {
  const list = lists.get(query) ?? matchMedia(query);
  lists.set(query, list);
  return list;
}

/** Paper is narrow and still: what is printed is the page as it is. */
const seen = new Map<string, boolean>();
function onScreen(query: string): boolean {
  if (!listOf('print').matches) seen.set(query, listOf(query).matches);
  return seen.get(query) ?? false;
}

/** Whether to show one panel at a time, with a bar of panels at the bottom: on a phone, in a narrow window, or with a large zoom. */
export const useNarrow = (): boolean => useMedia('(max-width: 899px)');

/** Whether the window is low: the variant `low` of globals.css. */
export const useLow = (): boolean => useMedia('(max-height: 559px)');

/** Whether the page is shown to an audience: large type, and only what the audience needs. */
export function usePresenting(): boolean {
  const present = useWorkspace((w) => w.layout === 'present');
  return !useNarrow() && present;
}
