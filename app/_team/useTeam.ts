import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { identity } from '~/app/_live/identity';
import { useSelected } from '~/app/_live/select';
import { toast } from '~/app/_live/toast';
import { describeError, useTrpc } from '~/app/_trpc/client';

/** The signed-in person, with the role of now, and facts about the server; null until known. */
export function useInfo() {
  const { data } = useQuery(useTrpc().system.info.queryOptions());
  const now = useSelected(identity, (state) => state.you);
  return data ? { ...data, you: now ?? data.you } : null;
}

/**
 * Reads the page's data again when the person's role changes (some of them are for admins), and after a broken connection.
 *
 * @param times how often the tab has been connected
 */
export function useDataOfNow(role: string | undefined, times: number): void {
  const queries = useQueryClient();
  const before = useRef({ role, times });
  useEffect(() => {
    const { current } = before;
    before.current = { role, times };
    const all = current.role !== undefined && current.role !== role;
    if (!all && current.times === times) return;
    // What was read before the first connection is of now.
    const old = all || current.times > 0;
    void queries.invalidateQueries({ predicate: ({ state }) => old || state.status === 'error' });
  }, [role, times, queries]);
}

/**
 * Makes a change to the team or to limits, shows errors, and reads all of its data again. `onSuccess` given to `mutate` is called once the
 * new data are there.
 */
export function useTeamChange<Wish>(change: (wish: Wish) => Promise<unknown>, done?: string, of: 'team' | 'retention' = 'team') {
  const queries = useQueryClient();
  const trpc = useTrpc();
  return useMutation({
    mutationFn: change,
    onSuccess: () => {
      if (done) toast.success(done);
    },
    onError: (error) => toast.error(describeError(error).message),
    onSettled: async (_answer, failed) => {
      const read = queries.invalidateQueries({ queryKey: trpc[of].pathKey() });
      // The form takes no change until this returns: a server that does not answer is not waited for.
      if (!failed) await read;
    },
  });
}
