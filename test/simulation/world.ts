/**
 * The time, the randomness and the history of one simulated life. Everything in it happens as an event at a time of its own clock;
 * everything random is drawn from the seed, so the same seed gives the same life.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '~/server/base/clock';
import { seeded } from '~/test/support/seeded';

interface Task {
  at: number;
  /** Tasks of the same time run in the order in which they were made. */
  number: number;
  run: () => void;
}

/** A rule does not hold. The message names the seed. */
export class Violation extends Error {
  override name = 'Violation';
}

export class World {
  now = 0;
  /** Events so far. */
  events = 0;
  /** How far the wall clock is from `now`, ms: people set it. */
  wallOffset = 1_700_000_000_000;
  /** The first rule that did not hold. */
  violation: Violation | null = null;
  readonly #random: () => number;
  #tasks: Task[] = [];
  #made = 0;
  #ids = 0;
  readonly #history: string[] = [];

  constructor(readonly seed: number) {
    this.#random = seeded(seed);
  }

  /** 0 <= r < 1 */
  random = (): number => this.#random();
  /** An integer, 0 <= i < n. */
  below = (n: number): number => Math.floor(this.random() * n);
  between = (low: number, high: number): number => low + this.random() * (high - low);
  chance = (share: number): boolean => this.random() < share;
  pick = <T>(from: readonly T[]): T => from[this.below(from.length)]!;
  newId = (prefix = 'id'): string => `${prefix}${String(++this.#ids).padStart(8, '0')}`;

  after = (ms: number, run: () => void): (() => void) => this.at(this.now + Math.max(0, ms), run);

  at = (time: number, run: () => void): (() => void) => {
    const task: Task = { at: time, number: this.#made++, run };
    let low = 0;
    let high = this.#tasks.length;
    // Latest first, so that the next one is taken from the end.
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#tasks[middle]!;
      if (other.at > task.at || (other.at === task.at && other.number > task.number)) low = middle + 1;
      else high = middle;
    }
    this.#tasks.splice(low, 0, task);
    return () => {
      task.run = () => {};
    };
  };

  /** The clock of one process: when the process is dead, none of its tasks run. */
  clockOf(process: { alive: boolean }): Clock {
    return {
      now: () => Math.round(this.wallOffset + this.now),
      elapsed: () => this.now,
      after: (ms, run) => this.after(ms, () => process.alive && run()),
    };
  }

  /** Runs events until `until`, in ms, or until `done`. @throws Violation */
  async run(until: number, done: () => boolean = () => false): Promise<void> {
    while (!done()) {
      const next = this.#tasks.at(-1);
      if (!next || next.at > until) {
        this.now = Math.max(this.now, until);
        return;
      }
      this.#tasks.pop();
      this.now = next.at;
      this.events++;
      next.run();
      // Everything that only waits for promises happens now.
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.violation) throw this.violation;
    }
  }

  note(what: string): void {
    this.#history.push(`${this.now.toFixed(1)} ms: ${what}`);
  }

  /** What happened, one line each. */
  get history(): readonly string[] {
    return this.#history;
  }

  /** Records that a rule does not hold; the life ends after this event. */
  violate(rule: string): void {
    const last = this.#history.slice(-40).join('\n');
    this.violation ??= new Violation(`seed ${this.seed}, event ${this.events}: ${rule}\nwhat happened last:\n${last}`);
  }

  check(holds: boolean, rule: () => string): void {
    if (!holds) this.violate(rule());
  }

  same(is: unknown, expected: unknown, rule: () => string): void {
    if (!isDeepStrictEqual(is, expected))
      this.violate(`${rule()}: is ${JSON.stringify(is)?.slice(0, 1500)}, expected ${JSON.stringify(expected)?.slice(0, 1500)}`);
  }
}
