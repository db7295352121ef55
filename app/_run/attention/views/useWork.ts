import { useEffect, useState } from 'react';

/** Of every frame, so much may go into the work. */
const sliceMs = 8;

/** Runs a generator between frames, from its beginning whenever `start` is another function; it yields how far it is, 0 to 1. The last value stays until the next. */
export function useWork<T>(start: (() => Generator<number, T>) | null): { value: T | null; progress: number | null } {
  const [state, setState] = useState<{ value: T | null; progress: number | null }>({ value: null, progress: null });
  useEffect(() => {
    if (!start) {
      setState({ value: null, progress: null });
      return;
    }
    const work = start();
    let timer: ReturnType<typeof setTimeout> | null = null;
    const slice = () => {
      const until = performance.now() + sliceMs;
      for (;;) {
        const next = work.next();
        if (next.done) return setState({ value: next.value, progress: null });
        if (performance.now() < until) continue;
        setState((old) => ({ value: old.value, progress: next.value }));
        timer = setTimeout(slice);
        return;
      }
    };
    slice();
    return () => {
      if (timer !== null) clearTimeout(timer);
    };
  }, [start]);
  return state;
}
