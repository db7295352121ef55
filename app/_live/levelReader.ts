import { Curve } from '~/app/_charts/curve';
import type { RangeAnswer } from '~/shared/pyramid';
import type { Arrival, Level } from './levels';

export interface RangeQuestion {
  series: string[];
  fromStep: number;
  /** Exclusive; null = up to the newest row. */
  toStep: number | null;
  buckets: number;
  /** Weight of the moving average, null = none. */
  smoothing: number | null;
  /** Also the nearest row on either side of the range, as buckets of one row, so that lines run to the edge of the plot. */
  around: boolean;
}

export interface HistoryDeps {
  /** The run's step rows by range (tRPC runs.range). */
  read(question: RangeQuestion): Promise<RangeAnswer>;
  /** Runs `then` after a delay; the returned function cancels it. */
  later(then: () => void, ms: number): () => void;
}

/** Most series in one request: answers arrive separately, so the first curves appear while others are still being read. */
export const SERIES_PER_QUESTION = 16;
const AGAIN_MS = 400;

/** Reads curves of a level. Rows that arrive during a read are added; failed reads are repeated with increasing delays. */
export class LevelReader {
  /** Why the last read failed; null when it succeeded. */
  error: string | null = null;
  private failures = 0;
  /** Incremented when answers in progress become invalid. */
  private generation = 0;
  private cancelAgain: (() => void) | null = null;
  private closed = false;

  constructor(
    private readonly deps: HistoryDeps,
    private readonly add: (curve: Curve, arrival: Arrival) => void,
    /** Called when an answer has arrived or failed. */
    private readonly done: () => void,
  ) {}

  read(level: Level, names: readonly string[], weightOf: (name: string) => number | null): void {
    for (const smoothing of new Set(names.map(weightOf))) {
      const alike = names.filter((n) => weightOf(n) === smoothing);
      for (let i = 0; i < alike.length; i += SERIES_PER_QUESTION)
        void this.ask(level, alike.slice(i, i + SERIES_PER_QUESTION), smoothing);
    }
  }

  /** Makes answers in progress invalid. */
  forget(levels: Iterable<Level>): void {
    this.generation++;
    for (const level of levels) level.reading.clear();
  }

  /** Calls `then` once after a delay, however often it is requested. */
  again(then: () => void): void {
    this.cancelAgain ??= this.deps.later(
      () => {
        this.cancelAgain = null;
        if (!this.closed) then();
      },
      Math.min(10_000, AGAIN_MS * 2 ** this.failures),
    );
  }

  close(): void {
    this.closed = true;
    this.cancelAgain?.();
  }

  private async ask(level: Level, names: string[], smoothing: number | null): Promise<void> {
    const { generation } = this;
    const { fromStep, toStep, buckets, curves, reading, failed } = level;
    const ticket = { since: [] as Arrival[] };
    for (const n of names) reading.set(n, ticket);
    const mine = () => names.filter((n) => reading.get(n) === ticket);
    try {
      const answer = await this.deps.read({
        series: names,
        fromStep: fromStep ?? Number.MIN_SAFE_INTEGER,
        toStep,
        buckets,
        smoothing,
        around: toStep !== null,
      });
      if (this.closed || generation !== this.generation) return;
      const found = new Map(answer.series.map((s) => [s.name, s]));
      for (const name of mine()) {
        const curve = Curve.of(name, found.get(name) ?? null, capacityOf(level), toStep, smoothing);
        for (const arrival of ticket.since) this.add(curve, arrival);
        curve.version = (curves.get(name)?.version ?? 0) + 1;
        curves.set(name, curve);
        reading.delete(name);
      }
      this.error = null;
      this.failures = 0;
    } catch (e) {
      if (this.closed || generation !== this.generation) return;
      for (const name of mine()) {
        reading.delete(name);
        failed.add(name);
      }
      this.error = e instanceof Error ? e.message : String(e);
      this.failures++;
    }
    this.done();
  }
}

/** Most buckets that the level can get, including one row on either side. */
const capacityOf = ({ fromStep, toStep, buckets }: Level): number =>
  fromStep === null || toStep === null ? buckets : Math.min(buckets, toStep - fromStep) + 2;
