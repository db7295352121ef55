import { useSelected } from './select';
import { createStore } from './store';

/** Folded panels of the page, by the slug of their title. */
const panes = createStore<{ folded: readonly string[] }>({ folded: [] });

export const slug = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

export function toggleFolded(pane: string): void {
  const { folded } = panes.get();
  panes.set({ folded: folded.includes(pane) ? folded.filter((p) => p !== pane) : [...folded, pane] });
}

export const useFolded = (pane: string): boolean => useSelected(panes, ({ folded }) => folded.includes(pane));
