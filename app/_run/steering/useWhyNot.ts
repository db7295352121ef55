import { useNow } from '~/app/_components/useNow';
import { useRun } from '~/app/_live/useRun';
import { whyNot, whyNotRevert } from './steering';

/** Why this person may not steer now; null = allowed. */
export function useWhyNot(): string | null {
  return useWhy(whyNot);
}

/** Why this person may not take the run back to a checkpoint, or ask about one; null = allowed. */
export function useWhyNotRevert(): string | null {
  return useWhy(whyNotRevert);
}

function useWhy(why: typeof whyNot): string | null {
  const now = useNow(5_000) ?? 0;
  return useRun(({ view, you, link, error }) =>
    link === 'refused' ? (error ?? 'the server does not serve this run') : view ? why(view, you, now) : 'waiting for the server',
  );
}
