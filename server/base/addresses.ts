import { networkInterfaces } from 'node:os';

/** Addresses under which other machines may reach this one, IPv4. */
export const outsideAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((of) =>
    (of ?? []).flatMap((a) => (a.family === 'IPv4' && !a.internal && !a.address.startsWith('169.254.') ? [a.address] : [])),
  );
