import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StartError } from '~/server/base/startError';

/** @throws StartError when the port or the address is not available */
export async function listen(server: Server, host: string, port: number): Promise<number> {
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
      case 'ENOTFOUND':
      case 'EAI_AGAIN':
        throw new StartError(`HOST: ${host} is no address of this machine; 127.0.0.1 is this machine alone, 0.0.0.0 the network`);
      default:
        throw error;
    }
  }
  return (server.address() as AddressInfo).port;
}

export async function closeHttp(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
