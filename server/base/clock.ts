/** Time as the cores see it, so that tests advance it by hand. */
export interface Clock {
  /** ms since 1970 */
  now(): number;
  /** Runs `task` once, `ms` from now; the result cancels it. */
  after(ms: number, task: () => void): () => void;
}

export const realClock: Clock = {
  now: Date.now,
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};
