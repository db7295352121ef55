import { useEffect, useState } from 'react';
import { api } from '~/app/_trpc/client';
import type { KnownRecipe } from '~/shared/recipes';

/** Read once for all who ask at about the same time. */
const fresh = 30_000;
let last: { at: number; answer: Promise<KnownRecipe[]> } | null = null;

function readRecipes(): Promise<KnownRecipe[]> {
  const now = Date.now();
  if (!last || now - last.at > fresh) {
    const answer = api.runs.recipes.query();
    last = { at: now, answer };
    answer.catch(() => {
      last = null;
    });
  }
  return last.answer;
}

/** The recipes of these names that are known here: what settings are called, and what they begin with. Empty until read, and where the server cannot say. */
export function useRecipes(names: readonly (string | null)[]): ReadonlyMap<string, KnownRecipe> {
  const [known, setKnown] = useState<ReadonlyMap<string, KnownRecipe>>(new Map());
  const wanted = [...new Set(names.filter((n) => n !== null))].sort().join();
  useEffect(() => {
    if (wanted === '') return;
    let gone = false;
    readRecipes().then(
      (recipes) => {
        if (!gone) setKnown(new Map(recipes.map((r) => [r.name, r])));
      },
      () => {},
    );
    return () => {
      gone = true;
    };
  }, [wanted]);
  return known;
}
