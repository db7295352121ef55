import { useDeferredValue, useEffect, useState } from 'react';
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';

/** Large maps take tens of milliseconds to score: while somebody scrubs, the table waits until they stop. */
const manyCells = 300_000;
const restMs = 150;

/** The snapshot, as far as there is time to put numbers on all of its heads. */
export function useSettled(newest: AttentionSnapshot): AttentionSnapshot {
  const snapshot = useDeferredValue(newest);
  const [settled, setSettled] = useState(snapshot);
  const large = snapshot.examples * snapshot.layers.reduce((n, l) => n + l.heads * l.queries * l.keys, 0) > manyCells;
  useEffect(() => {
    if (!large) return;
    const timer = setTimeout(() => setSettled(snapshot), restMs);
    return () => clearTimeout(timer);
  }, [snapshot, large]);
  return large ? settled : snapshot;
}
