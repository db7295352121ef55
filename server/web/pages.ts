/** Next beside us: it serves pages and nothing else; all state lives in this process's own modules, which Next never loads. */
import { createServer } from 'node:http';
import type { Pages } from './http';

export async function openPages(options: { dev: boolean; root: string; host: string; port: number }): Promise<Pages> {
  // A local tool tells nobody that it runs.
  process.env.NEXT_TELEMETRY_DISABLED ??= '1';
  const { default: next } = await import('next');
  const upgrades = createServer();
  const app = next({ dev: options.dev, dir: options.root, hostname: options.host, port: options.port, httpServer: upgrades });
  await app.prepare();
  const handle = app.getRequestHandler();
  return { handle: (request, response) => handle(request, response), upgrades, close: () => app.close() };
}
