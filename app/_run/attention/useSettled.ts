import { startTransition, useEffect, useRef, useState } from 'react';

const everyMs = 400;

/** The newest value, at most every 400 ms: for numbers that nobody reads while they change in every frame, and that take long to compute. */
export function useSettled<T>(newest: T): T {
  const [settled, setSettled] = useState(newest);
  const last = useRef(0);
  useEffect(() => {
    const settle = () => {
      last.current = performance.now();
      startTransition(() => setSettled(newest));
    };
    const timer = setTimeout(settle, last.current + everyMs - performance.now());
    return () => clearTimeout(timer);
  }, [newest]);
  return settled;
}
