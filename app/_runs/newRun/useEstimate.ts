import { useQuery } from '@tanstack/react-query';
import { useTrpc } from '~/app/_trpc/client';
import type { Estimate } from '~/shared/runTable';
import type { RunSetupInput } from '~/shared/setup';

/** How long such a run takes, as far as earlier runs tell. @param setup null: nothing to ask about */
export function useEstimate(setup: RunSetupInput | null): Estimate | null {
  const { data } = useQuery({
    ...useTrpc().runs.estimate.queryOptions({ recipe: setup?.recipe?.name ?? '', config: setup?.config ?? {} }),
    enabled: setup !== null && setup.recipe !== null,
    staleTime: 30_000,
    retry: false,
  });
  return setup === null ? null : (data ?? null);
}
