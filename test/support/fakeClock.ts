import type { Clock } from '~/server/base/clock';

/** Time that a test advances by hand. Tasks run in the order of their due time, with `now` at that time. */
export interface FakeClock extends Clock {
  advance(ms: number): void;
  /** Simulates that somebody sets the clock: `now` changes by `ms`, which may be negative, and no time passes. */
  jump(ms: number): void;
  /** Number of tasks that wait for their time. */
  waiting(): number;
}

export function fakeClock(start = 1_000_000): FakeClock {
  let elapsed = 0;
  let offset = start;
  let made = 0;
  const tasks = new Map<number, { at: number; run: () => void }>();
  return {
    now: () => elapsed + offset,
    elapsed: () => elapsed,
    after(ms, run) {
      const id = made++;
      tasks.set(id, { at: elapsed + ms, run });
      return () => tasks.delete(id);
    },
    waiting: () => tasks.size,
    advance(ms) {
      const until = elapsed + ms;
      for (;;) {
        const due = [...tasks].filter(([, t]) => t.at <= until).sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
        if (!due) break;
        const [id, { at, run }] = due;
        tasks.delete(id);
        elapsed = Math.max(elapsed, at);
        run();
      }
      elapsed = until;
    },
    jump(ms) {
      offset += ms;
    },
  };
}
