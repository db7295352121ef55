/** Passes requests and websockets of a node that stands by on to the leader, byte by byte. */
import { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse, request as send } from 'node:http';
import { request as sendSecure } from 'node:https';
import type { Duplex } from 'node:stream';
import { refuseUpgrade, sendText } from '~/server/base/respond';

/** Address of the leader, or why there is none to forward to. */
export type Target = { address: string } | { problem: string };

/** Set on what was forwarded, so that two nodes that take each other for the leader do not forward for ever. */
const mark = 'x-headroom-forwarded';
/** Headers of one connection only (RFC 9110, 7.6.1). */
const ofConnection = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'upgrade',
];

/** What is being forwarded. */
export class Forwarding {
  readonly #open = new Set<{ destroy(): unknown }>();

  request(request: IncomingMessage, response: ServerResponse, target: Target): void {
    const unavailable = (problem: string) => {
      request.resume();
      sendText(response, 503, `${problem}; try again in a moment`, { 'retry-after': '1' });
    };
    const to = targetOf(request, target);
    if ('problem' in to) {
      unavailable(to.problem);
      return;
    }
    const passed = this.#kept(begin(request, to.address, {}));
    passed.on('response', (answer) => {
      const headers = Object.entries(answer.headers).filter(([name]) => !ofConnection.includes(name));
      response.writeHead(answer.statusCode!, Object.fromEntries(headers));
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    passed.on('error', () => {
      if (response.headersSent) response.destroy();
      else unavailable(`the leading node at ${to.address} does not answer`);
    });
    response.on('close', () => passed.destroy());
    request.pipe(passed);
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, target: Target): void {
    socket.on('error', () => socket.destroy());
    const to = targetOf(request, target);
    if ('problem' in to) {
      refuseUpgrade(socket, '503 Service Unavailable', 'retry-after: 1');
      return;
    }
    const upgrade = { connection: 'Upgrade', upgrade: request.headers.upgrade ?? 'websocket' };
    const passed = this.#kept(begin(request, to.address, upgrade));
    passed.on('upgrade', (answer, leader: Duplex, first) => {
      const lines = answer.rawHeaders.flatMap((name, i, all) => (i % 2 === 0 ? [`${name}: ${all[i + 1]}\r\n`] : []));
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
      socket.write(first);
      leader.write(head);
      socket.pipe(this.#kept(leader)).pipe(socket);
      leader.on('error', () => socket.destroy());
      leader.on('close', () => socket.destroy());
      socket.on('close', () => leader.destroy());
    });
    passed.on('response', (answer) => {
      answer.resume();
      refuseUpgrade(socket, `${answer.statusCode} ${answer.statusMessage}`);
    });
    passed.on('error', () => refuseUpgrade(socket, '502 Bad Gateway'));
    socket.on('close', () => passed.destroy());
    passed.end();
  }

  /** Ends everything that is being forwarded: the leader is another one, and the old one may be silent for minutes. */
  cut(): void {
    for (const open of this.#open) open.destroy();
  }

  #kept<T extends { destroy(): unknown; once(event: 'close', listener: () => void): unknown }>(open: T): T {
    this.#open.add(open);
    open.once('close', () => this.#open.delete(open));
    return open;
  }
}

/** Where this request goes. */
export const targetOf = (request: IncomingMessage, target: Target): Target =>
  request.headers[mark] === undefined ? target : { problem: 'this node does not lead' };

/**
 * The Host header and those of proxies stay as they came: the leader judges origin, cookies and identity as if the client had
 * come to it through a proxy.
 */
export function forwardedHeaders({ headers, socket }: IncomingMessage): OutgoingHttpHeaders {
  const dropped = new Set([
    ...ofConnection,
    ...String(headers.connection)
      .toLowerCase()
      .split(/\s*,\s*/),
  ]);
  const from = [headers['x-forwarded-for'], socket.remoteAddress].filter((at) => at !== undefined).join(', ');
  const kept = Object.entries(headers).filter(([name]) => !dropped.has(name));
  return { ...Object.fromEntries(kept), 'x-forwarded-for': from, [mark]: '1' };
}

function begin(request: IncomingMessage, address: string, more: OutgoingHttpHeaders) {
  const { method, url: path } = request;
  const { protocol, hostname, port } = new URL(address);
  return (protocol === 'https:' ? sendSecure : send)({
    hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    method,
    path,
    headers: { ...forwardedHeaders(request), ...more },
    // A connection of its own: a kept one may be closed by the leader just as the next request is sent.
    agent: false,
  });
}
