import type { RunView } from '~/shared/view';
import { useRunStore } from './RunProvider';
import { useSelected } from './select';
import type { RunState } from './types';

/** A slice of the run's state; the component renders again only when the slice changes, at most once per animation frame. */
export const useRun = <T>(select: (state: RunState) => T): T => useSelected(useRunStore(), select);

/** A slice of the view; `otherwise` until there is one. */
export const useView = <T>(select: (view: RunView) => T, otherwise: T): T =>
  useRun((state) => (state.view ? select(state.view) : otherwise));
