import { type Focus, type FocusEvent, focusReducer, noFocus, sameSpot } from '~/app/_charts/attention/focus';
import { attentionView } from '~/app/_live/attentionView';
import { type Source, useSelected } from '~/app/_live/select';

/** What is pointed at on this tab. The pin is part of the attention view, so that links carry it; the hover is not. */
interface FocusStore extends Source<Focus> {
  send(event: FocusEvent): void;
}

function createFocusStore(): FocusStore {
  let state = noFocus;
  const listeners = new Set<() => void>();
  const change = (next: Focus) => {
    if (next === state) return;
    state = next;
    for (const listener of [...listeners]) listener();
  };
  // Whoever sets the view's pin, a link or this store, the two stay equal.
  attentionView.subscribe(() => {
    const { pinned } = attentionView.get();
    if (!sameSpot(pinned, state.pinned)) change({ ...state, pinned });
  });
  return {
    get: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    send: (event) => {
      const next = focusReducer(state, event);
      const pinMoved = !sameSpot(next.pinned, state.pinned);
      change(next);
      if (pinMoved) attentionView.set({ pinned: next.pinned });
    },
  };
}

export const focusStore = createFocusStore();
export const useFocus = (): Focus => useSelected(focusStore, (focus) => focus);
