/** One animation-frame callback for all charts of the page: a chart is drawn at most once per frame, and only after a change. */

const waiting = new Set<() => void>();
let asked = false;

/** Draws in the next frame: for pointer movement and choices. */
export function askFrame(draw: () => void): void {
  waiting.add(draw);
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    const now = [...waiting];
    waiting.clear();
    for (const d of now) d();
  });
}

/** Interval at which new numbers reach all charts, in one frame: a curve that grows by less than a pixel looks the same at 8 as at 60 frames a second. */
const numbersEveryMs = 120;
const numbered = new Set<() => void>();
let timed = false;
let lastAt = Number.NEGATIVE_INFINITY;

/** Draws within `numbersEveryMs`: for new numbers. */
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
