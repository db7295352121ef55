import type { Clock } from '~/server/base/clock';

/** Time that a test advances by hand. Tasks run in the order of their due time, with `now` at that time. */
export interface FakeClock extends Clock {
  advance(ms: number): void;
  /** Tasks that wait for their time. */
  waiting(): number;
}

export function fakeClock(start = 1_000_000): FakeClock {
  let now = start;
  let made = 0;
  const tasks = new Map<number, { at: number; run: () => void }>();
  return {
    now: () => now,
    after(ms, run) {
      const id = made++;
      tasks.set(id, { at: now + ms, run });
      return () => tasks.delete(id);
    },
    waiting: () => tasks.size,
    advance(ms) {
      const until = now + ms;
      for (;;) {
        const due = [...tasks].filter(([, t]) => t.at <= until).sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
        if (!due) break;
        const [id, { at, run }] = due;
        tasks.delete(id);
        now = Math.max(now, at);
        run();
      }
      now = until;
    },
  };
}
