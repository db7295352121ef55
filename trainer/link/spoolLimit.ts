/** Whether the spool has room for more events: training waits while it is full, or cannot be written. */
import type { HeldRun } from './heldRun';
import type { LinkHost } from './linkHost';
import { gauge } from './messages';

/** Between tries to write to a disk that is full. */
const spoolAgainMs = 1_000;

export class SpoolLimit {
  #cancel: (() => void) | null = null;

  /**
   * @param shared the gauge that the training loop reads
   * @param bound bytes that the spool may hold
   * @param again called when it is time to try a disk again that could not be written
   */
  constructor(
    private readonly shared: Int32Array,
    private readonly bound: number,
    private readonly host: Pick<LinkHost, 'after'>,
    private readonly log: (line: string) => void,
    private readonly again: () => void,
  ) {}

  /** Writes to the spool what was put, and compares it with its bound; a full spool opens again once 10 % is free. */
  measure(held: HeldRun | null): void {
    const problem = held?.spoolWaiting() ?? null;
    const bytes = held?.spool.bytes ?? 0;
    const full = Atomics.load(this.shared, gauge.spoolFull) === 1;
    if (problem !== null)
      this.#cancel ??= this.host.after(spoolAgainMs, () => {
        this.#cancel = null;
        this.again();
      });
    if (!full && (problem !== null || bytes > this.bound)) {
      this.log(
        problem !== null
          ? `HEADROOM_DATA ${problem}; training waits until it can be written`
          : `the spool is full (${bytes} bytes, HEADROOM_SPOOL_BYTES is ${this.bound}): training waits until the server takes events again`,
      );
      Atomics.store(this.shared, gauge.spoolFull, 1);
    } else if (full && problem === null && bytes <= 0.9 * this.bound) {
      this.log('the spool has room again: training goes on');
      Atomics.store(this.shared, gauge.spoolFull, 0);
    }
  }

  close(): void {
    this.#cancel?.();
  }
}
