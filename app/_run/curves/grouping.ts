import { grouped } from '~/shared/grouped';
import type { Series } from '~/shared/series';

export interface SeriesGroup {
  name: string;
  members: readonly Series[];
}

/** Group of the series about the machine, which are shown last. */
const SYSTEM = 'system';

/** The declared group of a series, else the part of its name before the last slash: "val/loss" is in "val". '' = neither. */
export function groupOf({ group, name }: Pick<Series, 'group' | 'name'>): string {
  if (group) return group;
  const slash = name.lastIndexOf('/');
  return slash > 0 ? name.slice(0, slash) : '';
}

/** Series by group, in order of declaration: those without a group first, the machine's last. */
export function groupSeries(series: readonly Series[]): SeriesGroup[] {
  const rank = ({ name }: SeriesGroup) => (name === '' ? 0 : name === SYSTEM || name.startsWith(`${SYSTEM}/`) ? 2 : 1);
  return [...grouped(series, groupOf)].map(([name, members]) => ({ name, members })).sort((a, b) => rank(a) - rank(b));
}

/** The name within its group: "val/loss" in "val" is "loss". */
export const nameInGroup = (name: string, group: string): string =>
  group !== '' && name.startsWith(`${group}/`) ? name.slice(group.length + 1) : name;
