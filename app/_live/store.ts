import { call, Listeners } from './listeners';
import type { Source } from './select';

/** A state outside React that several parts of the page share. */
export interface Store<S> extends Source<S> {
  set(change: Partial<S>): void;
}

/** @param soon calls its argument once a little later, so that several changes are told as one; without it each change is told at once */
export function createStore<S extends object>(start: S, soon: (tell: () => void) => void = (tell) => tell()): Store<S> {
  let state = start;
  let waiting = false;
  const listeners = new Listeners();
  const tell = () => {
    waiting = false;
    listeners.each(call);
  };
  return {
    get: () => state,
    subscribe: listeners.add,
    set: (change) => {
      state = { ...state, ...change };
      if (waiting) return;
      waiting = true;
      soon(tell);
    },
  };
}
