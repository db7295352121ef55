import type { Series } from '~/shared/series';
import { seriesLabel } from './chartLines';
import { groupOf } from './grouping';

/** What people may search a series by: its key, what it is called on screen, its group. */
export const wordsOf = (series: Series): string[] => [series.name, seriesLabel(series), groupOf(series)];

/** A search over what is on screen and the keys: a regular expression, case ignored; text that is none is searched as it stands, and `error` says so. */
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
