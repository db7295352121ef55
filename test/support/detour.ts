import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A proxy to a server whose connections can be cut, like a network. */
export interface Detour {
  url: string;
  /** Breaks every open connection. */
  cut(): void;
  /** Sets the target of new connections. */
  to(url: string): void;
  close(): Promise<void>;
}

export async function startDetour(target: string): Promise<Detour> {
  let port = Number(new URL(target).port);
  const sockets = new Set<Socket>();
  const server = createServer((here) => {
    const there = connect(port, '127.0.0.1');
    for (const [a, b] of [
      [here, there],
      [there, here],
    ] as const) {
      sockets.add(a);
      a.on('error', () => b.destroy());
      a.on('close', () => {
        sockets.delete(a);
        b.destroy();
      });
      a.pipe(b);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const s of sockets) s.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    to(url) {
      port = Number(new URL(url).port);
    },
    async close() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
