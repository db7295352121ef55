/** One animation-frame callback for all charts of the page: each is drawn at most once a frame, and not at all while nothing changed. */

const waiting = new Set<() => void>();
let asked = false;

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

export const dropFrame = (draw: () => void): void => {
  waiting.delete(draw);
};
