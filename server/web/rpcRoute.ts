import type { IncomingMessage } from 'node:http';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { wentAway } from '~/server/base/jobRequest';
import type { Route } from '~/server/base/route';
import { appRouter } from '~/server/trpc';
import type { Context } from '~/server/trpc/base';
import type { Actor } from '~/shared/ids';
import { paths } from '~/shared/protocol';

const maxBytes = 2 * 2 ** 20;

/** Queries and mutations over tRPC. */
export function rpcRoute(context: Omit<Context, 'actor'>, onError: (error: unknown) => void): Route {
  const actors = new WeakMap<IncomingMessage, Actor>();
  const handler = createHTTPHandler({
    router: appRouter,
    basePath: `${paths.trpc}/`,
    maxBodySize: maxBytes,
    maxBatchSize: 50,
    // Queries may be long: POST is allowed for them too.
    allowMethodOverride: true,
    createContext: ({ req }): Context => ({ ...context, actor: actors.get(req)! }),
    onError: ({ error }) => {
      if (error.code === 'INTERNAL_SERVER_ERROR' && !wentAway(error.cause ?? error)) onError(error);
    },
  });
  return {
    method: ['GET', 'POST'],
    path: `${paths.trpc}/*`,
    for: 'known',
    metered: true,
    handle({ request, response, actor }) {
      actors.set(request, actor);
      return handler(request, response);
    },
  };
}
