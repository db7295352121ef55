import type { SnapshotEvent } from '~/shared/events';
import { inForce, type Rewind } from './checkAppend';
import type { Signals } from './index';

/** Signals of the snapshots in force as columns; `snapshots` in log order. */
export function collectSignals(snapshots: { seq: number; event: SnapshotEvent }[], rewinds: readonly Rewind[]): Signals {
  const kept = snapshots
    .filter(({ seq, event }) => inForce(seq, event.step, rewinds))
    .sort((a, b) => a.event.step - b.event.step || a.seq - b.seq);
  const { layers, heads } = kept[0]?.event ?? { layers: 0, heads: 0 };
  const cells = layers * heads;
  const signals: Record<string, Float64Array> = {};
  kept.forEach(({ event }, i) => {
    for (const [name, values] of Object.entries(event.signals)) {
      signals[name] ??= new Float64Array(kept.length * cells).fill(Number.NaN);
      signals[name].set(values.slice(0, cells), i * cells);
    }
  });
  return {
    steps: Int32Array.from(kept, ({ event }) => event.step),
    seqs: Int32Array.from(kept, ({ seq }) => seq),
    layers,
    heads,
    signals,
  };
}
