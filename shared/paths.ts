/** Paths on which the server listens: sockets of viewers and trainers, tRPC, blobs. */
export const paths = { viewers: '/rt', trainers: '/trainer', trpc: '/api/trpc', blobs: '/api/blobs' } as const;

/** Header with the id of the person as whom a page was opened: another may sign in in the same browser meanwhile. */
export const personHeader = 'x-headroom-person';

/** A run's id: made by the server. */
export const runIdPattern = /^[a-z0-9]{6,32}$/;
