import type { Actor } from './ids';

export interface Watcher {
  actor: Actor;
  /** Number of tabs in which this person has this run open. */
  tabs: number;
}

/** The people who watch a run. */
export interface Watching {
  /** Those who came first, at most `mostPeopleListed`. */
  listed: Watcher[];
  /** All of them, and the tabs in which they have the run open. */
  people: number;
  tabs: number;
}
export const nobodyWatches: Watching = { listed: [], people: 0, tabs: 0 };

/** Every change goes to every viewer: without these bounds the bytes would grow with the square of the number of viewers. */
export const mostPeopleListed = 100;
export const mostLooks = 50;
