import type Database from 'better-sqlite3';
import type { Call } from './calls';
import type { Reads } from './read';
import { BUDGET, Slices, type Work } from './work';

/**
 * Concurrent queries of one run, and of all. Each has a connection, so that it reads one state of the database from its first
 * step to its last.
 */
const PER_RUN = 2;
const LANES = 32;
/** How long one query runs before the next has its turn. */
const SLICE_MS = 4;

/** A connection and the reads on it. */
export interface Lane {
  db: Pick<Database.Database, 'exec' | 'inTransaction' | 'close'>;
  reads: Reads;
}

interface Job {
  call: Call;
  run: string;
  lane: Lane;
  slices: Slices<unknown>;
}

export interface Answering {
  answer(id: number, value: unknown): void;
  fail(id: number, error: unknown): void;
}

/**
 * Answers queries in slices, with runs taking turns: a long query about one run delays other runs' queries by at most a slice.
 */
export class Lanes {
  readonly #idle: Lane[] = [];
  readonly #lanes = new Set<Lane>();
  readonly #jobs: Job[] = [];
  readonly #waiting: Call[] = [];
  /** The run that had the last turn. */
  #last = '';
  #turning = false;
  #closing: (() => void) | null = null;

  constructor(
    private readonly open: () => Lane,
    private readonly to: Answering,
    private readonly budget = BUDGET,
    private readonly later: (turn: () => void) => void = (turn) => void setImmediate(turn),
  ) {}

  take(call: Call): void {
    this.#waiting.push(call);
    this.#begin();
    this.#turn();
  }

  /** Cancels a query whose answer is no longer wanted. */
  cancel(id: number): void {
    const waiting = this.#waiting.findIndex((c) => c.id === id);
    if (waiting >= 0) this.#waiting.splice(waiting, 1);
    const job = this.#jobs.find((j) => j.call.id === id);
    if (job) this.#end(job);
    this.#begin();
  }

  /** Called once all queries are answered. */
  close(then: () => void): void {
    this.#closing = then;
    this.#closeIfDone();
  }

  #begin(): void {
    for (let i = 0; i < this.#waiting.length; ) {
      const call = this.#waiting[i]!;
      const run = runOf(call);
      const own = this.#jobs.filter((j) => j.run === run).length;
      if (own >= PER_RUN || (this.#idle.length === 0 && this.#lanes.size === LANES)) {
        i++;
        continue;
      }
      this.#waiting.splice(i, 1);
      this.#start(call, run);
    }
  }

  #start(call: Call, run: string): void {
    let lane: Lane | null = null;
    try {
      lane = this.#idle.pop() ?? this.open();
      this.#lanes.add(lane);
      const method = lane.reads[call.method as keyof Reads] as (...args: unknown[]) => unknown;
      if (!method) throw new Error(`the store's reader has no "${call.method}"`);
      lane.db.exec('BEGIN');
      const value = method(...call.args);
      if (isWork(value)) {
        this.#jobs.push({ call, run, lane, slices: new Slices(value, this.budget) });
        return;
      }
      this.#release(lane);
      this.to.answer(call.id, value);
    } catch (error) {
      if (lane) this.#release(lane);
      this.to.fail(call.id, error);
    }
  }

  #release(lane: Lane): void {
    if (lane.db.inTransaction) lane.db.exec('COMMIT');
    this.#idle.push(lane);
  }

  #end(job: Job): void {
    this.#jobs.splice(this.#jobs.indexOf(job), 1);
    job.slices.stop();
    this.#release(job.lane);
  }

  #turn(): void {
    if (this.#turning) return;
    const job = this.#next();
    if (!job) {
      this.#closeIfDone();
      return;
    }
    try {
      const done = job.slices.next(SLICE_MS);
      if (done) {
        this.#end(job);
        this.to.answer(job.call.id, done.value);
      }
    } catch (error) {
      this.#end(job);
      this.to.fail(job.call.id, error);
    }
    this.#begin();
    if (this.#jobs.length === 0) {
      this.#closeIfDone();
      return;
    }
    // Between two turns messages are received: new queries and cancellations.
    this.#turning = true;
    this.later(() => {
      this.#turning = false;
      this.#turn();
    });
  }

  /** The first job of the run after the last one; a run's jobs take turns. */
  #next(): Job | null {
    const runs = [...new Set(this.#jobs.map((j) => j.run))];
    if (runs.length === 0) return null;
    const run = runs[(runs.indexOf(this.#last) + 1) % runs.length]!;
    this.#last = run;
    const job = this.#jobs.find((j) => j.run === run)!;
    this.#jobs.splice(this.#jobs.indexOf(job), 1);
    this.#jobs.push(job);
    return job;
  }

  #closeIfDone(): void {
    if (!this.#closing || this.#jobs.length > 0 || this.#waiting.length > 0) return;
    const then = this.#closing;
    this.#closing = null;
    for (const { db } of this.#idle.splice(0)) db.close();
    then();
  }
}

const isWork = (value: unknown): value is Work<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { next?: unknown }).next === 'function';

/** Queries about no run count as those of one run. */
function runOf({ args: [first] }: Call): string {
  if (typeof first === 'string') return first;
  return (first as { runId?: string } | undefined)?.runId ?? '';
}
