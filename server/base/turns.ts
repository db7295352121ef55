import type { Job } from './jobs';

/** At most `atOnce` works of a kind at a time; the others wait in the order in which they came. */
export class Turns {
  #working = 0;
  readonly #waiting = new Set<() => void>();

  /** @param kind in the plural: "imports" */
  constructor(
    private readonly kind: string,
    private readonly atOnce: number,
  ) {}

  get idle(): boolean {
    return this.#working === 0;
  }

  /** Does `work` when its turn has come. @throws what the job was aborted with while it waited */
  async during<T>(job: Pick<Job, 'progress' | 'signal'>, work: () => Promise<T>): Promise<T> {
    await this.#turn(job);
    try {
      job.signal.throwIfAborted();
      return await work();
    } finally {
      const [next] = this.#waiting;
      // The next one takes over the place.
      if (next) next();
      else this.#working--;
    }
  }

  async #turn({ progress, signal }: Pick<Job, 'progress' | 'signal'>): Promise<void> {
    signal.throwIfAborted();
    if (this.#working < this.atOnce) {
      this.#working++;
      return;
    }
    const before = this.#working + this.#waiting.size;
    progress({ doing: `waiting for ${before} other ${this.kind}`, done: 0, total: 0, unit: 'bytes' });
    await new Promise<void>((resolve, reject) => {
      const go = () => {
        this.#waiting.delete(go);
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.delete(go);
        reject(signal.reason);
      };
      this.#waiting.add(go);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
