import { useNow } from '~/app/_components/useNow';
import { useRun } from '~/app/_live/useRun';
import { whyNot, whyNotRevert } from './steering';

/** Why this person may not steer now; null = go ahead. */
export function useWhyNot(): string | null {
  return useWhy(whyNot);
}

/** The same of taking the run back to a checkpoint, and of asking about one. */
export function useWhyNotRevert(): string | null {
  return useWhy(whyNotRevert);
}

function useWhy(why: typeof whyNot): string | null {
  const now = useNow(5_000) ?? 0;
  return useRun(({ view, you }) => (view ? why(view, you, now) : 'waiting for the server'));
}
