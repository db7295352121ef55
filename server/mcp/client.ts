/**
 * A typed client of a Headroom server for scripts. It has every procedure that a person can use; the token's role decides which
 * are allowed.
 *
 *   const headroom = connect({ url: 'http://127.0.0.1:3000', token: process.env.HEADROOM_TOKEN });
 *   for (const run of await headroom.runs.list.query()) console.log(run.runId, run.status, run.step);
 */
import { createTRPCClient, httpBatchLink, type TRPCClient } from '@trpc/client';
import { askServer, refusalOf, serverAddress } from '~/server/base/askServer';
import type { AppRouter } from '~/server/trpc';
import { transformer } from '~/shared/json';
import { addressAt, paths } from '~/shared/protocol';

export interface Server {
  /** e.g. http://127.0.0.1:3000 */
  url: string;
  /** Required where the server requires a login. */
  token?: string | undefined;
}

export type HeadroomClient = TRPCClient<AppRouter>;

const headers = ({ token }: Server): Record<string, string> => (token ? { authorization: `Bearer ${token}` } : {});

/** @throws Error when `url` is no address. A request that fails throws TRPCClientError, whose message says why. */
export const connect = (server: Server): HeadroomClient =>
  createTRPCClient<AppRouter>({
    links: [
      httpBatchLink({
        url: addressAt(serverAddress(server.url), paths.trpc).href,
        transformer,
        methodOverride: 'POST',
        headers: () => headers(server),
        fetch: async (address, init) => {
          const answer = await askServer(address as string, init as RequestInit);
          if (answer.headers.get('content-type')?.includes('json')) return answer;
          throw await refusalOf(answer);
        },
      }),
    ],
  });

/** A blob's bytes (snapshot, checkpoint). @throws Error with the server's answer when there is no blob with this hash */
export async function readBlob(server: Server, hash: string): Promise<Uint8Array> {
  const at = addressAt(serverAddress(server.url), `${paths.blobs}/${hash}`);
  const answer = await askServer(at, { headers: headers(server) });
  if (!answer.ok) throw await refusalOf(answer);
  return new Uint8Array(await answer.arrayBuffer());
}
