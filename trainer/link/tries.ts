/** The tries of a link to reach its server: how long it waits between them, and what it says of those that fail. */
import { type LinkHost, retryMs } from './linkHost';

export class Tries {
  #failures = 0;
  #lastComplaint = '';

  constructor(
    private readonly host: Pick<LinkHost, 'random'>,
    private readonly log: (line: string) => void,
  ) {}

  /** Doubles from 100 ms to 5 s; half of each delay is random, so that many trainers do not reconnect at the same time. */
  backoffMs(): number {
    const most = Math.min(retryMs.most, retryMs.first * 2 ** this.#failures++);
    return most * (0.5 + 0.5 * this.host.random());
  }

  /** Logs one line per new kind of error, not one per try. */
  complain(line: string): void {
    if (line !== this.#lastComplaint) this.log(line);
    this.#lastComplaint = line;
  }

  /** A try succeeded. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** The server has taken the trainer: the next error is news, also if it is the same one. */
  registered(): void {
    this.succeeded();
    this.#lastComplaint = '';
  }
}
