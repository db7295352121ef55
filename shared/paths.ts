/** Where the server listens: sockets of viewers and trainers, questions and answers, blobs. */
export const paths = { viewers: '/rt', trainers: '/trainer', trpc: '/api/trpc', blobs: '/api/blobs' } as const;
