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

/** Reads the team's data again when the person's role changes: some of them are for admins. */
export function useRoleOfNow(role: string | undefined): void {
  const queries = useQueryClient();
  const trpc = useTrpc();
  const before = useRef(role);
  useEffect(() => {
    if (before.current !== undefined && before.current !== role)
      void queries.invalidateQueries({ queryKey: trpc.team.pathKey() });
    before.current = role;
  }, [role, queries, trpc]);
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
