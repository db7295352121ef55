/** The server's time, used because this computer's clock may be hours off, and when the last message arrived. */

/**
 * After this time without messages the page says that none arrive. The server sends its time every second: with `lookEveryMs`, whoever looks at a line that
 * stopped reads so within three seconds.
 */
export const silentAfterMs = 2_400;
export const lookEveryMs = 200;
/** A look that comes later than this after the one before finds messages that wait behind it: the page itself stood still. */
const stoodStillMs = 1_000;

const samples = 10;

export class ServerTime {
  /**
   * Server minus local time, ms, of the newest messages. Delays make the difference too small, so the largest is the best
   * estimate.
   */
  readonly #differences: number[] = [];
  #heardAt: number | null = null;
  #lookedAt = Number.POSITIVE_INFINITY;
  readonly #whenKnown = new Set<() => void>();

  /** Records a message with the server's time. @param localNow ms since 1970 here @param elapsed ms on a monotonic clock */
  hear(serverNow: number, localNow: number, elapsed: number): void {
    this.#differences.push(serverNow - localNow);
    if (this.#differences.length > samples) this.#differences.shift();
    this.#heardAt = elapsed;
    if (this.#differences.length > 1) return;
    for (const known of this.#whenKnown) known();
  }

  /** Calls `known` when the server has said its time for the first time; until then `now` is local time. @returns cancels */
  whenKnown(known: () => void): () => void {
    this.#whenKnown.add(known);
    return () => this.#whenKnown.delete(known);
  }

  /** Records any other message, or that the connection is open: the server is reachable. */
  heard(elapsed: number): void {
    this.#heardAt = elapsed;
  }

  /** The connection is gone. */
  reset(): void {
    this.#heardAt = null;
  }

  /** Estimated server time, ms since 1970. */
  now(localNow: number): number {
    return this.#differences.length === 0 ? localNow : localNow + Math.max(...this.#differences);
  }

  /** How long nothing has arrived over an open connection, ms; 0 while that is shorter than `silentAfterMs`; null: look again. */
  look(elapsed: number): number | null {
    const stoodStill = elapsed - this.#lookedAt > stoodStillMs;
    // The look after that decides, however late it is: a hidden page may look only once a minute.
    this.#lookedAt = stoodStill ? Number.POSITIVE_INFINITY : elapsed;
    if (stoodStill) return null;
    const silent = this.#heardAt === null ? 0 : elapsed - this.#heardAt;
    return silent > silentAfterMs ? silent : 0;
  }
}

/** For this tab's one connection. */
export const serverTime = new ServerTime();
