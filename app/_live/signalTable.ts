/**
 * Per-head signals of every recorded snapshot: history by tRPC `runs.signals`, what comes live from `snapshot` entries. Rows are kept by seq, so that a
 * rewind needs nothing more than the run's own list of snapshots: rows of superseded ones are no longer asked for.
 */
import type { Recorded } from './snapshotFeed';

/** As server/store/index.ts answers: steps and seqs [n], each signal [n, layers x heads]. */
export interface SignalHistory {
  steps: Int32Array;
  seqs: Int32Array;
  layers: number;
  heads: number;
  signals: Record<string, Float64Array>;
}

export interface SignalSeries {
  /** [n] ascending. */
  steps: Float64Array;
  /** [n, heads of all layers] row-major; NaN where a snapshot lacks the signal. */
  values: Float64Array;
  /** layers x heads */
  width: number;
}

export class SignalTable {
  private rows = new Map<number, Record<string, ArrayLike<number>>>();

  load(history: SignalHistory): void {
    const width = history.layers * history.heads;
    for (let n = 0; n < history.seqs.length; n++) {
      const row: Record<string, ArrayLike<number>> = {};
      for (const [name, values] of Object.entries(history.signals)) row[name] = values.subarray(n * width, (n + 1) * width);
      this.rows.set(history.seqs[n]!, row);
    }
  }

  add(seq: number, signals: Record<string, ArrayLike<number>>): void {
    this.rows.set(seq, signals);
  }

  /** Recorded snapshots whose signals are not here: the history has to be read (again). */
  missing(recorded: readonly Recorded[]): number {
    let n = 0;
    for (const r of recorded) if (!this.rows.has(r.seq)) n++;
    return n;
  }

  /** Names that any of these snapshots has a finite value of, in a fixed order: as first met. */
  names(recorded: readonly Recorded[]): string[] {
    const names = new Set<string>();
    for (const r of recorded)
      for (const [name, values] of Object.entries(this.rows.get(r.seq) ?? {}))
        if (!names.has(name) && Array.prototype.some.call(values, (v) => !Number.isNaN(v))) names.add(name);
    return [...names];
  }

  series(name: string, recorded: readonly Recorded[], width: number): SignalSeries {
    const values = new Float64Array(recorded.length * width).fill(Number.NaN);
    for (const [n, r] of recorded.entries()) {
      const row = this.rows.get(r.seq)?.[name];
      if (row) for (let h = 0; h < width; h++) values[n * width + h] = row[h] ?? Number.NaN;
    }
    return { steps: Float64Array.from(recorded, (r) => r.step), values, width };
  }
}
