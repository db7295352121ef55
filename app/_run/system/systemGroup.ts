import type { Series } from '~/shared/series';

/** Whether a series is about the machine; those have a panel of their own. */
export const isSystem = ({ group }: Pick<Series, 'group'>): boolean => group === 'system';
