/** Passes requests and websockets of a node that stands by on to the leader, byte by byte. */
import { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse, request as send } from 'node:http';
import { request as sendSecure } from 'node:https';
import type { Duplex } from 'node:stream';
import { sendText } from '~/server/base/respond';

/** Set on what was forwarded, so that two nodes that take each other for the leader do not forward for ever. */
const forwardedBy = 'x-headroom-forwarded';

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

/** Address of the leader, or why there is none to forward to. */
export type Target = { address: string } | { problem: string };

/**
 * The Host header and those of proxies stay as they came: the leader judges origin, cookies and identity as if the client had
 * come to it through a proxy.
 */
function headersOf(request: IncomingMessage): OutgoingHttpHeaders {
  const { headers, socket } = request;
  const dropped = new Set([
    ...ofConnection,
    ...String(headers.connection ?? '')
      .toLowerCase()
      .split(/\s*,\s*/),
  ]);
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name)));
  const from = [headers['x-forwarded-for'], socket.remoteAddress].filter((address) => address !== undefined);
  return { ...kept, 'x-forwarded-for': from.join(', '), [forwardedBy]: '1' };
}

/** Where this request goes. */
const targetOf = (request: IncomingMessage, target: Target): Target =>
  request.headers[forwardedBy] === undefined ? target : { problem: 'this node does not lead' };

function open(request: IncomingMessage, { address }: { address: string }, headers: OutgoingHttpHeaders) {
  const at = new URL(address);
  const secure = at.protocol === 'https:';
  return (secure ? sendSecure : send)({
    hostname: at.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: at.port || (secure ? 443 : 80),
    path: request.url,
    method: request.method,
    headers,
    // A connection of its own: a kept one may be closed by the leader just as the next request is sent.
    agent: false,
  });
}

export function forwardRequest(request: IncomingMessage, response: ServerResponse, target: Target): void {
  const unavailable = (problem: string) => {
    request.resume();
    sendText(response, 503, `${problem}; try again in a moment`, { 'retry-after': '1' });
  };
  const to = targetOf(request, target);
  if ('problem' in to) {
    unavailable(to.problem);
    return;
  }
  const passed = open(request, to, headersOf(request));
  passed.on('response', (answer) => {
    const headers = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !ofConnection.includes(name)));
    response.writeHead(answer.statusCode!, headers);
    answer.pipe(response);
    answer.on('error', () => response.destroy());
    answer.on('aborted', () => response.destroy());
  });
  passed.on('error', () => {
    if (response.headersSent) response.destroy();
    else unavailable(`the leading node at ${to.address} does not answer`);
  });
  response.on('close', () => passed.destroy());
  request.pipe(passed);
}

export function forwardUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, target: Target): void {
  const refuse = (line: string) => socket.end(`HTTP/1.1 ${line}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  socket.on('error', () => socket.destroy());
  const to = targetOf(request, target);
  if ('problem' in to) {
    refuse('503 Service Unavailable\r\nretry-after: 1');
    return;
  }
  const headers = { ...headersOf(request), connection: 'Upgrade', upgrade: request.headers.upgrade ?? 'websocket' };
  const passed = open(request, to, headers);
  passed.on('upgrade', (answer, other, otherHead) => {
    const lines = answer.rawHeaders.flatMap((name, i, all) => (i % 2 === 0 ? [`${name}: ${all[i + 1]}`] : []));
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
    if (otherHead.length > 0) socket.write(otherHead);
    if (head.length > 0) other.write(head);
    socket.pipe(other).pipe(socket);
    other.on('error', () => socket.destroy());
    other.on('close', () => socket.destroy());
    socket.on('close', () => other.destroy());
  });
  passed.on('response', (answer) => {
    answer.resume();
    refuse(`${answer.statusCode} ${answer.statusMessage}`);
  });
  passed.on('error', () => refuse('502 Bad Gateway'));
  socket.on('close', () => passed.destroy());
  passed.end();
}
