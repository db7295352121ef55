import { useNow } from '../_components/useNow';
import { useRun } from '../_live/useRun';
import { whyNot } from './steering';

/** Why this person may not steer now; null = go ahead. */
export function useWhyNot(): string | null {
  const now = useNow(5_000) ?? 0;
  return useRun(({ view, you }) => (view ? whyNot(view, you, now) : 'waiting for the server'));
}
