/** One line that shows the progress of a long job: rewritten in place on a terminal, printed every few seconds elsewhere. */
export class ProgressLine {
  readonly #startedMs: number;
  #shownMs = Number.NEGATIVE_INFINITY;
  #startedAt: number | null = null;
  #onScreen = false;

  constructor(
    private readonly out: { write(text: string): unknown; isTTY?: boolean },
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.#startedMs = clock();
  }

  /** @param unit formats an amount: "12 MB", "300 pictures"  @param total null = unknown */
  show(what: string, done: number, total: number | null, unit: (n: number) => string): void {
    this.#startedAt ??= done;
    const now = this.clock();
    const finished = done === total;
    if (!finished && now - this.#shownMs < (this.out.isTTY ? 100 : 5000)) return;
    this.#shownMs = now;
    const perMs = (done - this.#startedAt) / (now - this.#startedMs);
    const rate = perMs > 0 ? `, ${unit(perMs * 1000)}/s` : '';
    const eta = perMs > 0 && total !== null && !finished ? `, ${duration((total - done) / perMs)} left` : '';
    const share = total === null ? unit(done) : `${((100 * done) / total).toFixed(1)} %, ${unit(done)} of ${unit(total)}`;
    this.#print(`${what}: ${share}${rate}${eta}`);
    if (finished) this.end();
  }

  /** Prints a separate line. */
  line(text: string): void {
    this.end();
    this.out.write(`${text}\n`);
  }

  /** Ends the line that is rewritten in place; it stays visible. */
  end(): void {
    if (this.#onScreen) this.out.write('\n');
    this.#onScreen = false;
  }

  #print(text: string): void {
    if (!this.out.isTTY) {
      this.out.write(`${text}\n`);
      return;
    }
    this.out.write(`\r\x1b[K${text}`);
    this.#onScreen = true;
  }
}

export function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
