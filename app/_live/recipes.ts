import { useEffect, useMemo, useState } from 'react';
import { api } from '~/app/_trpc/client';
import type { KnownRecipe } from '~/shared/recipes';

/** Read once for all who ask at about the same time. */
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

/** Every recipe that is known here; empty until read, and where the server cannot say. @param about they are read again when it changes; null: not at all */
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

/** The recipes of these names: what settings are called, and what they begin with. */
export function useRecipes(names: readonly (string | null)[]): ReadonlyMap<string, KnownRecipe> {
  const known = useKnownRecipes(names.some((n) => n !== null) ? '' : null);
  return useMemo(() => new Map(known.map((r) => [r.name, r])), [known]);
}
