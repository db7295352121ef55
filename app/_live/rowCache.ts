import type { Steps } from '~/shared/events';
import type { RangeAnswer, RangeQuestion } from './history';

const CHUNK = 256;
const MAX_CHUNKS = 48;

interface Chunk {
  /** Rows of these series; one not in here has not been asked for. `none`: the run has no such series, or reading it failed. */
  series: Map<string, Float64Array | 'reading' | 'none'>;
  headStep: number;
}

/** Raw rows around the places people point at, so that tooltips show exact values whatever the zoom. Bounded; the oldest go first. */
export class RowCache {
  private readonly chunks = new Map<number, Chunk>();
  private generation = 0;

  constructor(
    private readonly read: (question: RangeQuestion) => Promise<RangeAnswer>,
    private readonly changed: () => void,
  ) {}

  /** undefined while being read, null when there is no such row. `wanted`: what to read along with it. */
  value(name: string, step: number, wanted: ReadonlyMap<string, unknown>): number | null | undefined {
    if (step < 0) return null;
    const at = Math.floor(step / CHUNK) * CHUNK;
    const chunk = this.touch(at);
    const have = chunk.series.get(name);
    if (have === 'reading') return undefined;
    if (have === 'none') return null;
    if (have) return step < chunk.headStep ? have[step - at]! : null;
    const names = [...new Set([name, ...wanted.keys()])].filter((n) => !chunk.series.has(n)).slice(0, 64);
    if (!names.includes(name)) names.push(name);
    void this.fetch(at, names, chunk);
    return undefined;
  }

  /** Rows that arrive go where they belong; only chunks looked at are kept up to date. */
  append(event: Steps, columns: ReadonlyMap<string, number>, width: number): void {
    for (const [at, chunk] of this.chunks) {
      const from = Math.max(event.firstStep, at, chunk.headStep);
      const to = Math.min(event.firstStep + event.count, at + CHUNK);
      if (from >= to) continue;
      if (from > chunk.headStep) {
        this.chunks.delete(at);
        continue;
      }
      for (const [name, rows] of chunk.series) {
        const column = columns.get(name);
        if (typeof rows === 'string' || column === undefined) continue;
        for (let s = from; s < to; s++) rows[s - at] = event.values[(s - event.firstStep) * width + column]!;
      }
      chunk.headStep = to;
    }
  }

  clear(): void {
    this.generation++;
    this.chunks.clear();
  }

  private touch(at: number): Chunk {
    const chunk = this.chunks.get(at) ?? { series: new Map(), headStep: at };
    this.chunks.delete(at);
    this.chunks.set(at, chunk);
    if (this.chunks.size > MAX_CHUNKS) this.chunks.delete(this.chunks.keys().next().value!);
    return chunk;
  }

  private async fetch(at: number, names: string[], chunk: Chunk): Promise<void> {
    const { generation } = this;
    for (const n of names) chunk.series.set(n, 'reading');
    try {
      const answer = await this.read({ series: names, fromStep: at, toStep: at + CHUNK, buckets: CHUNK });
      if (generation !== this.generation) return;
      const head = Math.min(at + CHUNK, answer.headStep);
      // Rows may have arrived meanwhile, for series that this answer does not cover: the smaller head holds for all of them.
      chunk.headStep = chunk.headStep === at ? Math.max(at, head) : Math.min(chunk.headStep, Math.max(at, head));
      for (const n of names) {
        const rows = new Float64Array(CHUNK).fill(Number.NaN);
        const from = answer.series[n];
        if (!from || answer.bucketSteps !== 1) {
          chunk.series.set(n, 'none');
          continue;
        }
        for (let i = 0; i < answer.count; i++) if (answer.rows[i]! > 0) rows[answer.firstStep + i - at] = from.last[i]!;
        chunk.series.set(n, rows);
      }
    } catch {
      // The chart keeps showing the bucket's range; a reconnection clears the cache and asks again.
      for (const n of names) if (chunk.series.get(n) === 'reading') chunk.series.set(n, 'none');
    }
    this.changed();
  }
}
