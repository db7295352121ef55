/** What time it is on the server, and when it was last heard of. The clock of this computer may be hours off; the server's decides. */

/** News later than this makes the page say that none comes. The server sends its time every second. */
export const silentAfterMs = 3_000;

const samples = 10;

export class ServerTime {
  /** Server minus local, ms, of the newest messages. A message that was under way for long makes the difference too small, so the largest is nearest. */
  readonly #differences: number[] = [];
  #heardAt: number | null = null;

  /** A message that says the server's time. @param localNow ms since 1970 by this computer @param elapsed ms on a clock that never goes back */
  hear(serverNow: number, localNow: number, elapsed: number): void {
    this.#differences.push(serverNow - localNow);
    if (this.#differences.length > samples) this.#differences.shift();
    this.#heardAt = elapsed;
  }

  /** Any other message: the server is there. */
  heard(elapsed: number): void {
    if (this.#heardAt !== null) this.#heardAt = elapsed;
  }

  /** The connection is new or gone: silence is counted from its next message on. */
  reset(): void {
    this.#heardAt = null;
  }

  /** ms since 1970 by the server's clock, as well as it is known. */
  now(localNow: number): number {
    return this.#differences.length === 0 ? localNow : localNow + Math.max(...this.#differences);
  }

  /** How long nothing has come over a connection that counts as open, ms; 0 when that is no news yet. */
  silentMs(elapsed: number): number {
    const silent = this.#heardAt === null ? 0 : elapsed - this.#heardAt;
    return silent > silentAfterMs ? silent : 0;
  }
}

/** Of this tab's one connection. */
export const serverTime = new ServerTime();
