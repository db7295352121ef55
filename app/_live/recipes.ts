import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api } from '~/app/_trpc/client';
import type { KnownRecipe } from '~/shared/recipes';

const none: KnownRecipe[] = [];

/** The recipes known on the server. @param about they are read again when it changes; null: they are not read */
export const useRecipesQuery = (about: string | null) =>
  useQuery({
    queryKey: ['recipes', about],
    queryFn: () => api.runs.recipes.query(),
    enabled: about !== null,
    staleTime: 30_000,
    placeholderData: keepPreviousData,
  });

/** The same; empty until read. */
export const useKnownRecipes = (about: string | null = ''): readonly KnownRecipe[] => useRecipesQuery(about).data ?? none;

/** Recipes by name: the titles and default values of their settings. */
export function useRecipes(names: readonly (string | null)[]): ReadonlyMap<string, KnownRecipe> {
  const known = useKnownRecipes(names.some((n) => n !== null) ? '' : null);
  return useMemo(() => new Map(known.map((r) => [r.name, r])), [known]);
}
