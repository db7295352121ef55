import { type Source, useSelected } from './select';

/** Folded panels of the page, by the slug of their title. */
export interface Panes extends Source<readonly string[]> {
  toggle(pane: string): void;
}

export const slug = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

export function createPanes(): Panes {
  let folded: readonly string[] = [];
  const listeners = new Set<() => void>();
  const set = (next: readonly string[]) => {
    folded = next;
    for (const l of [...listeners]) l();
  };
  return {
    get: () => folded,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    toggle: (pane) => set(folded.includes(pane) ? folded.filter((p) => p !== pane) : [...folded, pane]),
  };
}

/** The tab's panes. */
export const panes: Panes = createPanes();
export const useFolded = (pane: string): boolean => useSelected(panes, (folded) => folded.includes(pane));
