import { numberTyped } from '~/app/_components/numberTyped';
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

/** Values are separated by commas; one with separated thousands needs a space after the comma. */
const parts = (text: string): string[] => text.split(/,\s+/).flatMap((v) => (numberTyped(v) === null ? v.split(',') : v));

/** The distinct values in a field if there is more than one; otherwise null. "0.001" and "1e-3" are one. */
export function severalOf(field: Pick<RecipeField, 'kind' | 'choices'>, text: string): string[] | null {
  if (!takesSeveral(field) || !text.includes(',') || numberTyped(text) !== null || unsure(text)) return null;
  const values = distinct(text);
  return values.length > 1 ? values : null;
}

function distinct(text: string): string[] {
  const written = new Map<string | number, string>();
  for (const part of parts(text)) {
    const value = part.trim();
    const same = numberTyped(value) ?? value;
    if (value !== '' && !written.has(same)) written.set(same, value);
  }
  return [...written.values()];
}

/**
 * What to write instead of a text that may be one number or two, such as "0,5" and "128,256", or that has one number twice; null for other texts.
 * "10,000" is one: nobody writes the value "000".
 */
export function unsure(text: string): string | null {
  if (/,\s+\S/.test(text)) {
    const [value, another] = distinct(text);
    if (another === undefined && value !== undefined && numberTyped(value) !== null)
      return `"${text.trim()}" has the same value again: write ${value}, or several different ones`;
  }
  const [, first, second] = /^\s*([+-]?\d+),(\d+)\s*$/.exec(text) ?? [];
  if (first === undefined || second === undefined || (second === '000' && numberTyped(text) !== null)) return null;
  const one = numberTyped(text) === null ? `${first}.${second}` : first + second;
  return `"${text.trim()}" may be one value or two: write ${one}, or "${first}, ${second}"`;
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
