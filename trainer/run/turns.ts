import { setImmediate } from 'node:timers';

/**
 * Lets work beside training run one piece at a time: when the loop gives it a turn, or, while there is no loop that needs the backend, as it comes with a turn of
 * the event loop in between.
 */
export class Turns {
  readonly #waiting: ((done: () => void) => void)[] = [];
  #running: Promise<void> | null = null;
  #free = false;

  /** Does `work` in a turn of its own. */
  async take<T>(work: () => T | Promise<T>): Promise<T> {
    const done = await new Promise<() => void>((go) => {
      this.#waiting.push(go);
      this.#soon();
    });
    try {
      return await work();
    } finally {
      done();
    }
  }

  /** Lets the next piece run, if one waits, and waits for its end. */
  async once(): Promise<void> {
    const go = this.#waiting.shift();
    if (!go) return;
    this.#running = new Promise<void>(go);
    await this.#running;
    this.#running = null;
    this.#soon();
  }

  /** From now on pieces run as they come. */
  free(): void {
    this.#free = true;
    this.#soon();
  }

  /** From now on they wait for `once`. Resolves when none runs. */
  async hold(): Promise<void> {
    this.#free = false;
    await this.#running;
  }

  #soon(): void {
    if (this.#free && this.#waiting.length > 0 && !this.#running)
      setImmediate(() => {
        if (this.#free && !this.#running) void this.once();
      });
  }
}
