import type { Actor, Role } from '~/shared/ids';

/** What a person may do, in words that finish "... may not". */
export type Permission = 'watch runs' | 'steer runs' | 'start runs';

const granted: Record<Role, readonly Permission[]> = {
  viewer: ['watch runs'],
  operator: ['watch runs', 'steer runs', 'start runs'],
  admin: ['watch runs', 'steer runs', 'start runs'],
  system: ['watch runs', 'steer runs', 'start runs'],
  trainer: [],
};

export const may = (actor: Actor, permission: Permission): boolean => granted[actor.role].includes(permission);
