import { Curve } from '~/app/_charts/curve';
import type { Steps } from '~/shared/events';
import type { Reduced } from '~/shared/pyramid';
import type { Level } from './levels';

export interface RangeQuestion {
  series: string[];
  fromStep: number;
  /** Exclusive; null = up to the newest row. */
  toStep: number | null;
  buckets: number;
  /** Weight of a moving average, null = none. */
  smoothing: number | null;
}
export type RangeAnswer = Reduced & { headStep: number };

export interface HistoryDeps {
  /** The run's step rows by range (tRPC runs.range). */
  read(question: RangeQuestion): Promise<RangeAnswer>;
  /** Runs `then` after a while; answers a way to call it off. */
  later(then: () => void, ms: number): () => void;
}

/** Most series asked for in one question, so that an answer stays small enough to be read between two frames. */
const SERIES_PER_QUESTION = 40;
const AGAIN_MS = 400;

/** Reads curves of a level from the server. Rows that arrive while a question is under way are added to its answer; what fails is asked for again, ever later. */
export class LevelReader {
  /** Why the newest question failed; null when it did not. */
  error: string | null = null;
  private failures = 0;
  /** Raised by whatever makes answers under way worthless. */
  private generation = 0;
  private cancelAgain: (() => void) | null = null;
  private closed = false;

  constructor(
    private readonly deps: HistoryDeps,
    private readonly add: (curve: Curve, event: Steps) => void,
    /** An answer is in, or has failed. */
    private readonly done: () => void,
  ) {}

  read(level: Level, names: readonly string[], weightOf: (name: string) => number | null): void {
    for (const smoothing of new Set(names.map(weightOf))) {
      const alike = names.filter((n) => weightOf(n) === smoothing);
      for (let i = 0; i < alike.length; i += SERIES_PER_QUESTION)
        void this.ask(level, alike.slice(i, i + SERIES_PER_QUESTION), smoothing);
    }
  }

  /** Answers under way hold for nothing any more. */
  forget(levels: Iterable<Level>): void {
    this.generation++;
    for (const level of levels) level.reading.clear();
  }

  /** Calls `then` after a while, once however often it is asked for. */
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
    const ticket = { since: [] as Steps[] };
    for (const n of names) reading.set(n, ticket);
    const mine = () => names.filter((n) => reading.get(n) === ticket);
    try {
      const answer = await this.deps.read({ series: names, fromStep, toStep, buckets, smoothing });
      if (this.closed || generation !== this.generation) return;
      for (const name of mine()) {
        const curve = Curve.of(name, answer, buckets, fromStep, toStep, smoothing);
        for (const event of ticket.since) this.add(curve, event);
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
