/** Builds the server: store, hub, links and pages on one port. What `npm start` runs and what tests start on port 0. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { defaultConfig } from '~/shared/config';
import type { Actor } from '~/shared/ids';
import { openBlobs } from './blobs';
import { type Clock, realClock } from './clock';
import type { FrameSettings } from './frames';
import { createHttp, type Pages } from './http';
import { type OpenHub, openHub } from './hub';
import { bearer, keptSecret, openIdentity, same } from './identity';
import { isLoopback, originRefusal } from './origin';
import { openPages } from './pages';
import { openTrainerLink } from './sockets/trainers';
import { openViewerLink } from './sockets/viewers';
import { StartError } from './startError';
import type { Store } from './store';
import { openSqliteStore } from './store/sqlite/open';
import { startTrainerProcess } from './trainerProcess';

export interface AppOptions {
  dataFolder: string;
  host: string;
  /** 0 = a free one. */
  port: number;
  version: string;
  /** Next's pages from the folder `root`; null = none. */
  pages: { dev: boolean; root: string } | null;
  /** The trainer to keep running beside the server: node arguments, entry last, and where it runs; null = none. */
  trainer: { args: string[]; folder: string; backend: string } | null;
  /** Starts a reverse run in a folder that never held one, so that there is something to watch. */
  firstRun: boolean;
  log: Log;
  store?: Store;
  clock?: Clock;
  graceMs?: number;
  frames?: FrameSettings;
}

export interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface App {
  url: string;
  /** Path and query of the link that lets an admin in; null on loopback. */
  adminLink: string | null;
  trainerToken: string;
  hub: OpenHub;
  /** Stops the trainer, commits what it still sends, and lets go of everything. */
  close(): Promise<void>;
}

const system: Actor = { id: 'system', name: 'Headroom', role: 'system' };
/** Trainers that are known to have ended, so that their runs need not wait for them after a restart. */
const goneKey = 'trainers.gone';
const firstRunKey = 'run.first';

/** @throws StartError with one line for the person who started it */
export async function createApp(options: AppOptions): Promise<App> {
  const { dataFolder, host, log } = options;
  const clock = options.clock ?? realClock;
  const onError = (error: unknown) => log.error({ err: error }, error instanceof Error ? error.message : String(error));
  const loopback = isLoopback(host);
  const closers: (() => unknown)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await Promise.resolve(closer()).catch(onError);
  };

  try {
    const store = options.store ?? (await openSqliteStore(dataFolder).catch(asStartError));
    closers.push(() => store.close());
    const blobs = await openBlobs(dataFolder, store);
    const trainerToken = await keptSecret(dataFolder, 'trainer.token');
    const identity = await openIdentity({ dataFolder, host, trainerToken });
    const gone = new Set<string>(JSON.parse((await store.setting(goneKey)) ?? '[]'));
    const hub = await openHub({
      store,
      clock,
      onError,
      hasBlob: (hash) => blobs.has(hash),
      goneTrainers: gone,
      ...(options.graceMs !== undefined && { graceMs: options.graceMs }),
      ...(options.frames && { frames: options.frames }),
    });
    closers.push(() => hub.close());

    const viewers = openViewerLink({ hub, identity, clock, onError, allow: originRefusal });
    const trainers = openTrainerLink({
      registry: hub.registry,
      isTrainer: (request) => same(bearer(request) ?? '', trainerToken),
      onError,
    });
    closers.push(() => Promise.all([viewers.close(), trainers.close()]));

    let openedPages: (pages: Pages | null) => void = () => {};
    const http = createHttp({
      hub,
      blobs,
      identity,
      loopback,
      system: { version: options.version, dataFolder, loopback },
      links: { viewers, trainers },
      pages: new Promise((resolve) => {
        openedPages = resolve;
      }),
      dev: options.pages?.dev ?? false,
      onError,
    });
    const port = await listen(http, host, options.port);
    closers.push(() => closeHttp(http));
    const pages = options.pages && (await openPages({ ...options.pages, host, port }));
    if (pages) closers.push(() => pages.close());
    openedPages(pages);

    if (options.firstRun && hub.summaries().length === 0 && (await store.setting(firstRunKey)) === null) {
      const { runId } = await hub.create(system, defaultConfig('reverse'));
      await store.setSetting(firstRunKey, runId);
    }

    const local = `http://${urlHost(isWildcard(host) ? '127.0.0.1' : host)}:${port}`;
    if (options.trainer) {
      // A trainer that died while another took its place never comes back; few are worth remembering.
      const remember = async (ids: string[]) => {
        for (const id of ids) gone.add(id);
        await store.setSetting(goneKey, JSON.stringify([...gone].slice(-100)));
      };
      const child = startTrainerProcess({
        args: options.trainer.args,
        folder: options.trainer.folder,
        env: {
          HEADROOM_SERVER: local,
          HEADROOM_TRAINER_TOKEN: trainerToken,
          HEADROOM_TRAINER_NAME: 'local',
          HEADROOM_BACKEND: options.trainer.backend,
          HEADROOM_DATA: dataFolder,
        },
        log: (line) => log.info({ from: 'trainer' }, line),
        onDeath(pid, message) {
          log.warn({ pid }, message);
          remember(hub.registry.died(hostname(), pid, message)).catch(onError);
        },
      });
      closers.push(async () => {
        const pid = child.pid();
        const ids = hub.registry.processes(hostname(), pid ?? -1);
        await child.stop();
        await remember(ids);
      });
    }
    return { url: local, adminLink: identity.link, trainerToken, hub, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const asStartError = (error: unknown): never => {
  throw new StartError(error instanceof Error ? error.message : String(error));
};

/** @throws StartError when the port or the address cannot be had */
async function listen(server: Server, host: string, port: number): Promise<number> {
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

async function closeHttp(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';
const urlHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);
