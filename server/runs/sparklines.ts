/** The small charts in the lines of the table of runs, read from the store and kept for a while. */
import { LRUCache } from 'lru-cache';
import type { Store } from '~/server/store';
import { meanOf } from '~/shared/pyramid';
import type { Sparkline } from '~/shared/runTable';
import type { RunSummary } from '~/shared/summary';
import { indexOf } from './runValues';

const stretches = 48;
/** Age at which a live run's sparkline is read again. */
const staleMs = 5_000;

export class Sparklines {
  readonly #kept = new LRUCache<string, { seq: number; at: number; line: Promise<Sparkline> }>({ max: 5_000 });

  /** @param elapsed ms, from a monotonic clock */
  constructor(
    private readonly store: Pick<Store, 'range'>,
    private readonly elapsed: () => number,
  ) {}

  /** Of the main series of these runs; runs without one are left out. */
  async of(runs: readonly RunSummary[]): Promise<Sparkline[]> {
    const lines = await Promise.all(runs.map((run) => this.#one(run)));
    return lines.filter((line) => line.steps.length > 0);
  }

  async #one(run: RunSummary): Promise<Sparkline> {
    const { runId } = run;
    const name = indexOf(run).main;
    if (name === null) return { runId, name: '', steps: [], values: [] };
    const now = this.elapsed();
    const last = this.#kept.get(runId);
    if (last && (last.seq === run.updatedAt || now - last.at < staleMs)) return last.line;
    const line = this.store
      .range({ runId, series: [name], fromStep: Number.MIN_SAFE_INTEGER, toStep: null, buckets: stretches })
      .then(({ series }): Sparkline => {
        const [of] = series;
        if (!of) return { runId, name, steps: [], values: [] };
        // Averages: of single values, a long run would show its noise and not its trend. What is not finite stays visible.
        const shown = (last: number, i: number) => (of.nonFinite[i]! > 0 ? last : meanOf(of, of.rows, i));
        return { runId, name, steps: [...of.steps], values: Array.from(of.last, shown) };
      });
    this.#kept.set(runId, { seq: run.updatedAt, at: now, line });
    // A failed read is not cached.
    line.catch(() => this.#kept.delete(runId));
    return line;
  }
}
