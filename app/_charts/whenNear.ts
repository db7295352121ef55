import { askFrame } from './drawLoop';

/** Distance from the visible area at which an element counts as near. */
const margin = '300px';
/** Time of one frame for charts that come into view; at least one is mounted. The others follow in the next frames. */
const budgetMs = 6;

/** `width`: of the element, in CSS pixels. */
type Tell = (near: boolean, width: number) => void;

const told = new Map<Element, Tell>();
/** Changes that are not reported yet; of an element that comes and goes again, none is. */
const changes = new Map<Element, { near: boolean; width: number }>();
const reported = new WeakMap<Element, boolean>();
let observer: IntersectionObserver | null = null;

function report(): void {
  const startedAt = performance.now();
  // What comes into view goes first: a chart that has left costs nothing more.
  const order = [...changes].sort(([, a], [, b]) => Number(b.near) - Number(a.near));
  for (const [element, { near, width }] of order) {
    changes.delete(element);
    reported.set(element, near);
    told.get(element)?.(near, width);
    if (performance.now() - startedAt > budgetMs) break;
  }
  if (changes.size > 0) askFrame(report);
}

/**
 * Reports when an element comes near the visible area and when it leaves, in so small portions that scrolling stays smooth however much
 * comes into view.
 *
 * @returns stop
 */
export function whenNear(element: Element, tell: Tell): () => void {
  observer ??= new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting, boundingClientRect } of entries) {
        if (isIntersecting === (reported.get(target) ?? false)) changes.delete(target);
        else changes.set(target, { near: isIntersecting, width: boundingClientRect.width });
      }
      if (changes.size > 0) askFrame(report);
    },
    // The second is for elements in a panel that scrolls.
    { rootMargin: margin, scrollMargin: margin } as IntersectionObserverInit,
  );
  told.set(element, tell);
  observer.observe(element);
  return () => {
    observer?.unobserve(element);
    told.delete(element);
    changes.delete(element);
    reported.delete(element);
  };
}
