import { setImmediate } from 'node:timers';

/**
 * Runs work beside training one piece at a time: when the training loop gives it a turn or, while no loop needs the backend, freely with a turn of
 * the event loop in between.
 */
export class Turns {
  readonly #waiting: ((done: () => void) => void)[] = [];
  #running: Promise<void> | null = null;
  #free = false;

  /** Runs `work` in its own turn. */
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

  /** Runs the next waiting piece, if any, and waits for its end. */
  async once(): Promise<void> {
    const go = this.#waiting.shift();
    if (!go) return;
    this.#running = new Promise<void>(go);
    await this.#running;
    this.#running = null;
    this.#soon();
  }

  /** From now on pieces run without waiting for `once`. */
  free(): void {
    this.#free = true;
    this.#soon();
  }

  /** From now on pieces wait for `once`. Resolves when no piece is running. */
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

/** Work of which every forward pass takes a turn; `outcome` is null until it is done. */
export class InTurns<T> {
  readonly turns = new Turns();
  outcome: { ok: true; value: T } | { ok: false; why: string } | null = null;

  constructor(work: (turns: Turns) => Promise<T>) {
    work(this.turns).then(
      (value) => {
        this.outcome = { ok: true, value };
      },
      (error: unknown) => {
        this.outcome = { ok: false, why: error instanceof Error ? error.message : String(error) };
      },
    );
  }
}
