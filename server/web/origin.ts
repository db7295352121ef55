/** Whether a request may come from one of our pages: browsers send cookies and open websockets for any page. */
import type { IncomingMessage } from 'node:http';
import { firstOf } from '~/server/base/forwarded';
import { isLoopback } from './address';

/** The name in a Host header, without its port. */
const nameOf = (host: string): string =>
  host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();

/**
 * A server on loopback requires no login, so a foreign page must not reach it under the page's own domain name (DNS rebinding).
 *
 * @returns null, or why the request is refused
 */
export function hostRefusal(request: IncomingMessage, loopback: boolean): string | null {
  const { host } = request.headers;
  if (host === undefined) return 'the request has no Host header';
  if (!loopback || isLoopback(nameOf(host))) return null;
  return `this server only answers as localhost or 127.0.0.1, not as "${nameOf(host)}"; to be reached under a name, start it with HOST=0.0.0.0`;
}

/** Whether an address is one under which the request reached us. */
function isOwn({ headers }: IncomingMessage, address: string): boolean {
  // A proxy sets this header: a page cannot add it to a request to another site.
  const forwarded = firstOf(headers['x-forwarded-host']);
  const named = URL.canParse(address) ? new URL(address).host : null;
  return named !== null && (named === headers.host || named === forwarded);
}

/** Whether a link on a page of ours led here. Browsers say so in a header of their own, or, over plain HTTP, with the address of the page. */
export function isFromOwnPage(request: IncomingMessage): boolean {
  const { referer, 'sec-fetch-site': site } = request.headers;
  return site === undefined ? referer !== undefined && isOwn(request, referer) : site === 'same-origin';
}

/** @returns null, or why the request is refused: its page was not served by us. Scripts send no Origin. */
export function originRefusal(request: IncomingMessage): string | null {
  const { origin } = request.headers;
  if (origin === undefined) return null;
  if (isOwn(request, origin)) return null;
  return `a page of ${origin} may not use this server; a proxy in between must pass on the header Host or X-Forwarded-Host`;
}
