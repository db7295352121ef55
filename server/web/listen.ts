import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { StartError } from '~/server/base/startError';

/** The open connections of the servers that listen here, those of websockets included. */
const connections = new WeakMap<Server, Set<Socket>>();
/** How long a server that closes waits until the others have closed their ends. */
const graceMs = 1000;
/** An idle connection is kept for longer than proxies keep theirs (60 s), or they send a request into one that is just being closed. */
const keepAliveMs = 75_000;
/** How long a request may take to arrive: an import of gigabytes over a slow line. */
const arriveWithinMs = 24 * 3_600_000;

/** @throws StartError when the port or the address is not available */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  const open = new Set<Socket>();
  connections.set(server, open);
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  Object.assign(server, { keepAliveTimeout: keepAliveMs, requestTimeout: arriveWithinMs });
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    switch (code) {
      case 'EADDRINUSE':
        throw new StartError(
          `PORT: ${port} on ${host} is taken; stop what listens there, or start with another, e.g. PORT=${port + 1}`,
        );
      case 'EACCES':
        throw new StartError(`PORT: ${port} needs rights this process does not have; take one above 1023, e.g. PORT=3000`);
      case 'EADDRNOTAVAIL':
      // An address of one link without the name of the link: fe80::1.
      case 'EINVAL':
      case 'ENOTFOUND':
      case 'EAI_AGAIN':
        throw new StartError(`HOST: ${host} is no address of this machine; 127.0.0.1 is this machine alone, 0.0.0.0 the network`);
      default:
        throw error;
    }
  }
  return (server.address() as AddressInfo).port;
}

/** For what takes long, or changes something, before the server can listen. @throws StartError when the port or the address is not available */
export async function needPort(host: string, port: number): Promise<void> {
  const probe = createServer();
  await listen(probe, host, port);
  await closeHttp(probe);
}

/** Closes the server with its connections. A websocket is closed by its owner; one whose other side does not close its end is ended here. */
export async function closeHttp(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  const late = setTimeout(() => {
    for (const socket of connections.get(server) ?? []) socket.destroy();
  }, graceMs);
  await closed;
  clearTimeout(late);
}
