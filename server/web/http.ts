/** The one port: which request and which websocket goes where. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import helmet from 'helmet';
import type { AuditLog } from '~/server/audit/auditLog';
import { may } from '~/server/base/permissions';
import { sendJson, sendPage, sendText } from '~/server/base/respond';
import { type ExportDeps, exportRoutes } from '~/server/export/routes';
import { type ImportRouteDeps, importRoutes } from '~/server/import/routes';
import type { OpenHub } from '~/server/runs/hub';
import type { Link } from '~/server/sockets/link';
import type { BlobStore } from '~/server/store/blobs';
import type { People } from '~/server/team/people';
import { appRouter } from '~/server/trpc';
import type { Context } from '~/server/trpc/base';
import type { Actor } from '~/shared/ids';
import { paths } from '~/shared/protocol';
import { serveBlob } from './blobRoutes';
import type { Identity } from './identity';
import { hostRefusal, originRefusal } from './origin';

/** Pages: Next, or nothing in tests. `dev`: its own websockets (hot reload) are let through. */
export interface Pages {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** A server that never listens, to which Next attaches its upgrade listener. */
  upgrades: Server | null;
  close(): Promise<void>;
}

export interface HttpDeps {
  hub: OpenHub;
  blobs: BlobStore;
  records: ExportDeps & ImportRouteDeps;
  retention: Context['retention'];
  identity: Identity;
  auditLog: AuditLog;
  people: People;
  settings: Context['settings'];
  now(): number;
  loopback: boolean;
  system: Context['system'];
  links: { viewers: Link; trainers: Link };
  /** Resolves when the pages are ready. */
  pages: Promise<Pages | null>;
  dev: boolean;
  onError(error: unknown): void;
}

const maxBlobBytes = 2 ** 30;
const maxRpcBytes = 2 * 2 ** 20;

export function createHttp(deps: HttpDeps): Server {
  const { identity, loopback, onError } = deps;
  const headers = securityHeaders(deps.dev);
  const actors = new WeakMap<IncomingMessage, Actor>();
  const rpc = rpcHandler(deps, (request) => actors.get(request)!);

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = hostRefusal(request, loopback);
    if (refusal) return sendText(response, 403, refusal);
    const url = urlOf(request);
    if (!url) return sendText(response, 400, 'the path of this request cannot be read');
    await new Promise<void>((resolve, reject) => headers(request, response, (e) => (e ? reject(e) : resolve())));
    if (url.pathname === '/healthz') return sendJson(response, 200, { ok: true, version: deps.system.version });
    if (await identity.handle(request, response, url)) return;

    const api = url.pathname.startsWith('/api/');
    // The app's own code is no secret, and a page for signing in needs it.
    if (url.pathname.startsWith('/_next/') || url.pathname === '/join') return page(request, response);
    if (api && request.method !== 'GET' && request.method !== 'HEAD') {
      const foreign = originRefusal(request);
      if (foreign) return sendText(response, 403, foreign);
    }
    const actor = await identity.identify(request);
    if (!actor) return unknown(response, api);
    actors.set(request, actor);
    if (url.pathname.startsWith(`${paths.trpc}/`)) return rpc(request, response);
    if (url.pathname.startsWith(`${paths.blobs}/`))
      return serveBlob(deps.blobs, request, response, url.pathname.slice(paths.blobs.length + 1), {
        mayRead: actor.role === 'trainer' || may(actor, 'watch runs'),
        mayWrite: actor.role === 'trainer',
        maxBytes: maxBlobBytes,
      });
    if (await exportRoutes(deps.records, request, response, url, actor)) return;
    if (await importRoutes(deps.records, request, response, url, actor)) return;
    if (api) return sendText(response, 404, `there is nothing at ${url.pathname}`);
    return page(request, response);
  }

  async function page(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pages = await deps.pages;
    if (!pages) return sendText(response, 404, 'this server was started without its pages');
    await pages.handle(request, response);
  }

  const server = createServer((request, response) => {
    route(request, response).catch((error: unknown) => {
      onError(error);
      if (response.headersSent) response.destroy();
      else sendText(response, 500, 'the server could not answer this; its log says why');
    });
  });
  server.on('upgrade', (request, socket, head) => {
    upgrade(deps, request, socket, head).catch((error: unknown) => {
      onError(error);
      socket.destroy();
    });
  });
  return server;
}

/** null for what is no path, e.g. "//". */
function urlOf(request: IncomingMessage): URL | null {
  const base = 'http://localhost';
  return URL.canParse(request.url ?? '/', base) ? new URL(request.url ?? '/', base) : null;
}

/** Every websocket comes through here: ours by path, Next's only in development; the rest is closed. */
async function upgrade(deps: HttpDeps, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  socket.on('error', () => socket.destroy());
  const path = urlOf(request)?.pathname ?? '';
  const at = (prefix: string) => path === prefix || path.startsWith(`${prefix}/`);
  const target = at(paths.viewers)
    ? deps.links.viewers.http
    : at(paths.trainers)
      ? deps.links.trainers.http
      : deps.dev && at('/_next')
        ? ((await deps.pages)?.upgrades ?? null)
        : null;
  if (!target || hostRefusal(request, deps.loopback)) {
    socket.end(`HTTP/1.1 ${target ? '403 Forbidden' : '404 Not Found'}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    return;
  }
  target.emit('upgrade', request, socket, head);
}

function rpcHandler(deps: HttpDeps, actorOf: (request: IncomingMessage) => Actor): RequestListener {
  return createHTTPHandler({
    router: appRouter,
    basePath: `${paths.trpc}/`,
    maxBodySize: maxRpcBytes,
    maxBatchSize: 50,
    // Questions may be long: they come by POST too.
    allowMethodOverride: true,
    createContext: ({ req }): Context => ({
      hub: deps.hub,
      auditLog: deps.auditLog,
      people: deps.people,
      settings: deps.settings,
      retention: deps.retention,
      jobs: deps.records.jobs,
      now: deps.now,
      actor: actorOf(req),
      system: deps.system,
    }),
    onError: ({ error }) => {
      if (error.code === 'INTERNAL_SERVER_ERROR') deps.onError(error);
    },
  });
}

const how = 'Open the invite link that you were given; the first admin’s is printed where the server was started.';

/** What the API answers has the form of tRPC's errors, so that its clients can read it. */
function unknown(response: ServerResponse, api: boolean): void {
  const message = `Who are you? ${how} A script sends its token: "authorization: Bearer <token>".`;
  if (api)
    sendJson(response, 401, { error: { message, code: -32001, data: { code: 'UNAUTHORIZED', httpStatus: 401, field: null } } });
  else sendPage(response, 401, 'Who are you?', how);
}

function securityHeaders(dev: boolean) {
  return helmet({
    // Next's inline scripts carry no nonce in prerendered pages, hence 'unsafe-inline'; React's development build uses eval.
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'", "'unsafe-inline'", ...(dev ? ["'unsafe-eval'"] : [])],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:', 'blob:'],
        fontSrc: ["'self'", 'data:'],
        connectSrc: ["'self'", 'ws:', 'wss:'],
        workerSrc: ["'self'", 'blob:'],
        objectSrc: ["'none'"],
        baseUri: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // Plain http in a LAN is a supported way to run this.
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'same-origin' },
    // Needs https; over plain http in a LAN browsers only complain about it.
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
  });
}
