/** Every environment variable that begins with HEADROOM_, whichever part of the program reads it. */
export const settingNames: readonly string[] = [
  'HEADROOM_ADDRESS',
  'HEADROOM_BACKEND',
  'HEADROOM_BASE_PATH',
  'HEADROOM_CIFAR100_URL',
  'HEADROOM_DATA',
  'HEADROOM_LOGIN',
  'HEADROOM_MODE',
  'HEADROOM_OIDC_ALLOW',
  'HEADROOM_OIDC_CLIENT_ID',
  'HEADROOM_OIDC_CLIENT_SECRET',
  'HEADROOM_OIDC_ISSUER',
  'HEADROOM_OIDC_NAME',
  'HEADROOM_PAGES',
  'HEADROOM_PARENT',
  'HEADROOM_PRIVATE_WEBHOOKS',
  'HEADROOM_PROJECT',
  'HEADROOM_RECIPES',
  'HEADROOM_RELAY_OF',
  'HEADROOM_RESNET34_URL',
  'HEADROOM_SERVER',
  'HEADROOM_SILENT_MINUTES',
  'HEADROOM_SPOOL',
  'HEADROOM_SPOOL_BYTES',
  'HEADROOM_THREADS',
  'HEADROOM_TOKEN',
  'HEADROOM_TRAINERS',
  'HEADROOM_TRAINER_NAME',
  'HEADROOM_TRAINER_TOKEN',
];

/** Set by the program itself for its own processes. */
const internal = ['HEADROOM_PAGES', 'HEADROOM_PARENT'];

/** A misspelled setting would otherwise silently leave its default in force. @returns a line for each variable that nothing reads */
export function unknownSettings(variables: Readonly<Record<string, string | undefined>>): string[] {
  const offered = settingNames.filter((name) => !internal.includes(name)).join(', ');
  return Object.keys(variables)
    .filter((name) => name.startsWith('HEADROOM_') && !settingNames.includes(name))
    .map((name) => `${name}: there is no such setting, so it has no effect; check its spelling: there are ${offered}`);
}
