import { useEffect } from 'react';
import { browserHost } from '~/app/_live/host';
import { choices } from '~/app/_live/remembered';
import { toast } from '~/app/_live/toast';
import { answered, api, describeError } from '~/app/_trpc/client';

/** Exchanges the person's choices with the server while the page is open. */
export function RememberedChoices() {
  useEffect(() => {
    const inOtherTab = () => choices.look(false);
    const back = () => document.visibilityState === 'visible' && choices.look(true);
    window.addEventListener('storage', inOtherTab);
    document.addEventListener('visibilitychange', back);
    return () => {
      window.removeEventListener('storage', inOtherTab);
      document.removeEventListener('visibilitychange', back);
    };
  }, []);
  useEffect(
    () =>
      choices.connect(
        {
          read: () => api.team.remembered.query(),
          write: (key, value) =>
            api.team.remember.mutate({ key, value }).catch((error: unknown) => {
              // Without an answer it is sent again later.
              if (!answered(error)) throw error;
              toast.error(`Kept in this browser only: ${describeError(error).message}`);
            }),
        },
        browserHost.after,
      ),
    [],
  );
  return null;
}
