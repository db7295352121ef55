import { BudgetError } from '~/server/store';
import type { Cost } from './reduce';

/** Work that can pause between two steps; each step yields how many numbers it read. */
export type Work<T> = Generator<Cost, T>;

/** Most numbers that one query may read: several seconds of work. */
export const BUDGET = 400_000_000;

/** Runs it to the end without pause. @throws BudgetError */
export function finish<T>(work: Work<T>, budget = BUDGET): T {
  let spent = 0;
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    spent = within(spent + value, budget);
  }
}

/** Continues for about `ms`. @returns the answer, or null when there is more to do. @throws BudgetError */
export class Slices<T> {
  #spent = 0;

  constructor(
    private readonly work: Work<T>,
    private readonly budget = BUDGET,
  ) {}

  next(ms: number, now: () => number = performance.now.bind(performance)): { value: T } | null {
    const until = now() + ms;
    do {
      const { done, value } = this.work.next();
      if (done) return { value };
      this.#spent = within(this.#spent + value, this.budget);
    } while (now() < until);
    return null;
  }

  /** Stops the work and frees its resources. */
  stop(): void {
    this.work.return(undefined as never);
  }
}

function within(spent: number, budget: number): number {
  if (spent > budget) throw new BudgetError(budget);
  return spent;
}
