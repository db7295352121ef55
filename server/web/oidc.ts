/**
 * Sign-in at a provider of OpenID Connect: authorization code flow with PKCE, state and nonce. A browser carries what its sign-in needs in
 * a cookie, so any node of the server can finish it. The provider is asked for its addresses at the first sign-in, not at the start.
 */
import type { IncomingMessage } from 'node:http';
import * as client from 'openid-client';
import { z } from 'zod';
import { addressOf } from '~/server/base/forwarded';
import type { Log } from '~/server/base/log';
import { sendTo } from '~/server/base/respond';
import type { Route, Visit } from '~/server/base/route';
import { type OidcSettings, roleFor } from '~/server/team/admission';
import { type People, TeamError } from '~/server/team/people';
import type { Account } from '~/shared/team';
import { same } from './identity';
import { isFromOwnPage } from './origin';
import { cookieOf, deviceOf, type Sessions, signOutPath, year } from './sessions';

const routes = { start: '/api/oidc/start', finish: '/api/oidc/callback' } as const;
const flowCookie = 'headroom-sign-in';
const problemCookie = 'headroom-problem';
const idTokenCookie = 'headroom-id-token';
const tenMinutes = 600;
/** Characters: nginx refuses answers whose headers exceed 4,096. */
const mostIdToken = 2_500;

/** What a browser keeps between leaving for the provider and coming back. */
const flow = z.strictObject({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  /** Path of ours to open afterwards. */
  to: z.string(),
  /** Secret of the invite link that was opened before; null: none. */
  invite: z.string().nullable(),
  /** Adds the account to the person who is signed in. */
  link: z.boolean(),
});

export function openOidc(deps: {
  settings: OidcSettings;
  sessions: Sessions;
  people: People;
  /** Prefix of the path under which a proxy serves Headroom; empty: none. */
  basePath: string;
  log: Log;
}): {
  name: string;
  problem(request: IncomingMessage): string | null;
  /** The provider's address for signing out there; null: the browser was not signed in by the provider, or it has none. */
  signOut(visit: Visit): Promise<string | null>;
  routes: Route[];
} {
  const { settings, sessions, people, basePath, log } = deps;
  const { name } = settings;
  const provider = rememberedFor(3_600_000, () => discover(settings));

  /** Address of this server as the browser knows it. It must be registered at the provider, which refuses any other. */
  const callbackOf = (request: IncomingMessage): URL => {
    return new URL(`${addressOf(request)}${basePath}${routes.finish}`);
  };

  /** Back to the page for signing in, which shows the reason; whoever tries again there still comes in by the same link, to the same page. */
  function refuse({ request, response }: Visit, problem: string, wish?: z.infer<typeof flow>, error?: unknown): void {
    log.warn({ ...(error !== undefined && { err: error }), issuer: settings.issuer.href }, `sign-in: ${problem}`);
    sessions.set(request, response, problemCookie, problem, 60);
    const kept = new URLSearchParams({
      ...(wish && wish.to !== '/' && { to: wish.to }),
      ...(wish?.invite && { invite: wish.invite }),
    }).toString();
    sendTo(response, `${basePath}/join${kept && `?${kept}`}`);
  }

  async function start(visit: Visit): Promise<void> {
    const { request, response, url } = visit;
    // A page of somebody else, who had signed this browser in at the provider, could otherwise add that account to this person.
    if (url.searchParams.has('link') && !isFromOwnPage(request)) return refuse(visit, 'Link an account on the Team page.');
    const wish: z.infer<typeof flow> = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
      to: withinSite(url.searchParams.get('to')),
      invite: url.searchParams.get('invite'),
      link: url.searchParams.has('link'),
    };
    try {
      const config = await provider();
      const scopes = ['openid', 'email', 'profile'];
      const byGroup = settings.allow.some((rule) => rule.who.startsWith('group:'));
      if (byGroup && config.serverMetadata().scopes_supported?.includes('groups')) scopes.push('groups');
      const address = client.buildAuthorizationUrl(config, {
        redirect_uri: callbackOf(request).href,
        scope: scopes.join(' '),
        state: wish.state,
        nonce: wish.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(wish.verifier),
        code_challenge_method: 'S256',
      });
      sessions.set(request, response, problemCookie, '', 0);
      sessions.set(request, response, flowCookie, JSON.stringify(wish), tenMinutes);
      sendTo(response, address.href);
    } catch (error) {
      refuse(visit, sentenceOf(error, name), wish, error);
    }
  }

  async function finish(visit: Visit): Promise<void> {
    const { request, response, url } = visit;
    // Back from signing out at the provider.
    if (!url.searchParams.has('code') && !url.searchParams.has('error')) return sendTo(response, `${basePath}/join`);
    const begun = flow.safeParse(jsonOf(cookieOf(request, flowCookie)));
    if (!begun.success || !same(url.searchParams.get('state') ?? '', begun.data.state))
      return refuse(visit, 'This sign-in was not begun in this browser within the last ten minutes. Sign in again.');
    // Each answer of the provider is taken once.
    sessions.set(request, response, flowCookie, '', 0);
    try {
      const { account, idToken, ...told } = await accountOf(request, url, begun.data);
      const { to, invite, link } = begun.data;
      if (link) {
        const found = sessions.of(request);
        if (!found) return refuse(visit, 'You were signed out in between. Sign in again.');
        await people.linkAccount(found.person, account);
      } else {
        const role = roleFor(settings.allow, account.email, told.groups);
        const { sessionSecret } = await people.enter(account, { name: told.name, role, invite, device: deviceOf(request) });
        await sessions.start(request, response, sessionSecret);
        const hint = idToken.length <= mostIdToken ? idToken : 'none';
        sessions.set(request, response, idTokenCookie, hint, year, signOutPath);
      }
      sendTo(response, basePath + to);
    } catch (error) {
      refuse(visit, sentenceOf(error, name), begun.data, error);
    }
  }

  /** Exchanges the provider's code for what it says about the person. @throws TeamError when the e-mail address is not verified */
  async function accountOf(
    request: IncomingMessage,
    url: URL,
    begun: z.infer<typeof flow>,
  ): Promise<{ account: Account; name: string; groups: string[]; idToken: string }> {
    const config = await provider();
    const address = callbackOf(request);
    address.search = url.search;
    const tokens = await client.authorizationCodeGrant(config, address, {
      pkceCodeVerifier: begun.verifier,
      expectedState: begun.state,
      expectedNonce: begun.nonce,
      idTokenExpected: true,
    });
    const claimed = tokens.claims()!;
    // Many providers tell more at this address than in the token.
    const more = config.serverMetadata().userinfo_endpoint
      ? await client.fetchUserInfo(config, tokens.access_token, claimed.sub)
      : {};
    const told = claims.parse({ ...more, ...claimed });
    if (told.email === undefined)
      throw new TeamError(`${name} does not tell your e-mail address; allow it there, and sign in again.`);
    if (!told.email_verified)
      throw new TeamError(
        `${name} does not say that ${told.email} is your address. Confirm the address there, and sign in again.`,
      );
    return {
      account: { issuer: claimed.iss, subject: claimed.sub, email: told.email },
      name: told.name ?? told.preferred_username ?? told.email.split('@')[0]!,
      groups: told.groups,
      idToken: tokens.id_token!,
    };
  }

  /** The provider sends the browser back to the address that is registered there already, without a code. */
  async function signOut({ request, response }: Visit): Promise<string | null> {
    const hint = cookieOf(request, idTokenCookie);
    if (hint === null) return null;
    sessions.set(request, response, idTokenCookie, '', 0, signOutPath);
    try {
      const config = await provider();
      if (!config.serverMetadata().end_session_endpoint) return null;
      return client.buildEndSessionUrl(config, {
        post_logout_redirect_uri: callbackOf(request).href,
        ...(hint !== 'none' && { id_token_hint: hint }),
      }).href;
    } catch (error) {
      log.warn({ err: error, issuer: settings.issuer.href }, 'sign-out: the person stays signed in at the provider');
      return null;
    }
  }

  return {
    name,
    problem: (request) => cookieOf(request, problemCookie),
    signOut,
    routes: [
      { method: 'GET', path: routes.start, for: 'anybody', handle: start },
      { method: 'GET', path: routes.finish, for: 'anybody', handle: finish },
    ],
  };
}

/** What we read of a provider's claims; what has another form counts as not told. */
const claims = z.object({
  email: z.email().max(320).optional().catch(undefined),
  /** Some providers send it as text. */
  email_verified: z.union([z.boolean(), z.literal('true')]).catch(false),
  name: z.string().trim().min(1).optional().catch(undefined),
  preferred_username: z.string().trim().min(1).optional().catch(undefined),
  groups: z.array(z.string()).catch([]),
});

function discover({ issuer, clientId, clientSecret }: OidcSettings): Promise<client.Configuration> {
  // Basic is the standard's default, also for what a provider registers.
  const auth: client.ClientAuth =
    clientSecret === null
      ? client.None()
      : (server, ...rest) => {
          const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
          const method = methods.includes('client_secret_basic') ? client.ClientSecretBasic : client.ClientSecretPost;
          return method(clientSecret)(server, ...rest);
        };
  return client.discovery(issuer, clientId, undefined, auth, {
    timeout: 10,
    execute: issuer.protocol === 'http:' ? [client.allowInsecureRequests] : [],
  });
}

/** Calls `ask` again when the answer is older than `ms`, or was an error. */
function rememberedFor<T>(ms: number, ask: () => Promise<T>): () => Promise<T> {
  let kept: { at: number; answer: Promise<T> } | null = null;
  return () => {
    if (kept && performance.now() - kept.at < ms) return kept.answer;
    const asked = { at: performance.now(), answer: ask() };
    kept = asked;
    asked.answer.catch(() => {
      if (kept === asked) kept = null;
    });
    return asked.answer;
  };
}

/** The path of a page of ours; "/" for anything else, so that no link to us leads elsewhere. */
export function withinSite(to: string | null): string {
  const here = 'http://here';
  if (!to?.startsWith('/') || to.length > 1000 || !URL.canParse(to, here)) return '/';
  const url = new URL(to, here);
  // "//elsewhere.example" and "/\elsewhere.example" are addresses of other sites.
  if (url.origin !== here || url.pathname.startsWith('//') || url.pathname === '/join') return '/';
  return url.pathname + url.search + url.hash;
}

function jsonOf(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return null;
  }
}

/** Why a sign-in failed, for the person; the log has the details. */
function sentenceOf(error: unknown, name: string): string {
  // An address stays as it is written.
  if (error instanceof TeamError)
    return error.message.replace(/^\w(?!\S*@)/, (first) => first.toUpperCase()).replace(/[^.]$/, '$&.');
  if (error instanceof client.AuthorizationResponseError)
    return error.error === 'access_denied'
      ? `${name} did not sign you in: it was canceled or refused there.`
      : `${name} refused the sign-in (${error.error}). An admin of this server should look at its log.`;
  if (error instanceof client.ResponseBodyError && error.error === 'invalid_grant')
    return `${name} takes each sign-in once, and soon. Sign in again.`;
  if (error instanceof client.ResponseBodyError || error instanceof client.WWWAuthenticateChallengeError)
    return `${name} refused this server. An admin of this server should check HEADROOM_OIDC_CLIENT_ID and HEADROOM_OIDC_CLIENT_SECRET.`;
  const code = error instanceof client.ClientError ? error.code : undefined;
  if (code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED')
    return `The clocks of ${name} and of this server differ too much. An admin should set the clock of this server.`;
  const unreachable = error instanceof TypeError && error.message === 'fetch failed';
  if (unreachable || code === 'OAUTH_TIMEOUT' || code === 'OAUTH_RESPONSE_IS_NOT_CONFORM')
    return `${name} does not answer this server. Try again in a moment, or open an invite link.`;
  return `${name} gave an answer that this server cannot use. An admin of this server should look at its log.`;
}
