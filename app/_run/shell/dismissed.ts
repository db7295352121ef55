import { useState } from 'react';
import { kept, parsed } from '~/app/_live/kept';

const keyOf = (runId: string) => `headroom.dismissed.${runId}`;
const most = 200;

/** Alarms (by seq) that this person has dismissed; stored in this browser. */
export function useDismissed(runId: string): { dismissed: readonly number[]; dismiss(seqs: readonly number[]): void } {
  const [dismissed, setDismissed] = useState(() => read(runId));
  return {
    dismissed,
    dismiss: (seqs) => {
      const next = [...new Set([...dismissed, ...seqs])].slice(-most);
      setDismissed(next);
      kept.set(keyOf(runId), JSON.stringify(next));
    },
  };
}

function read(runId: string): number[] {
  const list = parsed(kept.get(keyOf(runId)));
  return Array.isArray(list) ? list.filter((n): n is number => Number.isSafeInteger(n)) : [];
}
