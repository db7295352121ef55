/** Builds the server: store, hub, links and pages on one port. `npm start` runs it; tests start it on port 0. */
import { openAuditFile } from '~/server/audit/auditFile';
import { AuditLog } from '~/server/audit/auditLog';
import { type Clock, realClock } from '~/server/base/clock';
import { fileProblem, isDiskFull } from '~/server/base/diskFull';
import { Jobs } from '~/server/base/jobs';
import type { Log } from '~/server/base/log';
import { networkFolderWarning } from '~/server/base/networkFolder';
import { StartError } from '~/server/base/startError';
import type { Shared } from '~/server/cluster/node';
import { exportFormats } from '~/server/export/formats';
import { exportRoutes } from '~/server/export/routes';
import { forgetUploads, ImportDesk } from '~/server/import/desk';
import { importRoutes } from '~/server/import/routes';
import { forgetCutImports } from '~/server/import/unfinishedImports';
import { httpRoutes } from '~/server/intake/http';
import { Intake } from '~/server/intake/intake';
import { mlflowRoutes } from '~/server/intake/mlflow';
import { wandbRoutes } from '~/server/intake/wandb';
import { silenceOf } from '~/server/intake/ways';
import { openRetention } from '~/server/retention/keeper';
import { openSweep, type SweepDeps } from '~/server/retention/sweep';
import type { FrameSettings } from '~/server/runs/frames';
import type { OpenHub } from '~/server/runs/hub';
import { openHub } from '~/server/runs/openHub';
import { openTrainerLink } from '~/server/sockets/trainers';
import { openViewerLink } from '~/server/sockets/viewers';
import type { Store } from '~/server/store';
import { auditLost } from '~/server/store/auditLost';
import { openBlobs } from '~/server/store/blobs';
import { databaseKey } from '~/server/store/postgres/open';
import { openSqliteStore } from '~/server/store/sqlite/open';
import type { OidcSettings } from '~/server/team/admission';
import { keepAudit } from '~/server/team/commandAudit';
import { releaseLocks } from '~/server/team/lockRelease';
import { People, systemActor } from '~/server/team/people';
import { recheckWhenEnded } from '~/server/team/recheck';
import { postJson } from '~/server/watchdogs/publicFetch';
import { startWatchdogs } from '~/server/watchdogs/runner';
import { wholeUrl } from '~/server/watchdogs/webhookSecrets';
import { addressForOthers, isLoopback, isOpen, ownAddress } from '~/server/web/address';
import { blobRoutes } from '~/server/web/blobRoutes';
import { createHttp, type Pages } from '~/server/web/http';
import { keptSecret, openIdentity } from '~/server/web/identity';
import { closeHttp, listen } from '~/server/web/listen';
import { openOidc } from '~/server/web/oidc';
import { originRefusal } from '~/server/web/origin';
import { openPages } from '~/server/web/pages';
import { rpcRoute } from '~/server/web/rpcRoute';
import { openSessions } from '~/server/web/sessions';
import type { Actor } from '~/shared/ids';
import { startFirstRuns } from './firstRuns';
import { databaseCheck, diskCheck, followChecks, healthRoutes } from './health';
import { measuredStore } from './measuredStore';
import { type Counts, openMetrics } from './metrics';
import { goneTrainers, startOwnTrainer } from './ownTrainer';

export interface AppOptions {
  dataFolder: string;
  host: string;
  /** 0 = any free port. */
  port: number;
  /** A login is required even on loopback; if omitted, only elsewhere. */
  loginRequired?: boolean;
  /** Prefix of the path under which a proxy serves Headroom, e.g. "/headroom"; if omitted, none. */
  basePath?: string;
  /** Where others reach it, for links in webhooks; null or omitted: where it listens. */
  address?: string | null;
  /** People may sign in at this provider, also on loopback; null or omitted: only with invite links. */
  oidc?: OidcSettings | null;
  /** Webhooks may go to this machine and to private networks. */
  privateWebhooks?: boolean;
  version: string;
  /** Next's pages from the folder `root`; null = none. */
  pages: { dev: boolean; root: string; folder?: string } | null;
  /** The trainer to keep running beside the server: Node arguments with the entry last, and its working folder; null = none. */
  trainer: { args: string[]; folder: string; backend: string } | null;
  /** Starts demonstrations in a data folder that never held a run, once a trainer offers them: a first thing to watch. */
  firstRuns: boolean;
  log: Log;
  store?: Store;
  /** One of several nodes: what they share. */
  shared?: Shared;
  clock?: Clock;
  graceMs?: number;
  crashedMs?: number;
  /** How long a program that does not use our client (server/intake) may be silent; if omitted, an hour. */
  silentMs?: number;
  frames?: FrameSettings;
}

export interface App {
  url: string;
  /** Path and query of the link with which an admin signs in; null on loopback. */
  adminLink: string | null;
  trainerToken: string;
  /** Process id of the trainer beside the server; null when there is none, or it is down. */
  trainerPid(): number | null;
  hub: OpenHub;
  /** Stops the trainer, commits the entries it still sends, and closes everything. */
  close(): Promise<void>;
}

/** Part of the ten seconds that the whole shutdown may take. */
const trainerStopMs = 6_000;

/** @throws StartError with one line for the person who started it */
export async function createApp(options: AppOptions): Promise<App> {
  const { dataFolder, host, log, basePath = '' } = options;
  const clock = options.clock ?? realClock;
  let fullSince = Number.NEGATIVE_INFINITY;
  const onError = (error: unknown) => {
    if (!isDiskFull(error)) return log.error({ err: error }, error instanceof Error ? error.message : String(error));
    // Everything fails then: one line a minute says so.
    if (clock.elapsed() - fullSince < 60_000) return;
    fullSince = clock.elapsed();
    log.error({}, `${fileProblem(error, 'HEADROOM_DATA', dataFolder)}; what could not be kept is refused until then`);
  };
  const loopback = isOpen(options);
  const closers: (() => unknown)[] = [];
  let started = false;
  let ending = false;
  const close = async () => {
    ending = true;
    for (const closer of closers.splice(0).reverse()) await Promise.resolve(closer()).catch(onError);
  };

  try {
    const { shared } = options;
    const opened = shared?.store ?? options.store ?? (await openOwnStore(dataFolder, log).catch(asStartError));
    if (!shared) closers.push(() => opened.close());
    const metrics = openMetrics();
    closers.push(() => metrics.close());
    const store = measuredStore(opened, metrics, log);
    const warning = await networkFolderWarning(dataFolder);
    if (warning) log.warn({}, warning);
    await forgetCutImports(store);
    await forgetUploads(dataFolder);
    const local = await openBlobs(dataFolder, store);
    const blobs = shared ? await shared.blobs(local) : local;
    const auditFile = shared ? null : await openAuditFile(dataFolder, store).catch(asStartError);
    const trainerToken = await keptSecret(dataFolder, 'trainer.token', shared?.store);
    const auditLog = await AuditLog.open(auditFile ?? shared!.audit, () => clock.now());
    closers.push(async () => {
      await auditLog.idle();
      await auditFile?.close();
    });
    const people = new People(auditLog, () => clock.now(), loopback);
    const sessions = openSessions({ people, basePath });
    const oidc = options.oidc ? openOidc({ settings: options.oidc, sessions, people, basePath, log }) : null;
    const identity = await openIdentity({
      open: loopback,
      trainerToken,
      sessions,
      people,
      provider: oidc,
    });
    const gone = await goneTrainers(store);
    const hub = await openHub({
      store,
      clock,
      onError,
      hasBlob: (hash) => blobs.has(hash),
      keepBlob: (hash, bytes) => blobs.put(hash, bytes),
      needsApproval: () => auditLog.team.needsApproval,
      goneTrainers: gone,
      ...(options.graceMs !== undefined && { graceMs: options.graceMs }),
      ...(options.crashedMs !== undefined && { crashedMs: options.crashedMs }),
      silentMs: (trainerId) => silenceOf(trainerId, options.silentMs ?? 3_600_000),
      ...(options.frames && { frames: options.frames }),
    });
    closers.push(() => hub.close());

    const jobs = new Jobs();
    const retention = await openRetention({ hub, store, blobs, limits: () => auditLog.team.limits, onError });
    closers.push(() => retention.close());
    const say: SweepDeps['say'] = (message, details) => {
      log.info(details, message);
      const gone = details.runs.map((runId) => ({ type: 'run.changed', runId, what: 'deleted for good' }) as const);
      if (gone.length > 0) auditLog.append(systemActor, () => gone).catch(onError);
    };
    const sweep = openSweep({ store, blobs, hub, clock, say, onError });
    closers.push(() => sweep.close());

    const working = {
      disk: diskCheck(dataFolder),
      database: databaseCheck(dataFolder),
      store: store.check,
      blobs: blobs.check,
    };
    const health = followChecks(working, clock, () => viewers.counts().viewers > 0);
    closers.push(() => health.close());
    const viewers = openViewerLink({ hub, identity, clock, log, onError, allow: originRefusal, problem: () => health.problem });
    closers.push(keepAudit(hub, auditLog, onError));
    const trainers = openTrainerLink({
      registry: hub.registry,
      questions: hub.questions,
      log,
      async whoIs(request) {
        const actor = await identity.identify(request);
        return actor?.role === 'trainer' ? actor : null;
      },
      onError,
    });
    const recheck = (by: Actor) =>
      void Promise.all([viewers.recheck(), trainers.recheck(), releaseLocks(hub, people, by)]).catch(onError);
    // What ended while no server ran, or just before one was killed.
    recheck(systemActor);
    closers.push(recheckWhenEnded(auditLog, clock, recheck));

    let openedPages: (pages: Pages | null) => void = () => {};
    const now = () => clock.now();
    const records = {
      store,
      blobs,
      dataFolder,
      nodes: shared ? { databaseUrl: shared.databaseUrl, blobUrl: shared.blobUrl } : null,
      threaded: !options.store,
      now,
      view: (runId: string) => hub.view(runId),
      adopt: (runId: string) => hub.adopt(runId),
      desk: new ImportDesk(dataFolder, now),
      async imported(actor: Actor, runId: string, name: string) {
        const event = { type: 'run.changed', runId, what: `imported from ${name || 'a file'}`.slice(0, 200) } as const;
        await auditLog.append(actor, () => [event]);
      },
      jobs,
    };
    const counts = (): Counts => {
      const summaries = hub.summaries();
      const runs = new Map<string, number>();
      for (const { status } of summaries) runs.set(status, (runs.get(status) ?? 0) + 1);
      return {
        ...viewers.counts(),
        ...trainers.counts(),
        runs,
        queue: (runs.get('queued') ?? 0) + (runs.get('waiting') ?? 0),
        questions: hub.questions.list().length,
      };
    };
    const system = {
      version: options.version,
      dataFolder,
      loopback,
      outside: loopback || !isLoopback(host),
      exports: exportFormats,
      provider: oidc?.name ?? null,
    };
    const intake = new Intake({ clock, opened: hub.registry.opened, room: hub.room, store, blobs, basePath });
    const http = createHttp({
      routes: [
        ...healthRoutes(
          options.version,
          {
            start: async () => (started ? null : 'the server is still starting'),
            end: async () => (ending ? 'the server is ending' : null),
            ...working,
          },
          () => ({ login: !loopback }),
        ),
        metrics.route(counts),
        ...identity.routes,
        ...(oidc?.routes ?? []),
        rpcRoute({ hub, auditLog, people, settings: store, retention, jobs, now, system }, onError),
        ...blobRoutes(blobs),
        ...exportRoutes(records),
        ...importRoutes(records),
        ...httpRoutes(intake),
        ...mlflowRoutes(intake, hub),
        ...wandbRoutes(intake, trainerToken),
      ],
      identity,
      loopback,
      clock,
      basePath,
      onAnswer: metrics.answered,
      links: { viewers, trainers },
      pages: new Promise((resolve) => {
        openedPages = resolve;
      }),
      dev: options.pages?.dev ?? false,
      onError,
    });
    const port = shared ? shared.attach(http) : await listen(http, host, options.port);
    closers.push(async () => {
      const closed = closeHttp(http);
      // Open sockets would prevent the HTTP server from closing.
      await Promise.all([viewers.close(), trainers.close()]);
      await closed;
      jobs.cancelAll();
      await jobs.idle();
    });
    const pages = options.pages && (await openPages({ ...options.pages, basePath, host, port }));
    if (pages) closers.push(() => pages.close());
    openedPages(pages);

    if (options.firstRuns)
      closers.push(
        startFirstRuns({
          store,
          recipes: hub.recipes,
          runs: () => hub.summaries().length,
          create: (setup) => hub.create(systemActor, setup, { givesWay: true }),
          onError,
        }),
      );

    const origin = ownAddress(host, port);
    closers.push(
      startWatchdogs({
        hub,
        auditLog,
        clock,
        dataFolder,
        url: (options.address ?? addressForOthers(host, port)) + basePath,
        delivery: {
          address: (hook) => wholeUrl(hook, store),
          post: (url, body) => postJson(url, body, { allowInside: options.privateWebhooks ?? false }),
          pause: (ms) => new Promise((resolve) => void clock.after(ms, () => resolve())),
        },
        onError,
      }),
    );
    const trainer = options.trainer
      ? startOwnTrainer({ ...options.trainer, origin, token: trainerToken, dataFolder, gone, hub, store, log, onError })
      : null;
    closers.push(() => trainer?.stop(trainerStopMs));
    started = true;
    const trainerPid = () => trainer?.pid() ?? null;
    return { url: origin + basePath, adminLink: identity.link, trainerToken, trainerPid, hub, close };
  } catch (error) {
    await close();
    const problem = fileProblem(error, 'HEADROOM_DATA', dataFolder);
    throw problem === null ? error : new StartError(problem);
  }
}

/** The store of a data folder that belongs to this server alone. */
async function openOwnStore(dataFolder: string, log: Log): Promise<Store> {
  const lost = auditLost(dataFolder);
  const store = await openSqliteStore(dataFolder, (text) => log.warn({}, text));
  const problem =
    (await store.setting(databaseKey)) !== null
      ? `HEADROOM_DATA: ${dataFolder} is the index of a PostgreSQL database; set DATABASE_URL, or choose another folder`
      : lost;
  if (problem === null) return store;
  await store.close();
  throw new Error(problem);
}

const asStartError = (error: unknown): never => {
  // Of the file system: described below, where all of them are.
  if ((error as NodeJS.ErrnoException).path !== undefined) throw error;
  throw new StartError(error instanceof Error ? error.message : String(error));
};
