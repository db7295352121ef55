/**
 * A typed client of a Headroom server for scripts. It has every procedure that a person can use; the token's role decides which
 * are allowed.
 *
 *   const headroom = connect({ url: 'http://127.0.0.1:3000', token: process.env.HEADROOM_TOKEN });
 *   for (const run of await headroom.runs.list.query()) console.log(run.runId, run.status, run.step);
 */
import { createTRPCClient, httpBatchLink, type TRPCClient } from '@trpc/client';
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

export const connect = (server: Server): HeadroomClient =>
  createTRPCClient<AppRouter>({
    links: [
      httpBatchLink({
        url: addressAt(server.url, paths.trpc).href,
        transformer,
        methodOverride: 'POST',
        headers: () => headers(server),
      }),
    ],
  });

/** A blob's bytes (snapshot, checkpoint). @throws Error with the server's answer when there is no blob with this hash */
export async function readBlob(server: Server, hash: string): Promise<Uint8Array> {
  const answer = await fetch(addressAt(server.url, `${paths.blobs}/${hash}`), { headers: headers(server) });
  if (!answer.ok) throw new Error(`blob ${hash}: the server answered ${answer.status} ${await answer.text()}`);
  return new Uint8Array(await answer.arrayBuffer());
}
