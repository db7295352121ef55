import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api } from '~/app/_trpc/client';
import type { KnownRecipe } from '~/shared/recipes';

const none: KnownRecipe[] = [];

/** Recipes known on the server; empty until read. @param about recipes are read again when it changes; null: they are not read */
export function useKnownRecipes(about: string | null = ''): readonly KnownRecipe[] {
  const { data } = useQuery({
    queryKey: ['recipes', about],
    queryFn: () => api.runs.recipes.query(),
    enabled: about !== null,
    staleTime: 30_000,
    placeholderData: keepPreviousData,
  });
  return data ?? none;
}

/** Recipes by name: the titles and default values of their settings. */
export function useRecipes(names: readonly (string | null)[]): ReadonlyMap<string, KnownRecipe> {
  const known = useKnownRecipes(names.some((n) => n !== null) ? '' : null);
  return useMemo(() => new Map(known.map((r) => [r.name, r])), [known]);
}
