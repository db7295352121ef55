import type { SnapshotEvent } from '~/shared/events';
import { type SignalHistory, signalHistory } from '~/shared/signals';
import { inForce, type Rewind } from './checkAppend';

/** Signals of the snapshots in force; `snapshots` in log order. */
export function collectSignals(snapshots: { seq: number; event: SnapshotEvent }[], rewinds: readonly Rewind[]): SignalHistory {
  const kept = snapshots
    .filter(({ seq, event }) => inForce(seq, event.step, rewinds))
    .sort((a, b) => a.event.step - b.event.step || a.seq - b.seq);
  return signalHistory(kept.map(({ seq, event }) => ({ ...event, seq })));
}
