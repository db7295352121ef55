import type { Series } from '~/shared/series';

/** Series of this group say what the machine does: they have a panel of their own. */
export const isSystem = ({ group }: Pick<Series, 'group'>): boolean => group === 'system';
