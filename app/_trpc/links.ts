import { httpBatchLink, httpBatchStreamLink, splitLink, type TRPCLink } from '@trpc/client';
import { reachJson } from '~/app/_live/reach';
import type { AppRouter } from '~/server/trpc';
import { transformer } from '~/shared/json';

/** The server's limit of queries in one request. */
const maxItems = 50;

/**
 * Batches queries made at the same moment into one POST request, so that any number of series fits (a server refuses addresses of
 * more than 16 kB, proxies less); answers are streamed, so that the first curve is drawn while the others are still being read.
 */
export const links = (url: string): TRPCLink<AppRouter>[] => [
  splitLink({
    condition: ({ type }) => type === 'query',
    true: httpBatchStreamLink({ url, fetch: reachJson, transformer, maxItems, methodOverride: 'POST' }),
    false: httpBatchLink({ url, fetch: reachJson, transformer, maxItems }),
  }),
];
