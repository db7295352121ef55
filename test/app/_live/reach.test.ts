import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { reach } from '~/app/_live/reach';

it('a server that is away is named in our words; what the caller gave up stays that', async () => {
  // Nobody listens on the port of a server that has just closed.
  const port = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
  await expect(reach(`http://127.0.0.1:${port}/`)).rejects.toThrow('the server does not answer');
  await expect(reach(`http://127.0.0.1:${port}/`, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
});
