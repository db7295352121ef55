/**
 * The page's one clock for drawing. Everything drawn in a frame is drawn together, so that the browser lays out and paints once. What
 * a person does (pointer, keys, choices) is drawn in the next frame; new numbers of a run are drawn a few times a second.
 */

const waiting = new Set<() => void>();
let asked = false;

/** Draws at once what waits for a frame. */
export function drawNow(): void {
  asked = false;
  const now = [...waiting];
  waiting.clear();
  for (const draw of now) draw();
}

/** Draws in the next frame. A function that is already waiting is drawn once. */
export function askFrame(draw: () => void): void {
  waiting.add(draw);
  if (asked) return;
  asked = true;
  requestAnimationFrame(drawNow);
}

/** Least time between two frames with new numbers: nobody reads numbers faster, and each such frame lays out and paints the whole page. */
const numbersEveryMs = 200;
const numbered = new Set<() => void>();
let timed = false;
let lastAt = Number.NEGATIVE_INFINITY;

/** Draws with the next new numbers, within `numbersEveryMs`. */
export function askNumbers(draw: () => void): void {
  numbered.add(draw);
  if (timed) return;
  timed = true;
  const deliver = () => {
    timed = false;
    lastAt = performance.now();
    for (const d of numbered) askFrame(d);
    numbered.clear();
  };
  setTimeout(deliver, Math.max(0, lastAt + numbersEveryMs - performance.now()));
}

export const dropFrame = (draw: () => void): void => {
  waiting.delete(draw);
  numbered.delete(draw);
};

type Subscribe = (listener: () => void) => () => void;

/** A subscription whose listener is called with the next new numbers. */
export const withNumbers =
  (subscribe: Subscribe): Subscribe =>
  (listener) => {
    const stop = subscribe(() => askNumbers(listener));
    return () => {
      stop();
      dropFrame(listener);
    };
  };

// A hidden tab has no frames: what waits for one runs at once, because the tab's title and its notifications depend on it.
if (typeof document !== 'undefined')
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) return;
    for (const draw of numbered) waiting.add(draw);
    numbered.clear();
    drawNow();
  });
