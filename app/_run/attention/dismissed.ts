import { useCallback, useState } from 'react';

export interface Dismissed {
  id: string;
  note: string;
}

const keyOf = (runId: string) => `headroom:attention-dismissed:${runId}`;

/** Alarms this person has taken note of; kept in this browser. */
export function useDismissed(runId: string): { dismissed: Dismissed[]; dismiss(d: Dismissed): void; restore(id: string): void } {
  const [dismissed, setDismissed] = useState(() => read(runId));
  const write = useCallback(
    (next: Dismissed[]) => {
      setDismissed(next);
      try {
        localStorage.setItem(keyOf(runId), JSON.stringify(next));
      } catch {
        // A browser that stores nothing forgets on reload; nothing else is lost.
      }
    },
    [runId],
  );
  return {
    dismissed,
    dismiss: (d) => write([...dismissed.filter((o) => o.id !== d.id), d]),
    restore: (id) => write(dismissed.filter((d) => d.id !== id)),
  };
}

function read(runId: string): Dismissed[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(keyOf(runId)) ?? '[]');
    return Array.isArray(list)
      ? list.filter((d): d is Dismissed => typeof d?.id === 'string' && typeof d?.note === 'string')
      : [];
  } catch {
    return [];
  }
}
