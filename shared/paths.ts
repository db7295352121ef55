/** Paths on which the server listens: sockets of viewers and trainers, tRPC, blobs. */
export const paths = { viewers: '/rt', trainers: '/trainer', trpc: '/api/trpc', blobs: '/api/blobs' } as const;

/** A run's id: made by the server. */
export const runIdPattern = /^[a-z0-9]{6,32}$/;
