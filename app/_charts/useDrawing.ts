import { useCallback, useEffect, useRef } from 'react';
import { askFrame, askNumbers, dropFrame } from './drawLoop';
import type { ChartCursor } from './types';

/**
 * Draws a chart at most once per frame, and only after a change: after new `inputs`, new numbers, a new zoom (`stale`), or a cursor movement, which
 * draws only the crosshair.
 *
 * @param draw returns whether it could draw; `stale` stays true until then
 * @returns a function that requests a frame
 */
export function useDrawing(
  draw: (stale: boolean) => boolean,
  cursor: ChartCursor,
  subscribe: (listener: () => void) => () => void,
  inputs: readonly unknown[],
): () => void {
  const latest = useRef(draw);
  latest.current = draw;
  const stale = useRef(true);
  const frame = useCallback(() => {
    if (latest.current(stale.current)) stale.current = false;
  }, []);
  useEffect(() => {
    stale.current = true;
    askFrame(frame);
    // biome-ignore lint/correctness/useExhaustiveDependencies: the caller lists what it draws from
  }, inputs);
  useEffect(() => {
    let before = cursor.get();
    const stopData = subscribe(() => {
      stale.current = true;
      askNumbers(frame);
    });
    const stopCursor = cursor.subscribe(() => {
      const now = cursor.get();
      // A cursor that follows the newest step moves when new numbers arrive.
      const follows =
        now.mode === 'live' && before.mode === 'live' && now.hoverStep === before.hoverStep && now.zoom === before.zoom;
      if (now.zoom !== before.zoom) stale.current = true;
      before = now;
      if (!follows) askFrame(frame);
    });
    return () => {
      stopData();
      stopCursor();
      dropFrame(frame);
    };
  }, [subscribe, cursor, frame]);
  return useCallback(() => askFrame(frame), [frame]);
}

/** Clears a canvas of a size in CSS pixels. @returns its pen, which draws in CSS pixels, and the device pixels in one of them; null without a canvas */
export function clearedPen(canvas: HTMLCanvasElement | null, width: number, height: number) {
  const pen = canvas?.getContext('2d');
  if (!canvas || !pen) return null;
  const ratio = fitCanvas(canvas, width, height);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, ratio };
}

/** Sets a canvas to the device pixels of a size in CSS pixels. @returns device pixels per CSS pixel */
export function fitCanvas(canvas: HTMLCanvasElement, width: number, height: number): number {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  return ratio;
}
