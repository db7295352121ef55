import { useCallback } from 'react';
import { toast } from 'sonner';
import type { CommandAnswer } from '~/shared/commands';
import { useRunStore } from './RunProvider';
import type { DraftCommand } from './types';

/** Sends commands; a refusal at the door is told at once, the outcome of what got into the log comes with the log. */
export function useSteer(): (draft: DraftCommand) => Promise<CommandAnswer> {
  const store = useRunStore();
  return useCallback(
    async (draft) => {
      const answer = await store.send(draft);
      if (!answer.ok) toast.error(answer.message, { id: answer.message });
      return answer;
    },
    [store],
  );
}
