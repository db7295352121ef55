import type { MouseEvent, PointerEvent } from 'react';
import type { FocusEvent, Spot } from './focus';

type Send = (event: FocusEvent) => void;

/** Position of the pointer in the element that handles the event, in CSS pixels. */
export function placeIn({ currentTarget, clientX, clientY }: MouseEvent): [x: number, y: number] {
  const box = currentTarget.getBoundingClientRect();
  return [clientX - box.left, clientY - box.top];
}

/**
 * Handlers of an area with many spots: pointing previews, a click pins. A finger pins without a preview.
 * @param onPoint called on a right click or a long press
 */
export const pointing = (
  spotAt: (event: MouseEvent) => Spot | null,
  onFocus: Send,
  onPoint?: (spot: Spot, at: { clientX: number; clientY: number }) => void,
) => ({
  onPointerMove: (e: PointerEvent) => e.pointerType !== 'touch' && onFocus({ type: 'hover', spot: spotAt(e) }),
  onPointerLeave: () => onFocus({ type: 'hover', spot: null }),
  onClick: (e: MouseEvent) => onFocus({ type: 'click', spot: spotAt(e) }),
  onContextMenu: (e: MouseEvent) => {
    const spot = onPoint ? spotAt(e) : null;
    if (!spot) return;
    e.preventDefault();
    onPoint?.(spot, e);
  },
});

/** Handlers of a button that is one spot. */
export const pointingAt = (spot: Spot, onFocus: Send) => ({
  onPointerEnter: (e: PointerEvent) => e.pointerType !== 'touch' && onFocus({ type: 'hover', spot }),
  onPointerLeave: () => onFocus({ type: 'hover', spot: null }),
  onFocus: () => onFocus({ type: 'hover', spot }),
  onBlur: () => onFocus({ type: 'hover', spot: null }),
  onClick: () => onFocus({ type: 'click', spot }),
});
