import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { closeHttp, listen } from '~/server/web/listen';

it('a server closes also where the other side of a websocket never closes its end', async () => {
  const server = createServer();
  server.on('upgrade', (_request, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
  const port = await listen(server, '127.0.0.1', 0);
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => {});
  client.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  client.resume();
  await once(client, 'end');
  expect(client.writable).toBe(true);
  await closeHttp(server);
  client.destroy();
});

it('an idle connection is kept for longer than a proxy keeps it, and an upload may take hours', async () => {
  const server = createServer((_request, response) => response.end());
  const port = await listen(server, '127.0.0.1', 0);
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  // Node ends a request that has not arrived completely within this time; 5 minutes unless it is told.
  expect([answer.headers.get('keep-alive'), server.requestTimeout]).toEqual(['timeout=75', 86_400_000]);
  await closeHttp(server);
});

it.each(['203.0.113.7', 'fe80::1'])(
  '%s is no address of this machine: the setting and what would fit are named',
  async (host) => {
    await expect(listen(createServer(), host, 0)).rejects.toThrow(
      `HOST: ${host} is no address of this machine; 127.0.0.1 is this machine alone, 0.0.0.0 the network`,
    );
  },
);
