import type { PointerEvent as ReactPointerEvent } from 'react';

/** px that a pressed mouse or finger moves before it drags. */
const fromPx = 6;

/**
 * Follows a pressed pointer until it is released. A mouse drags in any direction; a finger begins downwards or upwards, because sideways it
 * scrolls the tabs (`touch-action: pan-x`). Escape cancels.
 *
 * @param onEnd `dropped`: false if the drag was canceled. Not called for a press that dragged nothing.
 */
export function dragTab(
  { button, pointerId, pointerType, clientX, clientY }: ReactPointerEvent,
  { onMove, onEnd }: { onMove(x: number, y: number): void; onEnd(dropped: boolean): void },
): void {
  if (button !== 0) return;
  const listening = new AbortController();
  const { signal } = listening;
  let dragging = false;
  const end = (dropped: boolean) => {
    listening.abort();
    if (!dragging) return;
    // The release is also a click on the tab.
    const noClick = new AbortController();
    window.addEventListener('click', (e) => e.stopPropagation(), { capture: true, signal: noClick.signal });
    setTimeout(() => noClick.abort());
    onEnd(dropped);
  };
  const own = (type: 'pointermove' | 'pointerup' | 'pointercancel', handle: (event: PointerEvent) => void) =>
    window.addEventListener(type, (event) => event.pointerId === pointerId && handle(event), { signal });
  own('pointermove', (event) => {
    const [x, y] = [event.clientX - clientX, event.clientY - clientY];
    dragging ||= (pointerType === 'touch' ? Math.abs(y) : Math.hypot(x, y)) > fromPx;
    if (dragging) onMove(event.clientX, event.clientY);
  });
  own('pointerup', () => end(true));
  own('pointercancel', () => end(false));
  window.addEventListener('keydown', (event) => event.key === 'Escape' && end(false), { signal });
}
