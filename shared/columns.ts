/** Comparing and joining the declarations of series. */
import type { Better, Series } from './series';

/** A name that two of these columns have, so that they cannot be a stream; null = none. */
export function repeatedName(columns: readonly Series[]): string | null {
  const names = new Set<string>();
  for (const { name } of columns) {
    if (names.has(name)) return name;
    names.add(name);
  }
  return null;
}

/**
 * Two declarations of a stream merged: the second may add what the first left out (a later release of a script knows a role, or a
 * level of chance), and may leave things out. null: they contradict each other.
 */
export function joinedColumns(first: readonly Series[], second: readonly Series[]): Series[] | null {
  if (first.length !== second.length || contradicted(first, second)) return null;
  return first.map((a, i) => ({ ...second[i]!, ...a }));
}

/** The first field that two declarations of as many columns give different values; null: there is none. */
export function contradicted(first: readonly Series[], second: readonly Series[]) {
  for (const [at, a] of first.entries()) {
    const b = second[at];
    const field = b && fieldsOf(a, b).find((f) => a[f] !== undefined && b[f] !== undefined && a[f] !== b[f]);
    if (field) return { at, name: a.name, field, first: a[field], second: b[field] };
  }
  return null;
}

/** Whether two declarations are equal. */
export const sameColumns = (a: readonly Series[], b: readonly Series[]): boolean =>
  a.length === b.length && a.every((column, i) => fieldsOf(column, b[i]!).every((f) => column[f] === b[i]![f]));

const fieldsOf = (...declared: Series[]) => declared.flatMap((column) => Object.keys(column) as (keyof Series)[]);

/** Which way a metric or a series improves: as declared, else accuracies rise and everything else falls. */
export const betterOf = ({ better, role }: { better?: Better | undefined; role?: string | undefined }): Better =>
  better ?? (role === 'accuracy' ? 'higher' : 'lower');

/** Whether `value` is better than `than`. */
export const isBetter = (better: Better, value: number, than: number): boolean =>
  better === 'higher' ? value > than : value < than;
