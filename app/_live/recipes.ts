import { useEffect, useMemo, useState } from 'react';
import { api } from '~/app/_trpc/client';
import type { KnownRecipe } from '~/shared/recipes';

/** How long an answer is reused, ms. */
const fresh = 30_000;
let last: { at: number; about: string; answer: Promise<KnownRecipe[]> } | null = null;

function readRecipes(about: string): Promise<KnownRecipe[]> {
  const now = Date.now();
  if (!last || now - last.at > fresh || (about !== '' && about !== last.about)) {
    const answer = api.runs.recipes.query();
    last = { at: now, about, answer };
    answer.catch(() => {
      last = null;
    });
  }
  return last.answer;
}

const none: KnownRecipe[] = [];

/** Recipes known on the server; empty until read. @param about recipes are read again when it changes; null: they are not read */
export function useKnownRecipes(about: string | null = ''): readonly KnownRecipe[] {
  const [known, setKnown] = useState(none);
  useEffect(() => {
    if (about === null) return;
    let gone = false;
    readRecipes(about).then(
      (recipes) => {
        if (!gone) setKnown(recipes);
      },
      () => {},
    );
    return () => {
      gone = true;
    };
  }, [about]);
  return known;
}

/** Recipes by name: the titles and default values of their settings. */
export function useRecipes(names: readonly (string | null)[]): ReadonlyMap<string, KnownRecipe> {
  const known = useKnownRecipes(names.some((n) => n !== null) ? '' : null);
  return useMemo(() => new Map(known.map((r) => [r.name, r])), [known]);
}
