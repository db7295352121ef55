import type { Actor, Role } from '~/shared/ids';

/** What a person may do, as phrases that complete "... may not". */
export type Permission =
  | 'watch runs'
  | 'comment'
  | 'steer runs'
  | 'start runs'
  | 'edit runs'
  | 'edit rules'
  | 'delete runs'
  | 'manage people';

const viewer = ['watch runs', 'comment'] as const;
const operator = [...viewer, 'steer runs', 'start runs', 'edit runs', 'edit rules'] as const;
const admin = [...operator, 'delete runs', 'manage people'] as const;

const granted: Record<Role, readonly Permission[]> = { viewer, operator, admin, system: operator, trainer: [] };

export const may = (actor: Actor, permission: Permission): boolean => granted[actor.role].includes(permission);
