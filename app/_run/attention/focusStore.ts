import { type Focus, type FocusEvent, focusReducer, noFocus, type Spot, sameSpot } from '~/app/_charts/attention/focus';
import type { HeadId } from '~/app/_charts/attention/selection';
import { attentionView } from '~/app/_live/attentionView';
import { together } from '~/app/_live/listeners';
import { type Source, useSelected } from '~/app/_live/select';
import { createStore } from '~/app/_live/store';

/** The focus of this tab. The pin is stored only in the attention view, so that links include it; the hover is stored only here. */
interface FocusStore extends Source<Focus> {
  send(event: FocusEvent): void;
}

function createFocusStore(): FocusStore {
  const hover = createStore<{ spot: Spot | null }>({ spot: null });
  let last = noFocus;
  const get = (): Focus => {
    const [{ spot: hovered }, { pinned }] = [hover.get(), attentionView.get()];
    if (hovered !== last.hovered || !sameSpot(pinned, last.pinned)) last = { hovered, pinned };
    return last;
  };
  return {
    get,
    subscribe: (listener) => together([hover.subscribe(listener), attentionView.subscribe(listener)]),
    send: (event) => {
      const before = get();
      const next = focusReducer(before, event);
      if (next.hovered !== before.hovered) hover.set({ spot: next.hovered });
      if (!sameSpot(next.pinned, before.pinned)) attentionView.set({ pinned: next.pinned });
    },
  };
}

export const focusStore = createFocusStore();
export const useFocus = (): Focus => useSelected(focusStore, (focus) => focus);

/** Pins a head; null = back to the combination of all. */
export const pickHead = (head: HeadId | null): void =>
  focusStore.send({ type: 'click', spot: head && { layer: head[0], head: head[1], query: null, key: null } });
