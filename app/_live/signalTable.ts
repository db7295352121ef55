/**
 * Per-head signals of every recorded snapshot: history from tRPC `runs.signals`, live values from `snapshot` entries. Rows are
 * stored by seq, so a rewind needs only the run's list of snapshots: rows of superseded snapshots are no longer requested.
 */
import { type SignalHistory, startsOf } from '~/shared/signals';
import type { Recorded } from './recorded';

/** Heads of each layer. */
export type HeadCounts = readonly { heads: number }[];

/** Values of a snapshot's heads, layer after layer. */
interface Row {
  layers: HeadCounts;
  values: ReadonlyMap<string, ArrayLike<number>>;
}

export interface SignalSeries {
  /** [n] ascending. */
  steps: Float64Array;
  /** [n, heads of all layers] row-major; NaN where a snapshot lacks the signal, or the head. */
  values: Float64Array;
  /** Heads of all layers. */
  width: number;
}

/** Number of snapshots, besides twice those listed, from which on the others are forgotten. */
const spare = 500;

export class SignalTable {
  private rows = new Map<number, Row>();

  load(history: SignalHistory): void {
    const starts = startsOf(history);
    for (let n = 0; n < history.seqs.length; n++) {
      const own = history.signals.map(({ name, values }) => [name, values.subarray(starts[n], starts[n + 1])] as const);
      this.rows.set(history.seqs[n]!, { layers: history.shapes[history.shape[n]!]!, values: new Map(own) });
    }
  }

  add(seq: number, layers: HeadCounts, signals: readonly { name: string; values: ArrayLike<number> }[]): void {
    this.rows.set(seq, { layers, values: new Map(signals.map(({ name, values }) => [name, values])) });
  }

  /** Seqs of the recorded snapshots without signals here: those must be read. */
  missing(recorded: readonly Recorded[]): number[] {
    return recorded.flatMap(({ seq }) => (this.rows.has(seq) ? [] : [seq]));
  }

  /** Forgets other snapshots once they are more than these: a page that follows a run for days must not grow. */
  keep(recorded: readonly Recorded[]): void {
    if (this.rows.size < 2 * recorded.length + spare) return;
    const seqs = new Set(recorded.map(({ seq }) => seq));
    for (const seq of this.rows.keys()) if (!seqs.has(seq)) this.rows.delete(seq);
  }

  /** Names of signals for which any of these snapshots has a value, in order of first appearance. */
  names(recorded: readonly Recorded[]): string[] {
    const names = new Set<string>();
    for (const r of recorded)
      for (const [name, values] of this.rows.get(r.seq)?.values ?? [])
        if (!names.has(name) && Array.prototype.some.call(values, (v) => !Number.isNaN(v))) names.add(name);
    return [...names];
  }

  /** One signal for the heads in `layers`, by layer and head, even if some snapshots had other heads. */
  series(name: string, recorded: readonly Recorded[], layers: HeadCounts): SignalSeries {
    const width = layers.reduce((n, l) => n + l.heads, 0);
    const values = new Float64Array(recorded.length * width).fill(Number.NaN);
    for (const [n, r] of recorded.entries()) {
      const row = this.rows.get(r.seq);
      const own = row?.values.get(name);
      if (!row || !own) continue;
      let [to, from] = [n * width, 0];
      for (const [l, { heads }] of layers.entries()) {
        const theirs = row.layers[l]?.heads ?? 0;
        for (let h = 0; h < Math.min(heads, theirs); h++) values[to + h] = own[from + h] ?? Number.NaN;
        to += heads;
        from += theirs;
      }
    }
    return { steps: Float64Array.from(recorded, (r) => r.step), values, width };
  }
}
