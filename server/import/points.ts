import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';

/**
 * Points (step, time, value) of many series, added in the order of the file, kept in memory up to a limit and beyond it in a
 * file. At the end they are sorted by step, keeping the last value of a step, and read back row by row.
 */

/** Doubles of a point: step, ms since 1970 (NaN: not known), value. */
const WIDTH = 3;
const FIRST_POINTS = 16;
/** Least points of any series in memory, whatever the others hold. */
const LEAST_POINTS = 256;
/** Most points of one series in memory. */
const MOST_POINTS = 16_384;
/** Most points in memory, over all series: 96 MB. */
const HELD_POINTS = 2 ** 22;

interface Chunk {
  /** Number of points before it in the file. */
  at: number;
  /** Number of its series' points up to its end. */
  end: number;
}

export class PointSeries {
  buffer = new Float64Array(FIRST_POINTS * WIDTH);
  held = 0;
  chunks: Chunk[] = [];
  /** Whether steps ascend. */
  sorted = true;
  /** Points dropped after the first `after` points: those of steps from `fromStep` on. */
  purges: { after: number; fromStep: number }[] = [];
  lastStep = Number.NEGATIVE_INFINITY;
  /** Number of points that were added and not replaced by the next one. */
  count = 0;

  constructor(readonly name: string) {}
}

/** Series that have points at the same steps and times. */
export interface PointStream {
  series: PointSeries[];
  rows: number;
  firstStep: number;
  lastStep: number;
  /** Earliest and latest time, ms since 1970; null: no time is known. */
  times: { first: number; last: number } | null;
  /** Every point has a time. */
  timed: boolean;
}

export class Points {
  readonly series = new Map<string, PointSeries>();
  /** Number of values that were replaced by another one of the same step. */
  replaced = 0;
  /** Number of points that a restart discarded. */
  purged = 0;
  total = 0;
  #held = 0;
  #file: number | null = null;
  #written = 0;

  constructor(private readonly path: string) {}

  of(name: string): PointSeries {
    let series = this.series.get(name);
    if (series) return series;
    series = new PointSeries(name);
    this.series.set(name, series);
    return series;
  }

  add(series: PointSeries, step: number, timeMs: number, value: number): void {
    const { buffer } = series;
    if (step <= series.lastStep) {
      if (step === series.lastStep && series.held > 0) {
        const last = (series.held - 1) * WIDTH;
        if (!Object.is(buffer[last + 2], value)) this.replaced++;
        buffer[last + 1] = timeMs;
        buffer[last + 2] = value;
        return;
      }
      series.sorted = false;
    }
    series.lastStep = step;
    series.count++;
    this.total++;
    if (series.held * WIDTH === buffer.length) {
      if (series.held < LEAST_POINTS || (series.held < MOST_POINTS && this.#held < HELD_POINTS)) this.#grow(series);
      else this.#spill(series);
    }
    const at = series.held++ * WIDTH;
    series.buffer[at] = step;
    series.buffer[at + 1] = timeMs;
    series.buffer[at + 2] = value;
  }

  /** A restart at this step: discards the series' points at and after it. */
  purge(fromStep: number, names?: Iterable<string>): void {
    for (const series of names ? [...names].flatMap((n) => this.series.get(n) ?? []) : this.series.values()) {
      if (series.count === 0) continue;
      series.purges.push({ after: series.count, fromStep });
      // The next point is not a replacement, whatever its step.
      series.lastStep = Number.POSITIVE_INFINITY;
      series.sorted = false;
    }
  }

  /** Sorts every series, drops those without points, and finds which were logged together. */
  streams(): PointStream[] {
    const byKey = new Map<string, PointStream>();
    for (const series of this.series.values()) {
      if (!series.sorted) this.#sort(series);
      if (series.count === 0) continue;
      const found = this.#look(series);
      const same = byKey.get(found.key);
      if (same) same.series.push(series);
      else byKey.set(found.key, { series: [series], ...found.stream });
    }
    return [...byKey.values()];
  }

  /** Rows of a stream, `rows` at a time: steps, times and values [rows, series]. The arrays are new. */
  *rows(stream: PointStream, rows: number): Generator<{ steps: Float64Array; times: Float64Array | null; values: Float64Array }> {
    const width = stream.series.length;
    const page = Math.max(16, Math.min(4096, Math.floor(2 ** 20 / width)));
    const cursors = stream.series.map((series) => new Cursor(this, series, page));
    for (let row = 0; row < stream.rows; row += rows) {
      const count = Math.min(rows, stream.rows - row);
      const steps = new Float64Array(count);
      const times = stream.timed ? new Float64Array(count) : null;
      const values = new Float64Array(count * width);
      for (let c = 0; c < width; c++) {
        const cursor = cursors[c]!;
        for (let r = 0; r < count; r++) {
          const at = cursor.next();
          values[r * width + c] = cursor.points[at + 2]!;
          if (c > 0) continue;
          steps[r] = cursor.points[at]!;
          if (times) times[r] = cursor.points[at + 1]!;
        }
      }
      yield { steps, times, values };
    }
  }

  /** Reads points `from` .. `from + count` of a series into `target`; @returns their number */
  read(series: PointSeries, from: number, count: number, target: Float64Array): number {
    const { chunks } = series;
    const inFile = chunks.at(-1)?.end ?? 0;
    if (from >= inFile) {
      const points = Math.min(count, inFile + series.held - from);
      target.set(series.buffer.subarray((from - inFile) * WIDTH, (from - inFile + points) * WIDTH));
      return points;
    }
    let low = 0;
    for (let high = chunks.length - 1; low < high; ) {
      const middle = (low + high) >> 1;
      if (from < chunks[middle]!.end) high = middle;
      else low = middle + 1;
    }
    const { at, end } = chunks[low]!;
    const points = Math.min(count, end - from);
    const bytes = points * WIDTH * 8;
    const into = new Uint8Array(target.buffer, target.byteOffset, bytes);
    const got = readSync(this.#file!, into, 0, bytes, (at + from - (chunks[low - 1]?.end ?? 0)) * WIDTH * 8);
    if (got !== bytes) throw new Error(`points: ${bytes} bytes expected, got ${got}`);
    return points;
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
    rmSync(this.path, { force: true });
  }

  #grow(series: PointSeries): void {
    const larger = new Float64Array(series.buffer.length * 2);
    larger.set(series.buffer);
    this.#held += series.buffer.length / WIDTH;
    series.buffer = larger;
  }

  /** Writes all but the newest point to the file: that one may still be replaced. */
  #spill(series: PointSeries): void {
    const points = series.held - 1;
    const at = this.#write(series.buffer.subarray(0, points * WIDTH));
    series.chunks.push({ at, end: (series.chunks.at(-1)?.end ?? 0) + points });
    series.buffer.copyWithin(0, points * WIDTH, series.held * WIDTH);
    series.held = 1;
  }

  #write(points: Float64Array): number {
    this.#file ??= openSync(this.path, 'w+');
    const at = this.#written;
    writeSync(
      this.#file,
      new Uint8Array(points.buffer, points.byteOffset, points.byteLength),
      0,
      points.byteLength,
      at * WIDTH * 8,
    );
    this.#written += points.length / WIDTH;
    return at;
  }

  #sort(series: PointSeries): void {
    const all = new Float64Array(series.count * WIDTH);
    for (let at = 0; at < series.count; ) at += this.read(series, at, series.count - at, all.subarray(at * WIDTH));
    // In the order of the file, so that of equal steps the last one stays last.
    let kept = Uint32Array.from({ length: series.purges[0]?.after ?? series.count }, (_, i) => i);
    for (const [i, { after, fromStep }] of series.purges.entries()) {
      const before = kept.length;
      kept = kept.filter((p) => all[p * WIDTH]! < fromStep);
      this.purged += before - kept.length;
      const next = series.purges[i + 1]?.after ?? series.count;
      const grown = new Uint32Array(kept.length + next - after);
      grown.set(kept);
      for (let p = after; p < next; p++) grown[kept.length + p - after] = p;
      kept = grown;
    }
    kept.sort((a, b) => all[a * WIDTH]! - all[b * WIDTH]! || a - b);
    const ordered = new Float64Array(kept.length * WIDTH);
    let count = 0;
    for (const p of kept) {
      const point = all.subarray(p * WIDTH, (p + 1) * WIDTH);
      if (count > 0 && ordered[(count - 1) * WIDTH] === point[0]) {
        count--;
        if (!Object.is(ordered[count * WIDTH + 2], point[2])) this.replaced++;
      }
      ordered.set(point, count++ * WIDTH);
    }
    this.total += count - series.count;
    const points = ordered.subarray(0, count * WIDTH);
    if (count > MOST_POINTS) {
      series.chunks = [{ at: this.#write(points), end: count }];
      series.held = 0;
    } else {
      series.chunks = [];
      series.buffer = points;
      series.held = count;
    }
    series.count = count;
  }

  #look(series: PointSeries): { key: string; stream: Omit<PointStream, 'series'> } {
    const page = new Float64Array(4096 * WIDTH);
    const bits = new Int32Array(page.buffer);
    let a = 17;
    let b = 31;
    let firstStep = 0;
    let lastStep = 0;
    let timed = true;
    let first = Number.POSITIVE_INFINITY;
    let last = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < series.count; ) {
      const points = this.read(series, at, 4096, page);
      if (at === 0) firstStep = page[0]!;
      lastStep = page[(points - 1) * WIDTH]!;
      for (let p = 0; p < points; p++) {
        const word = p * WIDTH * 2;
        for (let w = word; w < word + 4; w++) {
          a = Math.imul(a ^ bits[w]!, 0x9e3779b1);
          a ^= a >>> 15;
          b = Math.imul(b + bits[w]!, 0x85ebca6b) ^ (b >>> 13);
        }
        const time = page[p * WIDTH + 1]!;
        if (Number.isNaN(time)) timed = false;
        else {
          if (time < first) first = time;
          if (time > last) last = time;
        }
      }
      at += points;
    }
    const times = last >= first ? { first, last } : null;
    return {
      key: `${series.count} ${firstStep} ${lastStep} ${a} ${b}`,
      stream: { rows: series.count, firstStep, lastStep, times, timed },
    };
  }
}

/** Iterates over the points of a series. */
class Cursor {
  readonly points: Float64Array;
  #at = 0;
  #here = 0;
  #row = 0;

  constructor(
    private readonly from: Points,
    private readonly series: PointSeries,
    private readonly page: number,
  ) {
    this.points = new Float64Array(page * WIDTH);
  }

  /** Index of the next point in `points`. */
  next(): number {
    if (this.#row === this.#here) {
      this.#here = this.from.read(this.series, this.#at, this.page, this.points);
      this.#at += this.#here;
      this.#row = 0;
    }
    return this.#row++ * WIDTH;
  }
}
