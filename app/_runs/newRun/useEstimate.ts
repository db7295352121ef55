import { useQuery } from '@tanstack/react-query';
import { useTrpc } from '~/app/_trpc/client';
import type { Estimate } from '~/shared/runTable';
import type { RunSetupInput } from '~/shared/setup';

/** Estimated duration of a run, from earlier runs. @param setup null: nothing to estimate */
export function useEstimate(setup: RunSetupInput | null): Estimate | null {
  const { data } = useQuery({
    ...useTrpc().runs.estimate.queryOptions({ recipe: setup?.recipe?.name ?? '', config: setup?.config ?? {} }),
    enabled: setup !== null && setup.recipe !== null,
    staleTime: 30_000,
    retry: false,
  });
  return setup === null ? null : (data ?? null);
}
