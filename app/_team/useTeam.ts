import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { toast } from 'sonner';
import { describeError, useTrpc } from '~/app/_trpc/client';

/** Who I am and where; null until known. */
export function useInfo() {
  const { data } = useQuery(useTrpc().system.info.queryOptions());
  return data ?? null;
}

/** Does something to the team, tells what went wrong, and reads everything of the team again. */
export function useTeamChange<Wish>(change: (wish: Wish) => Promise<unknown>, done?: string) {
  const queries = useQueryClient();
  const trpc = useTrpc();
  return useMutation({
    mutationFn: change,
    onSuccess: () => {
      if (done) toast.success(done);
    },
    onError: (error) => toast.error(describeError(error).message),
    onSettled: () => queries.invalidateQueries({ queryKey: trpc.team.pathKey() }),
  });
}
