import { type RefObject, useEffect, useRef } from 'react';
import { type Plot, stepAtPixel } from './plot';
import type { ChartCursor, ChartCursorState } from './types';

const BRUSH_FROM_PX = 5;
/** Clicks within this time may be a double click: its first click must not replace the remembered cursor. */
const DOUBLE_MS = 500;

/** The whole step nearest to a pixel of the plot, within the run. */
function stepIn(plot: Plot | null, cursor: ChartCursor, px: number): number {
  const start = cursor.startStep();
  return plot ? Math.min(Math.max(start, cursor.headStep()), Math.max(start, Math.round(stepAtPixel(plot, px)))) : start;
}

/** Shows the range of pixels being selected; null: none. */
function showBrush(rect: SVGRectElement | null, plot: Plot | null, range: readonly [number, number] | null): void {
  if (!rect) return;
  rect.style.display = range ? '' : 'none';
  if (!range || !plot) return;
  const [a, b] = [Math.max(0, Math.min(...range)), Math.min(plot.width, Math.max(...range))];
  rect.setAttribute('x', String(a));
  rect.setAttribute('width', String(Math.max(0, b - a)));
}

/**
 * Pointer on a plot: move = crosshair, click = pin, drag = zoom to the range, double click = all steps again (and the cursor as it was before its first
 * click), ctrl + wheel or pinch = zoom about the pointer, shift + drag = pan. Touch: tap = pin, drag = move the pinned cursor; up and down still scrolls the page.
 *
 * @param brush the rectangle around the selected range
 * @returns the whole step at a pixel of the plot, within the run
 */
export function usePlotGestures(
  area: RefObject<HTMLElement | null>,
  brush: RefObject<SVGRectElement | null>,
  cursor: ChartCursor,
  plot: () => Plot | null,
): (px: number) => number {
  const before = useRef<ChartCursorState | null>(null);
  const latest = useRef({ cursor, plot });
  latest.current = { cursor, plot };
  useEffect(() => {
    const element = area.current;
    if (!element) return;
    const stepAt = (px: number) => stepIn(latest.current.plot(), latest.current.cursor, px);
    /** Steps (may be fractional) at both ends of the plot. */
    const span = (): [number, number] => {
      const shown = latest.current.plot();
      return shown ? [shown.map.stepOf(shown.x[0]), shown.map.stepOf(shown.x[1])] : [0, 1];
    };
    const select = (range: [number, number] | null) => showBrush(brush.current, latest.current.plot(), range);
    const pointers = new Map<number, number>();
    let start: { px: number; span: [number, number]; shift: boolean; touch: boolean } | null = null;
    let dragging = false;
    let lastClick = Number.NEGATIVE_INFINITY;
    let pinch: { steps: [number, number] } | null = null;
    const at = (e: PointerEvent | WheelEvent | MouseEvent) => e.clientX - element.getBoundingClientRect().left;

    const zoomTo = (a: number, b: number) => {
      const { cursor } = latest.current;
      const start = cursor.startStep();
      const head = Math.max(start + 2, cursor.headStep());
      const [lo, hi] = [Math.max(start, Math.round(Math.min(a, b))), Math.min(head, Math.round(Math.max(a, b)))];
      if (lo <= start && hi >= head) cursor.zoom(null);
      else cursor.zoom([lo, Math.max(lo + 2, hi)]);
    };
    const down = (e: PointerEvent) => {
      if (e.button !== 0) return;
      element.setPointerCapture(e.pointerId);
      pointers.set(e.pointerId, at(e));
      if (pointers.size === 2) {
        const [a, b] = [...pointers.values()] as [number, number];
        pinch = { steps: [stepAt(a), stepAt(b)] };
        start = null;
        return;
      }
      start = { px: at(e), span: span(), shift: e.shiftKey, touch: e.pointerType === 'touch' };
      dragging = false;
    };
    const move = (e: PointerEvent) => {
      const { cursor } = latest.current;
      const px = at(e);
      if (pointers.has(e.pointerId)) pointers.set(e.pointerId, px);
      if (pinch && pointers.size === 2) {
        const [a, b] = [...pointers.values()] as [number, number];
        const perPixel = (pinch.steps[1] - pinch.steps[0]) / (b - a || 1);
        const left = pinch.steps[0] - a * perPixel;
        if (perPixel > 0) zoomTo(left, left + element.clientWidth * perPixel);
        return;
      }
      cursor.hover(stepAt(px));
      if (!start) return;
      if (Math.abs(px - start.px) > BRUSH_FROM_PX) dragging = true;
      if (!dragging) return;
      if (start.touch) cursor.pin(stepAt(px));
      else if (start.shift) {
        const moved = ((start.px - px) / element.clientWidth) * (start.span[1] - start.span[0]);
        const size = start.span[1] - start.span[0];
        const first = cursor.startStep();
        const lo = Math.min(Math.max(first, start.span[0] + moved), Math.max(first, cursor.headStep() - size));
        zoomTo(lo, lo + size);
      } else select([start.px, px]);
    };
    const up = (e: PointerEvent) => {
      const { cursor } = latest.current;
      pointers.delete(e.pointerId);
      if (pinch) {
        if (pointers.size === 0) pinch = null;
        return;
      }
      if (!start) return;
      const px = at(e);
      if (dragging && !start.touch && !start.shift) zoomTo(stepAt(start.px), stepAt(px));
      else if (!dragging) {
        if (e.timeStamp - lastClick > DOUBLE_MS) before.current = cursor.get();
        lastClick = e.timeStamp;
        cursor.pin(stepAt(px));
      }
      select(null);
      start = null;
      dragging = false;
      if (e.pointerType === 'touch') cursor.hover(null);
    };
    const cancel = (e: PointerEvent) => {
      pointers.delete(e.pointerId);
      pinch = null;
      start = null;
      dragging = false;
      select(null);
    };
    const leave = () => latest.current.cursor.hover(null);
    const double = () => {
      const { cursor } = latest.current;
      cursor.zoom(null);
      if (before.current?.mode === 'live') cursor.follow();
      else if (before.current) cursor.pin(before.current.step);
    };
    const wheel = (e: WheelEvent) => {
      if (!e.ctrlKey && !e.metaKey) return;
      e.preventDefault();
      const [lo, hi] = span();
      const center = lo + (at(e) / element.clientWidth) * (hi - lo);
      const factor = Math.exp(Math.max(-60, Math.min(60, e.deltaY)) * 0.01);
      zoomTo(center - (center - lo) * factor, center + (hi - center) * factor);
    };
    // Prevents text selection, which would break the next drag. That also prevents focus, so it is set here, for the arrow keys.
    const press = (e: MouseEvent) => {
      e.preventDefault();
      element.parentElement?.focus({ preventScroll: true });
    };
    const listening = new AbortController();
    const { signal } = listening;
    element.addEventListener('mousedown', press, { signal });
    element.addEventListener('pointerdown', down, { signal });
    element.addEventListener('pointermove', move, { signal });
    element.addEventListener('pointerup', up, { signal });
    element.addEventListener('pointercancel', cancel, { signal });
    element.addEventListener('pointerleave', leave, { signal });
    element.addEventListener('dblclick', double, { signal });
    element.addEventListener('wheel', wheel, { passive: false, signal });
    return () => listening.abort();
  }, [area, brush]);
  return (px) => stepIn(plot(), cursor, px);
}
