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
    case 'click': {
      if (!event.spot) return { ...focus, pinned: null };
      // The same spot again unpins: the way out for a finger, which has no Escape.
      const spot = withHead(event.spot, focus.pinned);
      return { ...focus, pinned: sameSpot(focus.pinned, spot) ? null : spot };
    }
    case 'escape':
      return focus.hovered || focus.pinned ? noFocus : focus;
    case 'scroll':
      return focus.hovered ? { ...focus, hovered: null } : focus;
  }
}

/** A token pinned while a head is: that head stays. */
const withHead = (spot: Spot, pinned: Spot | null): Spot =>
  spot.layer === null && pinned !== null ? { ...spot, layer: pinned.layer, head: pinned.head } : spot;

export const lit = (focus: Focus): Spot | null => focus.hovered ?? focus.pinned;

/** The head of a spot; null = it is of no head in particular. */
export const litHead = (spot: Spot | null): { layer: number; head: number } | null =>
  spot && spot.layer !== null && spot.head !== null ? { layer: spot.layer, head: spot.head } : null;

/** Whom to show large: the head pointed at, else the pinned one, else null = the average. Pointing at a token does not take the pinned head away. */
export const largeHead = (focus: Focus): { layer: number; head: number } | null =>
  litHead(focus.hovered) ?? litHead(focus.pinned);

/** A spot of another run or snapshot on this one's maps: what lies outside of them is dropped. A token of no head in particular is in the largest map. */
export function within(
  spot: Spot | null,
  { layers }: { layers: readonly { heads: number; queries: number; keys: number }[] },
): Spot | null {
  if (!spot) return null;
  const own = spot.layer === null ? undefined : layers[spot.layer];
  const known = own !== undefined && spot.head !== null && spot.head < own.heads;
  const most = (side: 'queries' | 'keys') => (known ? own[side] : Math.max(...layers.map((l) => l[side])));
  const keep = (place: number | null, count: number) => (place !== null && place < count ? place : null);
  const [query, key] = [keep(spot.query, most('queries')), keep(spot.key, most('keys'))];
  if (!known && query === null && key === null) return null;
  return { layer: known ? spot.layer : null, head: known ? spot.head : null, query, key };
}
