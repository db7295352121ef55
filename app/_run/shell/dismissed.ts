import { useState } from 'react';

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
      try {
        localStorage.setItem(keyOf(runId), JSON.stringify(next));
      } catch {
        // A browser without storage shows them again after a reload.
      }
    },
  };
}

function read(runId: string): number[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(keyOf(runId)) ?? '[]');
    return Array.isArray(list) ? list.filter((n): n is number => Number.isSafeInteger(n)) : [];
  } catch {
    return [];
  }
}
