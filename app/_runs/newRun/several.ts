import type { RecipeField } from '~/shared/recipeFields';

/** Several values in one field make a sweep: one run for each. */

/** Runs that one form may start. */
export const mostRuns = 100;

/** The kinds of field that take several values; a comma cannot stand in one of their values, or in a choice's name. */
export const takesSeveral = ({ kind, choices }: Pick<RecipeField, 'kind' | 'choices'>): boolean =>
  kind === 'integer' ||
  kind === 'number' ||
  kind === 'boolean' ||
  (kind === 'choice' && choices.length > 1 && choices.every((c) => !String(c.value).includes(',')));

/** The values that stand in a field, each once, when there is more than one; else null. */
export function severalOf(field: Pick<RecipeField, 'kind' | 'choices'>, text: string): string[] | null {
  // "0,001" may be meant as one number: it is left to the server, which says what fits.
  if (!takesSeveral(field) || !text.includes(',') || /^\s*[+-]?\d+,\d+\s*$/.test(text)) return null;
  const values = [...new Set(text.split(',').map((v) => v.trim()))].filter(Boolean);
  return values.length > 1 ? values : null;
}

/** Every combination of one value from each list, the last list's values running fastest; at most `mostRuns` of them. */
export function combinations(lists: readonly (readonly string[])[]): { list: string[][]; of: number } {
  const of = lists.reduce((product, list) => product * list.length, 1);
  const list = Array.from({ length: Math.min(of, mostRuns) }, (_, n) => {
    let rest = n;
    return lists
      .toReversed()
      .map((values) => {
        const value = values[rest % values.length]!;
        rest = Math.floor(rest / values.length);
        return value;
      })
      .reverse();
  });
  return { list, of };
}
