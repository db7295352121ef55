/** Time, injected so that tests can advance it by hand. */
export interface Clock {
  /** ms since 1970: a date to store and show. People and time services set it, so it may jump in either direction. */
  now(): number;
  /** ms from an unspecified start; never decreases. Every duration, interval and limit is measured with it. */
  elapsed(): number;
  /** Runs `task` once, `ms` from now; the result cancels it. */
  after(ms: number, task: () => void): () => void;
}

export const realClock: Clock = {
  now: Date.now,
  elapsed: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};
