import type { Series, SeriesRole } from '~/shared/series';
import { seriesOfRole, seriesWithRole } from '~/shared/streams';
import { useView } from './useRun';

const none: Series[] = [];

/** Every series in the view, in order of declaration. The same list until one is added: rows do not change it. */
export const useSeries = (): readonly Series[] => useView((v) => v.streams.flatMap((s) => s.columns), none);

/** Name of the series with a role; null when the run has none. */
export const useRoleName = (role: SeriesRole): string | null => useView((v) => seriesWithRole(v, role)?.name ?? null, null);

/** The series with a role: the main one if there are several, otherwise the first. */
export function withRole(series: readonly Series[], role: SeriesRole): Series | undefined {
  const all = seriesOfRole(series, role);
  return all.find((s) => s.main) ?? all[0];
}
