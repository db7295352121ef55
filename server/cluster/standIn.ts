/** What a node that does not lead does with requests: it answers a few itself, relays the frames to viewers, and forwards the others to the leader. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { realClock } from '~/server/base/clock';
import type { Route } from '~/server/base/route';
import { withoutBase } from '~/server/base/withoutBase';
import { routeTable } from '~/server/web/routeTable';
import { Forwarding, type Target } from './forward';
import { Relay } from './relay';

export class StandIn {
  readonly #forwarding = new Forwarding();
  readonly #relay: Relay;
  readonly #find: ReturnType<typeof routeTable>;

  /** @param own what it answers itself, to anybody */
  constructor(
    private readonly target: () => Target,
    own: readonly Route[],
    private readonly basePath: string,
  ) {
    this.#relay = new Relay(target, realClock);
    this.#find = routeTable(own);
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    const found = this.#find(request.method ?? 'GET', withoutBase(request.url, this.basePath));
    if (found && 'params' in found && found.route.for === 'anybody')
      found.route.handle({ request, response, url: new URL('http://localhost'), params: {} });
    else this.#forwarding.request(request, response, this.target());
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const path = withoutBase(request.url, this.basePath);
    if (!this.#relay.take(request, socket, head, path)) this.#forwarding.upgrade(request, socket, head, this.target());
  }

  /** Ends what goes to a leader that is replaced: it may be silent for minutes. */
  cut(): void {
    this.#forwarding.cut();
    this.#relay.cut();
  }

  async close(): Promise<void> {
    this.#forwarding.cut();
    await this.#relay.close();
  }
}

/**
 * Checks of /readyz for a node that does not lead, and what it answers besides. Without PostgreSQL it would not see that another node
 * leads, and it could not take over.
 */
export const standInHealth = (target: () => Target, trouble: () => string | null = () => null) => ({
  checks: {
    async leader(): Promise<string | null> {
      const to = target();
      return 'problem' in to ? to.problem : null;
    },
    async database(): Promise<string | null> {
      const reason = trouble();
      return reason && `PostgreSQL does not answer: ${reason}`;
    },
  },
  about(): object {
    const to = target();
    return 'address' in to ? { standbyOf: to.address } : {};
  },
});
