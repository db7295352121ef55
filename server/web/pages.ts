/** Next inside our process serves pages only: all state is in this process's own modules, which Next never loads. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { StartError } from '~/server/base/startError';
import type { Pages } from './http';
import { serveCompressed } from './staticFiles';

/** @throws StartError when the pages are not built, not completely, or for another base path */
export async function openPages(options: {
  dev: boolean;
  root: string;
  /** Folder in `root` of the built pages. */
  folder?: string;
  basePath: string;
  host: string;
  port: number;
}): Promise<Pages> {
  // A local tool sends no telemetry.
  process.env.NEXT_TELEMETRY_DISABLED ??= '1';
  const folder = options.folder ?? '.next';
  // Both are read by next.config.mjs.
  process.env.HEADROOM_PAGES = folder;
  process.env.NEXT_PUBLIC_BASE_PATH = options.basePath;
  if (!options.dev) checkBasePath(path.join(options.root, folder), options.basePath);
  const { default: next } = await import('next');
  const upgrades = createServer();
  const app = next({ dev: options.dev, dir: options.root, hostname: options.host, port: options.port, httpServer: upgrades });
  await app.prepare();
  const handle = app.getRequestHandler();
  const compressed = options.dev
    ? () => false
    : serveCompressed(path.join(options.root, folder, 'static'), `${options.basePath}/_next/static/`);
  return {
    handle: async (request, response) => {
      if (!compressed(request, response)) await handle(request, response);
    },
    upgrades,
    close: () => app.close(),
  };
}

function checkBasePath(pages: string, wanted: string): void {
  let manifest: string;
  try {
    // Without its id, which is written last, a build was cut short.
    readFileSync(path.join(pages, 'BUILD_ID'));
    manifest = readFileSync(path.join(pages, 'routes-manifest.json'), 'utf8');
  } catch (error) {
    throw new StartError(
      `the dashboard is not built (${(error as Error).message}); \`npm run build\` builds it, \`npm start\` too`,
    );
  }
  const { basePath } = JSON.parse(manifest) as { basePath: string };
  if (basePath !== wanted)
    throw new StartError(
      `HEADROOM_BASE_PATH=${wanted || '/'}: the pages were built for ${basePath || '/'}; in a clone, npm start builds them for it, and npm run pack with that setting makes a package for it`,
    );
}
