/**
 * One of several nodes on one PostgreSQL. The one that holds the lease leads: it owns every run, as a single server does. The
 * others stand by: they forward requests to it, send its frames on to their own viewers (relay.ts), keep their index of the logs up to
 * date, and take over when its lease ends.
 */
import { createServer, type Server } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { AuditStore } from '~/server/audit/auditLog';
import type { Log } from '~/server/base/log';
import type { Route } from '~/server/base/route';
import { StartError } from '~/server/base/startError';
import type { Store } from '~/server/store';
import type { BlobStore } from '~/server/store/blobs';
import { openPostgresAudit } from '~/server/store/postgres/audit';
import { openPostgresBlobs } from '~/server/store/postgres/blobs';
import { Database, describe, LeaseLostError } from '~/server/store/postgres/database';
import { openPostgresStore, type PostgresStore } from '~/server/store/postgres/open';
import { closeHttp, listen } from '~/server/web/listen';
import type { Target } from './forward';
import { giveLeaseBack, type Leader, leader, lookEveryMs, renewEveryMs, renewLease, takeLease } from './lease';
import { StandIn } from './standIn';

/** What nodes share, instead of what a single server keeps in its folder. */
export interface Shared {
  databaseUrl: string;
  blobUrl: string | null;
  store: Store;
  /** @param local the blobs of the data folder, a cache */
  blobs(local: BlobStore): Promise<BlobStore>;
  audit: AuditStore;
  /** Serves the requests to the port on which the node listens. @returns the port */
  attach(http: Server): number;
}

export interface NodeOptions {
  databaseUrl: string;
  blobUrl: string | null;
  dataFolder: string;
  host: string;
  port: number;
  /** Where the other nodes reach this one, given the port on which it listens. */
  address(port: number): string;
  /** It lets everybody in without a login, once it leads. */
  open: boolean;
  basePath: string;
  log: Log;
  /**
   * What a node answers itself while it stands by.
   *
   * @param target where it forwards everything else
   * @param trouble why PostgreSQL does not answer this node (null: it does)
   */
  routes(target: () => Target, trouble: () => string | null): Route[];
  /** Called once the node leads: starts the server (createApp). */
  lead(shared: Shared): Promise<{ close(): Promise<void> }>;
  /** Called when the node follows another leader than before. */
  onLeader(address: string): void;
  /** The process must end: another node leads although this one did (LeaseLostError), or this one cannot. */
  onEnd(error: unknown): void;
}

export interface Node {
  port: number;
  /** Ends the server, gives the lease back, and closes everything. */
  close(): Promise<void>;
}

const followEveryMs = 1_000;
/** When PostgreSQL answers again, the node that leads gets this long to renew its lease before another takes it. */
const afterTroubleMs = 4_000;
const giveBackWithinMs = 1_000;

/** @throws StartError with one line for the person who started it */
export async function startNode(options: NodeOptions): Promise<Node> {
  const { databaseUrl: url, blobUrl, dataFolder, log, basePath } = options;
  let target: Target = { problem: 'this node is starting' };
  /** Number of the leader's lease. */
  let leads = 0;
  let app: Server | null = null;
  let store: PostgresStore | null = null;
  let leading: { close(): Promise<void> } | null = null;
  let hasLease = false;
  const ending = new AbortController();
  /** Aborted when the node leads or ends. */
  const standing = new AbortController();
  const { signal } = standing;

  const onEnd = (error: unknown) => {
    hasLease = false;
    if (!ending.signal.aborted) options.onEnd(error);
  };
  const onTrouble = (reason: string | null, who: string) =>
    log.warn({}, reason === null ? `${who} answers again` : `${who} does not answer, writes wait for it: ${reason}`);
  const asStartError = (error: unknown): never => {
    throw new StartError(describe(error));
  };

  const standIn = new StandIn(
    () => target,
    options.routes(
      () => target,
      () => control.trouble,
    ),
    basePath,
  );
  const front = createServer((request, response) => {
    if (app) app.emit('request', request, response);
    else standIn.request(request, response);
  });
  front.on('upgrade', (request, socket, head) => {
    if (app) app.emit('upgrade', request, socket, head);
    else standIn.upgrade(request, socket, head);
  });

  const database = await Database.open({ url, blobUrl, onTrouble, onLost: () => onEnd(new LeaseLostError()) }).catch(
    asStartError,
  );
  // The lease has a connection of its own: its renewals must not wait behind writes.
  const control = await Database.open({ url, blobUrl, onTrouble: () => {} }).catch(asStartError);
  const closeDatabases = () => Promise.all([database.close(), control.close()]);
  const port = await listen(front, options.host, options.port).catch(async (error: unknown) => {
    await closeDatabases();
    throw error;
  });
  const self = { address: options.address(port), open: options.open };

  /** Calls `task` again and again while the node stands by. */
  async function repeat(everyMs: number, task: () => Promise<void>): Promise<void> {
    for (; !signal.aborted; await pause(everyMs, undefined, { signal }).catch(() => {})) await task();
  }

  function targetOf({ free, open, address }: Leader): Target {
    if (free) return { problem: 'no node leads at this moment' };
    if (open && !self.open)
      return {
        problem:
          'the leading node lets everybody in without a login, and this one must not: set HEADROOM_LOGIN=required for every node',
      };
    if (address !== self.address) return { address };
    return {
      problem: `the leading node gave ${address}, the address of this one: set HEADROOM_ADDRESS for each node, unless this one was started again just now`,
    };
  }

  async function look(): Promise<void> {
    const found = await leader(control);
    if (found.number !== leads) standIn.cut();
    if (found.number !== leads && !found.free) options.onLeader(found.address);
    leads = found.number;
    target = targetOf(found);
    if (!found.free || !store || performance.now() - control.troubleAt < afterTroubleMs) return;
    if (!(await takeLease(control, self))) return;
    database.fence = control.fence;
    hasLease = true;
    target = { problem: 'this node is taking over' };
    standIn.cut();
    standing.abort();
  }

  /** Goes on while the node ends: it writes to the last. */
  async function renew(): Promise<void> {
    for (; hasLease; await pause(renewEveryMs)) if (!(await renewLease(control))) onEnd(new LeaseLostError());
  }

  async function run(): Promise<void> {
    const onNotice = (text: string) => log.warn({}, text);
    const opening = openPostgresStore({ database, folder: dataFolder, onNotice })
      .catch(asStartError)
      .then(async (opened) => {
        store = opened;
        await repeat(followEveryMs, () => opened.follow(false));
        return opened;
      });
    opening.catch(onEnd);
    await repeat(lookEveryMs, look);
    if (!hasLease) return void (await opening.catch(() => {}));
    renew().catch(onEnd);
    const opened = await opening;
    await opened.follow(true);
    const audit = await openPostgresAudit(database);
    const attach = (http: Server) => {
      app = http;
      return port;
    };
    leading = await options.lead({
      databaseUrl: url,
      blobUrl,
      store: opened,
      blobs: (local) =>
        openPostgresBlobs(database, local, (error) => log.warn({}, `unused objects stay in the bucket: ${describe(error)}`)),
      audit,
      attach,
    });
  }
  const running = run();
  running.catch(onEnd);

  return {
    port,
    async close() {
      ending.abort();
      standing.abort();
      await running.catch(() => {});
      target = { problem: 'this node is ending' };
      // It serves its trainer until that has saved its run.
      await leading?.close();
      app = null;
      await standIn.close();
      await store?.close();
      if (hasLease) await Promise.race([giveLeaseBack(control), pause(giveBackWithinMs, undefined, { ref: false })]);
      hasLease = false;
      await Promise.all([closeDatabases(), closeHttp(front)]);
    },
  };
}
