/**
 * What the pointer, finger or keyboard points at. Hovering previews, a click pins; Escape or a click on the background shows the average of the heads.
 * The hovered spot is highlighted, else the pinned one; scrolling ends a preview and keeps the pin. Pure functions: the component sends events.
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
  /** A click, tap or Enter; null = on the background. */
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
      // A second click on the pinned spot unpins it: a touch screen has no Escape key.
      const spot = withHead(event.spot, focus.pinned);
      return { ...focus, pinned: sameSpot(focus.pinned, spot) ? null : spot };
    }
    case 'escape':
      return focus.hovered || focus.pinned ? noFocus : focus;
    case 'scroll':
      return focus.hovered ? { ...focus, hovered: null } : focus;
  }
}

/** A token pinned while a head is pinned: the head stays pinned. */
const withHead = (spot: Spot, pinned: Spot | null): Spot =>
  spot.layer === null && pinned !== null ? { ...spot, layer: pinned.layer, head: pinned.head } : spot;

export const lit = (focus: Focus): Spot | null => focus.hovered ?? focus.pinned;

/** The head of a spot; null = the spot belongs to no single head. */
export const litHead = (spot: Spot | null): { layer: number; head: number } | null =>
  spot && spot.layer !== null && spot.head !== null ? { layer: spot.layer, head: spot.head } : null;

/** The head to show large: the hovered one, else the pinned one; null = the average. Pointing at a token keeps the pinned head. */
export const largeHead = (focus: Focus): { layer: number; head: number } | null =>
  litHead(focus.hovered) ?? litHead(focus.pinned);

/** Fits a spot of another run or snapshot to these layers: parts outside of them become null. A token without a head is limited by the largest map. */
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
