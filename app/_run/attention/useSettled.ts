import { useDeferredValue, useEffect, useState } from 'react';
import type { AttentionSnapshot } from '~/shared/attentionSnapshot';

/** The signals of large maps take tens of milliseconds to compute: the table updates when scrubbing stops. */
const manyCells = 300_000;
const restMs = 150;

/** The newest snapshot whose signals there was time to compute for all heads. */
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
