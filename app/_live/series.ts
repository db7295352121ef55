import type { Series, SeriesRole } from '~/shared/series';
import { seriesWithRole } from '~/shared/streams';
import { useView } from './useRun';

const none: Series[] = [];

/** Every series that the view holds, in order of declaration. The same list until one is added: rows do not change it. */
export const useSeries = (): readonly Series[] => useView((v) => v.streams.flatMap((s) => s.columns), none);

/** Name of the series of a role; null when the run has none. */
export const useRoleName = (role: SeriesRole): string | null => useView((v) => seriesWithRole(v, role)?.name ?? null, null);

/** The series of a role: the main one of several, else the first. */
export const withRole = (series: readonly Series[], role: SeriesRole): Series | undefined =>
  series.find((s) => s.role === role && s.main) ?? series.find((s) => s.role === role);
