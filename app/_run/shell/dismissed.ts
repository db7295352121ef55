import { parsed } from '~/app/_live/kept';
import { runChoices, useChoices } from '~/app/_live/remembered';

const most = 200;

/** Alarms (by seq) that this person has dismissed. */
export function useDismissed(runId: string): { dismissed: readonly number[]; dismiss(seqs: readonly number[]): void } {
  const list = parsed(useChoices(() => runChoices.read('dismissed', runId).own, null));
  const dismissed = Array.isArray(list) ? list.filter((n): n is number => Number.isSafeInteger(n)) : [];
  return {
    dismissed,
    dismiss: (seqs) => runChoices.write('dismissed', runId, JSON.stringify([...new Set([...dismissed, ...seqs])].slice(-most))),
  };
}
