import { type RefObject, useEffect, useState } from 'react';

/**
 * Size of an element in whole CSS pixels; 0 x 0 before the browser has laid it out. Never asks for a layout itself: with many charts on a
 * page each question would lay out the whole page.
 *
 * @param expected used until then, where the size is known before
 */
export function useSize(
  ref: RefObject<HTMLElement | null>,
  expected = { width: 0, height: 0 },
): { width: number; height: number } {
  const [size, setSize] = useState(expected);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => {
      const width = Math.floor(element.clientWidth);
      const height = Math.floor(element.clientHeight);
      setSize((old) => (old.width === width && old.height === height ? old : { width, height }));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return size;
}
