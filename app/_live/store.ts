import type { Source } from './select';

/** A state outside React that several parts of the page share. */
export interface Store<S> extends Source<S> {
  set(change: Partial<S>): void;
}

/** @param soon calls its argument once a little later, so that several changes are told as one; without it each change is told at once */
export function createStore<S extends object>(start: S, soon: (tell: () => void) => void = (tell) => tell()): Store<S> {
  let state = start;
  let waiting = false;
  const listeners = new Set<() => void>();
  const tell = () => {
    waiting = false;
    for (const listener of [...listeners]) listener();
  };
  return {
    get: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set: (change) => {
      state = { ...state, ...change };
      if (waiting) return;
      waiting = true;
      soon(tell);
    },
  };
}
