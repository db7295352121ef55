import { httpBatchLink, httpBatchStreamLink, splitLink, type TRPCLink } from '@trpc/client';
import type { AppRouter } from '~/server/trpc';
import { transformer } from '~/shared/json';

/** As many questions as the server takes in one request. */
const maxItems = 50;

/**
 * How the page asks: the questions of one moment in one request, by POST, so that any number of series fits (a server refuses addresses of more than 16 kB, proxies
 * less); each answer is used as it comes, so that the first curve is drawn while the others are still on their way.
 */
export const links = (url: string): TRPCLink<AppRouter>[] => [
  splitLink({
    condition: ({ type }) => type === 'query',
    true: httpBatchStreamLink({ url, transformer, maxItems, methodOverride: 'POST' }),
    false: httpBatchLink({ url, transformer, maxItems }),
  }),
];
