import type { Series } from '~/shared/series';
import { seriesLabel } from './chartLines';
import { groupOf } from './grouping';

/** Texts by which a series can be found: its key, its name on screen, its group. */
export const wordsOf = (series: Series): string[] => [series.name, seriesLabel(series), groupOf(series)];

/** Searches keys and names on screen: a regular expression that ignores case. Invalid ones are searched as plain text, and `error` says so. */
export function matcher(search: string): { test(name: string): boolean; error: string | null } {
  if (search === '') return { test: () => true, error: null };
  try {
    const expression = new RegExp(search, 'i');
    return { test: (name) => expression.test(name), error: null };
  } catch {
    const text = search.toLowerCase();
    return { test: (name) => name.toLowerCase().includes(text), error: 'not a regular expression: searched as plain text' };
  }
}
