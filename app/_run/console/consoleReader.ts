import { api } from '~/app/_trpc/client';
import type { ConsolePart } from '~/shared/media';

export interface Shown {
  parts: ConsolePart[];
  /** There are more parts before these. */
  earlier: boolean;
  error: string | null;
}

type Ask = typeof api.runs.console.query;

const page = 200;
/** After a request that failed, time before the next one. */
const retryMs = 5000;
/** Largest number of parts on the page; older ones are loaded again on demand. */
const most = 2000;

/** Reads the output of a run in parts: the newest first, then new ones, and earlier ones on demand. One request at a time. */
export class ConsoleReader {
  shown: Shown = { parts: [], earlier: false, error: null };
  #asked = 0;
  #newest = 0;
  #busy = false;
  #closed = false;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly runId: string,
    readonly search: string,
    private readonly onChange: (shown: Shown) => void,
    private readonly ask: Ask = (query) => api.runs.console.query(query),
  ) {}

  /** Called when the log has a new part, with its seq. */
  newest(seq: number): void {
    this.#newest = Math.max(this.#newest, seq);
    void this.#readOn();
  }

  earlier(): void {
    const before = this.shown.parts[0]?.seq;
    if (before === undefined || this.#busy) return;
    // What is new meanwhile is read afterwards.
    void this.#turn(async () => {
      const { parts, more } = await this.ask({ runId: this.runId, search: this.search, before, limit: page });
      this.#show({ parts: [...parts, ...this.shown.parts], earlier: more, error: null });
    }).then(() => this.#readOn());
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#again);
  }

  async #readOn(): Promise<void> {
    while (!this.#busy && !this.#closed && this.#asked < this.#newest) {
      const upTo = this.#newest;
      await this.#turn(async () => {
        const first = this.#asked === 0;
        const { parts, more } = await this.ask({
          runId: this.runId,
          search: this.search,
          limit: first ? page : 1000,
          ...(!first && { after: this.#asked }),
        });
        // If many parts arrived meanwhile, there may be another page.
        this.#asked = !first && more ? parts.at(-1)!.seq : upTo;
        const all = [...this.shown.parts, ...parts];
        const kept = all.slice(-most);
        this.#show({ parts: kept, earlier: first ? more : this.shown.earlier || kept.length < all.length, error: null });
      });
      if (this.shown.error) {
        clearTimeout(this.#again);
        this.#again = setTimeout(() => void this.#readOn(), retryMs);
        return;
      }
    }
  }

  async #turn(work: () => Promise<void>): Promise<void> {
    this.#busy = true;
    try {
      await work();
    } catch (error) {
      this.#show({ ...this.shown, error: error instanceof Error ? error.message : String(error) });
    } finally {
      this.#busy = false;
    }
  }

  #show(shown: Shown): void {
    this.shown = shown;
    if (!this.#closed) this.onChange(shown);
  }
}
