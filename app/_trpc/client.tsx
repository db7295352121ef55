import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createTRPCClient, TRPCClientError } from '@trpc/client';
import { createTRPCContext } from '@trpc/tanstack-react-query';
import { type ReactNode, useState } from 'react';
import { atBase } from '~/app/_live/base';
import { unreached, unreachedWords } from '~/app/_live/reach';
import type { AppRouter } from '~/server/trpc';
import { paths } from '~/shared/paths';
import { links } from './links';

/** The typed client, for stores and event handlers: `await api.runs.range.query({...})`. */
export const api = createTRPCClient<AppRouter>({ links: links(atBase(paths.trpc)) });

const context = createTRPCContext<AppRouter>();
/** For components: `useQuery(useTrpc().runs.whyWaits.queryOptions({ runId }))`. */
export const useTrpc = context.useTRPC;

export function ApiProvider({ children }: { children: ReactNode }) {
  const [queries] = useState(
    () =>
      new QueryClient({
        defaultOptions: {
          // A server on this machine or in a lab's network is there also when the browser thinks that it is offline.
          queries: { networkMode: 'always', refetchOnWindowFocus: false, retry: (n, error) => n < 3 && !answered(error) },
          mutations: { networkMode: 'always' },
        },
      }),
  );
  return (
    <QueryClientProvider client={queries}>
      <context.TRPCProvider trpcClient={api} queryClient={queries}>
        {children}
      </context.TRPCProvider>
    </QueryClientProvider>
  );
}

/** Whether the server itself refused: a retry would get the same answer. */
export const answered = (error: unknown): boolean => error instanceof TRPCClientError && error.data != null;

/** The error message, and the field that it concerns. */
export function describeError(error: unknown): { message: string; field: string | null } {
  if (unreached(error)) return { message: unreachedWords, field: null };
  if (error instanceof TRPCClientError)
    return { message: error.message, field: (error.data?.field as string | null | undefined) ?? null };
  return { message: error instanceof Error ? error.message : String(error), field: null };
}

/** All invalid fields, when the server named more than one. */
export function problemsOf(error: unknown): { field: string; message: string }[] {
  const problems =
    error instanceof TRPCClientError ? (error.data?.problems as { field: string; message: string }[] | undefined) : undefined;
  return problems ?? [];
}
