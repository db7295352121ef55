/** How a client reaches this server: proxies in between say so in headers. */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

/** The first value, from the proxy nearest to the client, of a header that each proxy appends to. */
export const firstOf = (header: string | string[] | undefined): string | undefined =>
  String(header ?? '')
    .split(',')[0]!
    .trim() || undefined;

/** Whether the request came over TLS, also through a proxy that ends it. */
export const isSecure = (request: IncomingMessage): boolean =>
  firstOf(request.headers['x-forwarded-proto']) === 'https' || (request.socket as Partial<TLSSocket>).encrypted === true;

/** The address of this server as the client knows it, without a path. */
export const addressOf = (request: IncomingMessage): string =>
  `${isSecure(request) ? 'https' : 'http'}://${firstOf(request.headers['x-forwarded-host']) ?? request.headers.host}`;
