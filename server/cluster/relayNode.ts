/** A process that only relays a server to more viewers (HEADROOM_RELAY_OF): it has no data and never leads. */
import { createServer } from 'node:http';
import type { Route } from '~/server/base/route';
import { closeHttp, listen } from '~/server/web/listen';
import type { Target } from './forward';
import { StandIn } from './standIn';

export interface RelayOptions {
  /** The server's address. */
  leader: string;
  host: string;
  port: number;
  basePath: string;
  /** It may serve a server that lets everybody in without a login: only this machine reaches it. */
  open: boolean;
  routes(target: () => Target): Route[];
}

const askEveryMs = 5_000;

/** @throws StartError when the port is not available */
export async function startRelayNode({ leader, open, ...options }: RelayOptions) {
  let target: Target = { problem: `the server at ${leader} has not answered yet` };
  /** Why it did not answer the last time; viewers are still passed on, as it may be back at any moment. */
  let silent: string | null = null;
  const standIn = new StandIn(
    () => target,
    options.routes(() => ('address' in target && silent !== null ? { problem: silent } : target)),
    options.basePath,
  );
  const front = createServer((request, response) => standIn.request(request, response));
  front.on('upgrade', (request, socket, head) => standIn.upgrade(request, socket, head));
  const port = await listen(front, options.host, options.port);

  /** A server may begin to let everybody in when it is started again. */
  async function ask(): Promise<void> {
    const answer = await fetch(`${leader}/readyz`, { signal: AbortSignal.timeout(askEveryMs) });
    const { login } = (await answer.json()) as { login?: boolean };
    silent = null;
    if (login === true || (open && login === false)) {
      target = { address: leader };
      return;
    }
    standIn.cut();
    const why =
      login === undefined
        ? 'does not say whether people sign in: it is a relay or stands by itself, or has another version; give the address of a server'
        : 'lets everybody in without a login; set HEADROOM_LOGIN=required there, or HOST=127.0.0.1 here';
    target = { problem: `the server at ${leader} ${why}` };
  }
  const askNow = () =>
    ask().catch(() => {
      silent = `the server at ${leader} does not answer`;
    });
  await askNow();
  const timer = setInterval(askNow, askEveryMs);
  return {
    port,
    /** Why it serves nobody; null when it does. */
    problem: () => ('problem' in target ? target.problem : null),
    async close(): Promise<void> {
      clearInterval(timer);
      await standIn.close();
      await closeHttp(front);
    },
  };
}
