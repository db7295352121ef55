import type { Source } from './select';

/** A state outside React that several parts of the page share. */
export interface Store<S> extends Source<S> {
  set(change: Partial<S>): void;
}

export function createStore<S extends object>(start: S): Store<S> {
  let state = start;
  const listeners = new Set<() => void>();
  return {
    get: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set: (change) => {
      state = { ...state, ...change };
      for (const listener of [...listeners]) listener();
    },
  };
}
