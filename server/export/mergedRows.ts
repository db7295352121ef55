import { Heap } from '~/server/base/heap';
import type { RowsAnswer, StoredStream } from '~/server/store';
import type { RecordSource, StepRange } from './source';

/** Numbers read in one batch, over all streams. */
const VALUES = 2 ** 20;
const LEAST_ROWS = 16;
const MOST_ROWS = 4096;

/**
 * One step of a run's table: a cell per series, undefined where the series has no value at the step. The array is reused for the
 * next step.
 */
export interface MergedRow {
  step: number;
  /** Time of the latest of the rows: when it was measured or committed, ms since 1970. */
  time: number;
  cells: (number | undefined)[];
}

/** A stream, and which of its columns belong to which cells. */
export interface Part {
  stream: StoredStream;
  columns: { from: number; to: number }[];
}

/** The rows in force of several streams, step by step, each step once. Rows that arrive meanwhile are left out. */
export async function* mergedRows(
  source: RecordSource,
  runId: string,
  parts: readonly Part[],
  { from, to }: Partial<StepRange> = {},
): AsyncGenerator<MergedRow> {
  const width = parts.reduce((n, p) => n + p.columns.length, 0);
  const total = parts.reduce((n, p) => n + p.stream.rows, 0);
  const numbers = parts.reduce((n, p) => n + p.stream.columns.length, 0);
  const limit = Math.max(LEAST_ROWS, Math.min(MOST_ROWS, Math.floor(VALUES / Math.max(1, numbers))));
  const readers = parts.map((part) => new Reader(source, runId, part, limit, from ?? Number.MIN_SAFE_INTEGER, to ?? null));
  const queue = new Heap<Reader>((a, b) => a.step < b.step);
  for (const reader of readers) if (await reader.open()) queue.push(reader);
  const cells: (number | undefined)[] = Array(width).fill(undefined);
  let done = 0;
  while (queue.first) {
    const { step } = queue.first;
    let time = Number.NEGATIVE_INFINITY;
    const used: Reader[] = [];
    while (queue.first?.step === step) {
      const reader = queue.pop()!;
      used.push(reader);
      time = Math.max(time, reader.time);
      reader.take(cells);
    }
    yield { step, time, cells };
    for (const reader of used) {
      reader.clear(cells);
      if (await reader.next()) queue.push(reader);
    }
    done += used.length;
    if (done % 4096 < used.length)
      source.progress?.({ doing: 'reading the rows', done: Math.min(total, done), total, unit: 'rows' });
  }
}

/** Reads the rows of one stream, a page at a time. */
class Reader {
  #page: RowsAnswer = { steps: new Float64Array(0), times: new Float64Array(0), values: new Float64Array(0), more: true };
  #row = 0;
  readonly #to: number | null;

  constructor(
    private readonly source: RecordSource,
    private readonly runId: string,
    private readonly part: Part,
    private readonly limit: number,
    private from: number,
    to: number | null,
  ) {
    const { lastStep } = part.stream;
    const end = lastStep === null ? null : lastStep + 1;
    this.#to = end === null ? to : Math.min(end, to ?? end);
  }

  get step(): number {
    return this.#page.steps[this.#row]!;
  }

  get time(): number {
    return this.#page.times[this.#row]!;
  }

  /** @returns whether there is a row */
  async open(): Promise<boolean> {
    if (this.part.columns.length === 0 || (this.#to !== null && this.#to <= this.from)) return false;
    return this.#read();
  }

  async next(): Promise<boolean> {
    if (++this.#row < this.#page.steps.length) return true;
    return this.#page.more && this.#read();
  }

  take(cells: (number | undefined)[]): void {
    const width = this.part.stream.columns.length;
    for (const { from, to } of this.part.columns) cells[to] = this.#page.values[this.#row * width + from];
  }

  clear(cells: (number | undefined)[]): void {
    for (const { to } of this.part.columns) cells[to] = undefined;
  }

  async #read(): Promise<boolean> {
    const { name } = this.part.stream;
    this.#page = await this.source.rows({
      runId: this.runId,
      stream: name,
      fromStep: this.from,
      toStep: this.#to,
      limit: this.limit,
    });
    this.#row = 0;
    const last = this.#page.steps.at(-1);
    if (last === undefined) return false;
    this.from = last + 1;
    return true;
  }
}
