import type { RecipeField } from '~/shared/recipeFields';

/** Several values in one field make a sweep: one run for each. */

/** Most runs that one form may start. */
export const mostRuns = 100;

/** Kinds of fields that take several values; none of their values or choices may contain a comma. */
export const takesSeveral = ({ kind, choices }: Pick<RecipeField, 'kind' | 'choices'>): boolean =>
  kind === 'integer' ||
  kind === 'number' ||
  kind === 'boolean' ||
  (kind === 'choice' && choices.length > 1 && choices.every((c) => !String(c.value).includes(',')));

/** The distinct values in a field if there is more than one; otherwise null. */
export function severalOf(field: Pick<RecipeField, 'kind' | 'choices'>, text: string): string[] | null {
  // "0,001" may mean one number: the server then says what is allowed.
  if (!takesSeveral(field) || !text.includes(',') || /^\s*[+-]?\d+,\d+\s*$/.test(text)) return null;
  const values = [...new Set(text.split(',').map((v) => v.trim()))].filter(Boolean);
  return values.length > 1 ? values : null;
}

/** Every combination of one value from each list, the last list varying fastest; at most `mostRuns` combinations. */
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
