import { useCallback, useEffect, useRef } from 'react';
import { askFrame, askNumbers, dropFrame } from './drawLoop';
import type { ChartCursor } from './types';

/**
 * A chart's drawing, at most once a frame and not at all while nothing changed: after new `inputs`, new numbers, a new zoom (`stale`), or a cursor that moved, which
 * takes the crosshair alone.
 *
 * @param draw answers whether it could; what is stale stays so until then
 * @returns asks for a frame
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
    // biome-ignore lint/correctness/useExhaustiveDependencies: the caller names what it draws from
  }, inputs);
  useEffect(() => {
    let before = cursor.get();
    const stopData = subscribe(() => {
      stale.current = true;
      askNumbers(frame);
    });
    const stopCursor = cursor.subscribe(() => {
      const now = cursor.get();
      // A cursor that follows the newest step moves with the numbers.
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

/** Gives a canvas the pixels of the screen for a size in CSS pixels. @returns device pixels per CSS pixel */
export function fitCanvas(canvas: HTMLCanvasElement, width: number, height: number): number {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  return ratio;
}
