import { networkInterfaces } from 'node:os';

/** IPv4 addresses at which other machines may reach this one. */
export const outsideAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((of) =>
    (of ?? []).flatMap((a) => (a.family === 'IPv4' && !a.internal && !a.address.startsWith('169.254.') ? [a.address] : [])),
  );
