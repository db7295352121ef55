/** The one port: checks who may send which request, and routes websockets. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import helmet from 'helmet';
import { LRUCache } from 'lru-cache';
import type { Clock } from '~/server/base/clock';
import { DISK_FULL_STATUS, diskFullWords, isDiskFull } from '~/server/base/diskFull';
import { may } from '~/server/base/permissions';
import { costAccount } from '~/server/base/rateLimit';
import { refuseUpgrade, sendJson, sendText, sendTo } from '~/server/base/respond';
import type { Audience, Route } from '~/server/base/route';
import { withoutBase } from '~/server/base/withoutBase';
import type { Link } from '~/server/sockets/link';
import type { Actor } from '~/shared/ids';
import { personHeader } from '~/shared/paths';
import { paths } from '~/shared/protocol';
import { type Identity, signedOut, someoneElse } from './identity';
import { hostRefusal, originRefusal } from './origin';
import { routeTable } from './routeTable';

/** Pages: Next, or nothing in tests. `dev`: Next's own websockets (hot reload) are allowed. */
export interface Pages {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** A server that never listens, to which Next attaches its upgrade listener. */
  upgrades: Server | null;
  close(): Promise<void>;
}

export interface HttpDeps {
  routes: readonly Route[];
  identity: Pick<Identity, 'identify'>;
  loopback: boolean;
  clock: Pick<Clock, 'elapsed'>;
  /** Prefix of the path under which a proxy serves Headroom, e.g. "/headroom"; requests may contain it or not. Empty: none. */
  basePath: string;
  links: { viewers: Link; trainers: Link };
  /** Resolves when the pages are ready. */
  pages: Promise<Pages | null>;
  dev: boolean;
  /** Called for each answered request; `route` is its path in the table. */
  onAnswer?(route: string, status: number, ms: number): void;
  onError(error: unknown): void;
}

/** Limit of metered routes per person or token and address: some lists of a thousand runs per second, after the first 50. */
const answerBytes = { perSecond: 4 * 2 ** 20, burst: 32 * 2 ** 20 };

export function createHttp(deps: HttpDeps): Server {
  const { identity, loopback, basePath, onError } = deps;
  const headers = securityHeaders(deps.dev);
  const find = routeTable(deps.routes);
  const accounts = new LRUCache<string, ReturnType<typeof costAccount>>({ max: 10_000 });
  function accountOf(key: string): ReturnType<typeof costAccount> {
    const account = accounts.get(key) ?? costAccount(deps.clock, answerBytes.perSecond, answerBytes.burst);
    accounts.set(key, account);
    return account;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const refusal = hostRefusal(request, loopback);
    if (refusal) return sendText(response, 403, refusal);
    request.url = withoutBase(request.url, basePath);
    const url = urlOf(request);
    if (!url) return sendText(response, 400, 'the path of this request cannot be read');
    await new Promise<void>((resolve, reject) => headers(request, response, (e) => (e ? reject(e) : resolve())));
    if (isAt(url.pathname, paths.viewers)) return deps.links.viewers.http.emit('request', request, response);
    const found = find(request.method ?? 'GET', url.pathname);
    if (!found) return other(request, response, url);
    const { route } = found;
    if (deps.onAnswer) {
      const startedAt = performance.now();
      response.once('close', () => deps.onAnswer!(route.path, response.statusCode, performance.now() - startedAt));
    }
    const refuse = route.refuse ?? sendText;
    if ('allowed' in found) {
      response.setHeader('allow', found.allowed.join(', '));
      return refuse(response, 405, `${url.pathname} answers ${found.allowed.join(', ')}, not ${request.method}`);
    }
    const foreign = request.method === 'GET' || request.method === 'HEAD' ? null : originRefusal(request);
    if (foreign) return refuse(response, 403, foreign);
    const visit = { request, response, url, params: found.params };
    if (route.for === 'anybody') return route.handle(visit);
    const actor = await identity.identify(request, route.basic);
    if (!actor) return route.refuse ? route.refuse(response, 401, whyUnknown(request)) : unknown(request, response);
    const changed = someoneElse(actor, request.headers[personHeader]);
    if (changed) return sendError(response, 409, 'CONFLICT', -32009, changed);
    const audience = [route.for].flat();
    if (!audience.some((who) => belongs(actor, who))) return refuse(response, 403, notFor(actor, audience));
    if (route.metered) {
      const account = accountOf(`${actor.id} ${request.socket.remoteAddress}`);
      const waitMs = account.wait();
      if (waitMs > 0) return tooMuch(response, waitMs);
      const { socket } = request;
      const before = socket.bytesWritten;
      response.once('close', () => account.spend(socket.bytesWritten - before));
    }
    return route.handle({ ...visit, actor });
  }

  /** Answers with pages, or with 404. */
  async function other(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const api = url.pathname.startsWith('/api/');
    // The app's own code is no secret, and a page for signing in needs it.
    const open = url.pathname.startsWith('/_next/') || url.pathname === '/join';
    if (!open && !(await identity.identify(request))) {
      if (api) return unknown(request, response);
      return sendTo(response, `${basePath}/join?to=${encodeURIComponent(url.pathname + url.search)}`);
    }
    if (api) return sendText(response, 404, `there is nothing at ${url.pathname}`);
    const pages = await deps.pages;
    if (!pages) return sendText(response, 404, 'this server was started without its pages');
    // Next is built for the base path, and redirects paths that end in a slash.
    request.url = (basePath && (url.pathname === '/' ? `${basePath}${url.search}` : `${basePath}${request.url}`)) || request.url;
    await pages.handle(request, response);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      onError(error);
      if (response.headersSent) response.destroy();
      else if (isDiskFull(error)) sendText(response, DISK_FULL_STATUS, diskFullWords);
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

function tooMuch(response: ServerResponse, waitMs: number): void {
  const seconds = Math.ceil(waitMs / 1000);
  const message = `too much was asked for lately; ask again in ${seconds} s`;
  response.setHeader('retry-after', seconds);
  sendError(response, 429, 'TOO_MANY_REQUESTS', -32029, message);
}

const belongs = (actor: Actor, who: Audience): boolean =>
  who === 'known' || (who === 'trainer' ? actor.role === 'trainer' : may(actor, who));

function notFor(actor: Actor, audience: readonly Audience[]): string {
  const permission = audience.find((who) => who !== 'known' && who !== 'trainer');
  return permission
    ? `${actor.name} (${actor.role}) may not ${permission}`
    : 'only a trainer may do this: send its token as "authorization: Bearer <token>"';
}

const isAt = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);

/** null for an invalid path. */
function urlOf(request: IncomingMessage): URL | null {
  const base = 'http://localhost';
  return URL.canParse(request.url ?? '/', base) ? new URL(request.url ?? '/', base) : null;
}

/** Handles every websocket: ours by path, Next's only in development; others are closed. */
async function upgrade(deps: HttpDeps, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  socket.on('error', () => socket.destroy());
  request.url = withoutBase(request.url, deps.basePath);
  const path = urlOf(request)?.pathname ?? '';
  const at = (prefix: string) => isAt(path, prefix);
  const pages = deps.dev && at('/_next') ? ((await deps.pages)?.upgrades ?? null) : null;
  const target = at(paths.viewers) ? deps.links.viewers.http : at(paths.trainers) ? deps.links.trainers.http : pages;
  if (!target || hostRefusal(request, deps.loopback)) {
    refuseUpgrade(socket, target ? '403 Forbidden' : '404 Not Found');
    return;
  }
  if (target === pages) request.url = deps.basePath + request.url;
  target.emit('upgrade', request, socket, head);
}

const whyUnknown = ({ headers }: IncomingMessage): string =>
  headers[personHeader] !== undefined
    ? signedOut
    : headers.authorization === undefined
      ? 'You are not signed in. Open the invite link that you were given; the first admin’s is printed where the server was started. A script sends its token: "authorization: Bearer <token>".'
      : 'The token that was sent is not known here: it is wrong, has expired or was revoked. The Team page makes tokens.';

const unknown = (request: IncomingMessage, response: ServerResponse) =>
  sendError(response, 401, 'UNAUTHORIZED', -32001, whyUnknown(request));

/** Errors of the API have the form of tRPC's errors, so that its clients can read them. */
const sendError = (response: ServerResponse, httpStatus: number, name: string, code: number, message: string) =>
  sendJson(response, httpStatus, { error: { message, code, data: { code: name, httpStatus, field: null } } });

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
    // Plain HTTP in a LAN is supported.
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'same-origin' },
    // Needs HTTPS; over plain HTTP in a LAN browsers only log a complaint about it.
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
  });
}
