import { useState } from 'react';
import { toast } from '~/app/_live/toast';
import { describeError } from '~/app/_trpc/client';

/** Sends one request to the server at a time; shows a refusal or a failure. @returns whether it succeeded */
export function useAsk(): {
  busy: boolean;
  ask(question: () => Promise<{ ok: true } | { ok: false; message: string }>): Promise<boolean>;
} {
  const [busy, setBusy] = useState(false);
  return {
    busy,
    async ask(question) {
      setBusy(true);
      try {
        const answer = await question();
        if (!answer.ok) toast.error(answer.message);
        return answer.ok;
      } catch (error) {
        toast.error(describeError(error).message);
        return false;
      } finally {
        setBusy(false);
      }
    },
  };
}
