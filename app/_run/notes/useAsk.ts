import { useState } from 'react';
import { toast } from '~/app/_live/toast';
import { describeError } from '~/app/_trpc/client';

/**
 * Sends one request to the server at a time; shows a refusal or a failure. `ask` resolves to whether it succeeded.
 *
 * @param shows where: in a message that passes, or in the form that stays open, which shows `problem`
 */
export function useAsk(shows: 'message' | 'form' = 'message'): {
  busy: boolean;
  problem: string | null;
  ask(question: () => Promise<{ ok: true } | { ok: false; message: string }>): Promise<boolean>;
} {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const say = shows === 'form' ? setProblem : toast.error;
  return {
    busy,
    problem,
    async ask(question) {
      setBusy(true);
      setProblem(null);
      try {
        const answer = await question();
        if (!answer.ok) say(answer.message);
        return answer.ok;
      } catch (error) {
        say(describeError(error).message);
        return false;
      } finally {
        setBusy(false);
      }
    },
  };
}
