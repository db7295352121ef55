import { debiased, type EmaState, emaNext } from '~/shared/ema';
import type { Steps } from '~/shared/events';
import type { RangeAnswer, RangeQuestion } from './levelReader';

const CHUNK = 256;
const MAX_CHUNKS = 48;

interface Rows {
  values: Float64Array;
  /** 1 where the run has the row: a branch begins at its fork. */
  present: Uint8Array;
  /** null: read without a moving average. `end`: its state before step `at`, null once it cannot go on. */
  ema: { values: Float64Array; weight: number; end: EmaState | null; at: number } | null;
}

interface Chunk {
  /** Rows of these series; one not in here has not been asked for. `none`: the run has no such series, or reading it failed. */
  series: Map<string, Rows | 'reading' | 'none'>;
  headStep: number;
}

/** Raw rows around the places people point at, so that tooltips show exact values whatever the zoom. Bounded; the oldest go first. */
export class RowCache {
  private readonly chunks = new Map<number, Chunk>();
  private generation = 0;

  constructor(
    private readonly read: (question: RangeQuestion) => Promise<RangeAnswer>,
    private readonly changed: () => void,
    /** Weight of a series' moving average; null = none. */
    private readonly weightOf: (name: string) => number | null,
  ) {}

  /** undefined while being read, null when there is no such row. `wanted`: what to read along with it. */
  value(name: string, step: number, wanted: ReadonlyMap<string, unknown>): number | null | undefined {
    return this.at(name, step, wanted, ({ values }, i) => values[i]!);
  }

  /** The moving average, as `value`. */
  average(name: string, step: number, wanted: ReadonlyMap<string, unknown>): number | null | undefined {
    return this.at(name, step, wanted, ({ ema }, i) => ema?.values[i] ?? null);
  }

  private at(
    name: string,
    step: number,
    wanted: ReadonlyMap<string, unknown>,
    pick: (rows: Rows, i: number) => number | null,
  ): number | null | undefined {
    if (step < 0) return null;
    const at = Math.floor(step / CHUNK) * CHUNK;
    const chunk = this.touch(at);
    const have = chunk.series.get(name);
    if (have === 'reading') return undefined;
    if (have === 'none') return null;
    if (have) return step < chunk.headStep && have.present[step - at] === 1 ? pick(have, step - at) : null;
    const names = [...new Set([name, ...wanted.keys()])].filter((n) => !chunk.series.has(n)).slice(0, 64);
    for (const weight of new Set(names.map(this.weightOf)))
      void this.fetch(
        at,
        names.filter((n) => this.weightOf(n) === weight),
        chunk,
        weight,
      );
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
        for (let s = from; s < to; s++) add(rows, s, s - at, event.values[(s - event.firstStep) * width + column]!);
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

  private async fetch(at: number, names: string[], chunk: Chunk, smoothing: number | null): Promise<void> {
    const { generation } = this;
    for (const n of names) chunk.series.set(n, 'reading');
    try {
      const answer = await this.read({ series: names, fromStep: at, toStep: at + CHUNK, buckets: CHUNK, smoothing });
      if (generation !== this.generation) return;
      const head = Math.max(at, Math.min(at + CHUNK, answer.headStep));
      // Rows may have arrived meanwhile, for series that this answer does not cover: the smaller head holds for all of them.
      chunk.headStep = chunk.headStep === at ? head : Math.min(chunk.headStep, head);
      for (const n of names) chunk.series.set(n, rowsOf(answer, n, at, head, smoothing));
    } catch {
      // The chart keeps showing the bucket's range; a reconnection clears the cache and asks again.
      for (const n of names) if (chunk.series.get(n) === 'reading') chunk.series.set(n, 'none');
    }
    this.changed();
  }
}

function rowsOf(answer: RangeAnswer, name: string, at: number, head: number, weight: number | null): Rows | 'none' {
  const from = answer.series[name];
  if (!from || answer.bucketSteps !== 1) return 'none';
  const spread = (column: Float64Array) => {
    const out = new Float64Array(CHUNK).fill(Number.NaN);
    for (let i = 0; i < answer.count; i++) if (answer.rows[i]! > 0) out[answer.firstStep + i - at] = column[i]!;
    return out;
  };
  const present = new Uint8Array(CHUNK);
  for (let i = 0; i < answer.count; i++) if (answer.rows[i]! > 0) present[answer.firstStep + i - at] = 1;
  return {
    values: spread(from.last),
    present,
    ema: weight !== null && from.ema ? { values: spread(from.ema), weight, end: from.emaEnd ?? null, at: head } : null,
  };
}

function add({ values, present, ema }: Rows, step: number, i: number, value: number): void {
  values[i] = value;
  present[i] = 1;
  if (!ema) return;
  if (ema.end && ema.at === step) ema.end = emaNext(ema.end, ema.weight, value);
  // A row it has gone through already keeps its average; one beyond a gap has none.
  else if (step < ema.at) return;
  else ema.end = null;
  ema.at = step + 1;
  ema.values[i] = ema.end && Number.isFinite(value) ? debiased(ema.end.value, ema.end.seen, ema.weight) : Number.NaN;
}
