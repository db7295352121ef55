import { useEffect, useState } from 'react';

/** Time per frame that the work may use. */
const sliceMs = 8;

/** Runs a generator in slices between frames; it yields its progress, 0 to 1. Restarts when `start` changes; the previous value stays until the new one is ready. */
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
