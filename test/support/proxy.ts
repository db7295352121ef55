import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createProxyServer } from 'httpxy';

export interface ProxyOptions {
  /** The path under which the proxy shows the server. */
  basePath: string;
  /** Removes the base path before the request to the server. */
  strips: boolean;
  /** Puts a slash in place of the base path, before the one that is there: "//runs". */
  doublesSlash?: boolean;
  /** The server sees its own address as Host, the real one as X-Forwarded-Host. */
  changesHost?: boolean;
  /** How websockets fail; default: they are forwarded. */
  websockets?: 'refused' | 'swallowed';
}

/** A reverse proxy in front of a server. @returns origin of the proxy, without the base path */
export async function startProxy(target: string, options: ProxyOptions): Promise<{ origin: string; close(): Promise<void> }> {
  const { basePath, strips, websockets } = options;
  const proxy = createProxyServer({ target, changeOrigin: options.changesHost ?? false });
  proxy.on('error', (_error, _request, response) => response?.destroy());
  const below = (url = '/') => url === basePath || url.startsWith(`${basePath}/`) || url.startsWith(`${basePath}?`);
  // Websockets of Next's development server are not tested.
  const isOurs = (url = '/') => !url.includes('/_next/');
  function passOn(request: IncomingMessage): void {
    request.headers['x-forwarded-host'] = request.headers.host;
    if (strips) request.url = request.url!.slice(basePath.length).replace(/^(?!\/)/, '/');
    if (options.doublesSlash) request.url = `/${request.url}`;
  }
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    if (!below(request.url)) return response.writeHead(404).end('not Headroom');
    passOn(request);
    proxy.web(request, response).catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request, socket, head) => {
    const stopped = isOurs(request.url) && websockets;
    if (stopped === 'swallowed') return;
    if (stopped || !below(request.url)) return socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
    passOn(request);
    proxy.ws(request, socket as Socket, {}, head).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
