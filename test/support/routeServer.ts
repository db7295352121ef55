import type { AddressInfo } from 'node:net';
import { type Clock, realClock } from '~/server/base/clock';
import type { Route } from '~/server/base/route';
import { createHttp } from '~/server/web/http';
import { closeHttp } from '~/server/web/listen';
import type { Actor } from '~/shared/ids';

/** Serves some routes on a separate port, as the server does; every request comes from `actor`. */
export async function serveRoutes(routes: readonly Route[], actor: Actor, clock: Pick<Clock, 'elapsed'> = realClock) {
  const errors: string[] = [];
  const none = { http: null as never, close: async () => {} };
  const server = createHttp({
    routes,
    identity: { identify: async () => actor },
    loopback: true,
    clock,
    basePath: '',
    links: { viewers: none, trainers: none },
    pages: Promise.resolve(null),
    dev: false,
    onError: (error) => void errors.push(error instanceof Error ? error.message : String(error)),
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, errors, close: () => closeHttp(server) };
}
