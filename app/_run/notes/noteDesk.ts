import { setCursor } from '~/app/_live/cursor';
import { type Source, useSelected } from '~/app/_live/select';
import { createStore } from '~/app/_live/store';
import { reveal } from '~/app/_live/workspace';
import { focusStore } from '~/app/_run/attention/focusStore';
import type { Anchor, Note } from '~/shared/notes';

/** Position on the screen, in pixels of the window. */
export interface ScreenPlace {
  clientX: number;
  clientY: number;
}

/** Something that a note can be pinned to, and its description. */
export interface Place {
  words: string;
  anchor: Anchor;
}

/** The open popup: a new note with possible anchors (the likeliest first), or threads to read. */
export type Desk = { at: ScreenPlace } & ({ kind: 'write'; places: Place[] } | { kind: 'read'; threads: string[] });

const store = createStore<{ desk: Desk | null }>({ desk: null });
/** The element that had the focus when the popup opened; it gets the focus back. */
let opener: Element | null = null;
const open = (desk: Desk) => {
  if (!store.get().desk) opener = document.activeElement;
  store.set({ desk });
};

/** State of the tab's only popup for notes. */
export const noteDesk: Source<{ desk: Desk | null }> & {
  write(places: Place[], at: ScreenPlace): void;
  /** Opens threads, and moves the page to the anchor of the first. */
  read(threads: readonly Note[], at: ScreenPlace): void;
  close(): void;
} = {
  get: store.get,
  subscribe: store.subscribe,
  write: (places, at) => open({ kind: 'write', places, at }),
  read: (threads, at) => {
    if (threads[0]) goTo(threads[0].anchor);
    open({ kind: 'read', threads: threads.map((n) => n.id), at });
  },
  close: () => {
    if (!store.get().desk) return;
    store.set({ desk: null });
    // After the popup has closed.
    requestAnimationFrame(() => {
      const lost = !document.activeElement || document.activeElement === document.body;
      if (lost && opener instanceof HTMLElement && opener.isConnected) opener.focus({ preventScroll: true });
    });
  },
};
export const useNoteDesk = (): Desk | null => useSelected(noteDesk, (s) => s.desk);

/** Moves every panel to a note's step, and the attention maps to its head or cell. */
export function goTo({ step, chart, head }: Anchor): void {
  setCursor.pin(step);
  if (chart !== null) reveal('curves', 'center');
  if (!head) return;
  reveal('attention', 'center');
  const spot = { layer: head.layer, head: head.head, query: head.cell?.query ?? null, key: head.cell?.key ?? null };
  const { pinned } = focusStore.get();
  const there = pinned && (Object.keys(spot) as (keyof typeof spot)[]).every((k) => pinned[k] === spot[k]);
  if (!there) focusStore.send({ type: 'click', spot });
}

/** The middle of an element's upper edge. */
export function placeOf(element: Element): ScreenPlace {
  const { left, top, width } = element.getBoundingClientRect();
  return { clientX: left + width / 2, clientY: top };
}
