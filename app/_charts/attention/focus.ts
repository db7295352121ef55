/**
 * What the pointer, finger or keyboard points at. Hovering previews, a click pins, Escape or a click on nothing goes back to the average of the heads shown.
 * What is lit is the hovered spot, else the pinned one; scrolling ends a preview and keeps the pin. Pure: the component feeds it events.
 */

/** A head, a cell of a head, or a token in all heads (layer and head null). Counted from 0. */
export interface Spot {
  layer: number | null;
  head: number | null;
  query: number | null;
  key: number | null;
}

export interface Focus {
  hovered: Spot | null;
  pinned: Spot | null;
}

export type FocusEvent =
  | { type: 'hover'; spot: Spot | null }
  /** A click, tap or Enter; null = on nothing. */
  | { type: 'click'; spot: Spot | null }
  | { type: 'escape' }
  | { type: 'scroll' };

export const noFocus: Focus = { hovered: null, pinned: null };

export const sameSpot = (a: Spot | null, b: Spot | null): boolean =>
  a === b || (!!a && !!b && a.layer === b.layer && a.head === b.head && a.query === b.query && a.key === b.key);

export function focusReducer(focus: Focus, event: FocusEvent): Focus {
  switch (event.type) {
    case 'hover':
      return sameSpot(focus.hovered, event.spot) ? focus : { ...focus, hovered: event.spot };
    case 'click':
      // The same spot again unpins: the way out for a finger, which has no Escape.
      if (!event.spot || sameSpot(focus.pinned, event.spot)) return { ...focus, pinned: null };
      return { ...focus, pinned: event.spot };
    case 'escape':
      return focus.hovered || focus.pinned ? noFocus : focus;
    case 'scroll':
      return focus.hovered ? { ...focus, hovered: null } : focus;
  }
}

export const lit = (focus: Focus): Spot | null => focus.hovered ?? focus.pinned;

/** The token lit in every head. A cell lights its query's row and its key's column; a token of a self-attending sequence is both. */
export const litLines = (spot: Spot | null): { query: number | null; key: number | null } => ({
  query: spot?.query ?? null,
  key: spot?.key ?? null,
});

/** Whom to show large: the lit head, else null = the average. */
export const litHead = (spot: Spot | null): { layer: number; head: number } | null =>
  spot && spot.layer !== null && spot.head !== null ? { layer: spot.layer, head: spot.head } : null;
