/**
 * The meanings of actions. Arguments that a role fixes: `cancel` takes `commandId`; `revert` takes `step` or `checkpoint` or both.
 */
export const actionRoles = [
  'pause',
  'resume',
  'step',
  'stop',
  'evaluate',
  'snapshot',
  'checkpoint',
  'revert',
  'branch',
  'cancel',
] as const;
