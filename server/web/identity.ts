/** Finds out who sends a request; every request is checked here, once. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import { z } from 'zod';
import { sendJson } from '~/server/base/respond';
import type { Route, Visit } from '~/server/base/route';
import { describeZodError, fieldOf } from '~/server/base/zodError';
import type { Store } from '~/server/store';
import { actorOf, localAdmin, newSecret, type People, systemActor, TeamError, tokenActor } from '~/server/team/people';
import type { Actor } from '~/shared/ids';
import { personHeader } from '~/shared/paths';
import { colour, newPersonName } from '~/shared/team';
import { deviceOf, type Sessions, signOutPath } from './sessions';

export interface Identity {
  /** null: unknown. @param basic the token may also be the password of Basic authorization */
  identify(request: IncomingMessage, basic?: boolean): Promise<Actor | null>;
  /** Routes that sign somebody in (links, login) and out. */
  readonly routes: Route[];
  /** Path and query of the link to print at start; null when none is needed. */
  readonly link: string | null;
}

const week = 7 * 24 * 3_600_000;
const trainer: Actor = { id: 'trainer', name: 'Trainer', role: 'trainer' };

/** On loopback everybody without a token is the local admin; elsewhere people join through invite links, or sign in at a provider. */
export async function openIdentity(options: {
  /** Everybody without a token is the local admin. */
  open: boolean;
  trainerToken: string;
  sessions: Sessions;
  people: People;
  /** Where people sign in besides; null: nowhere. */
  provider: {
    name: string;
    problem(request: IncomingMessage): string | null;
    signOut(visit: Visit): Promise<string | null>;
  } | null;
}): Promise<Identity> {
  const { people, sessions, provider } = options;
  const nobodyAdmin = !Object.values(people.team.people).some((p) => p.role === 'admin');
  const first =
    options.open || !nobodyAdmin ? null : await people.invite(systemActor, { role: 'admin', uses: 1, expiresInMs: week });

  /** What the page for joining offers: an invite, the provider, or both. */
  function showWays({ request, response, url }: Visit): void {
    const invite = people.openInvite(url.searchParams.get('invite') ?? '');
    const signIn = provider && { provider: provider.name, problem: provider.problem(request) };
    const you = options.open ? localAdmin : sessions.of(request)?.person;
    const ways = { ...signIn, ...(you && { you: `${you.name} (${you.role})` }) };
    if (invite) sendJson(response, 200, { role: invite.role, expiresAt: invite.expiresAt, ...ways });
    else sendJson(response, 404, { error: 'this invite link is not valid any more; ask an admin for a new one', ...ways });
  }

  async function join({ request, response }: Visit): Promise<void> {
    const wish = joinRequest.safeParse(await readJson(request));
    if (!wish.success) return sendJson(response, 400, { error: describeZodError(wish.error), field: fieldOf(wish.error) });
    const { invite, name, colour } = wish.data;
    try {
      const device = deviceOf(request);
      const { person, sessionSecret } = await people.join(invite, { name, device, ...(colour && { colour }) });
      await sessions.start(request, response, sessionSecret);
      sendJson(response, 200, { person });
    } catch (error) {
      if (!(error instanceof TeamError)) throw error;
      sendJson(response, 400, { error: error.message, field: error.field });
    }
  }

  /** Answers where the browser goes next, if the person is still signed in at the provider. */
  async function signOut(visit: Visit): Promise<void> {
    const { request, response } = visit;
    const found = sessions.of(request);
    const other = found && someoneElse(actorOf(found.person), request.headers[personHeader]);
    if (other) return sendJson(response, 409, { error: other });
    if (found) await people.revokeSession(actorOf(found.person), found.session.id);
    sessions.end(request, response);
    const next = (await provider?.signOut(visit)) ?? null;
    sendJson(response, 200, { ok: true, ...(next !== null && { next }) });
  }

  return {
    link: first && `/join?invite=${first.secret}`,
    async identify(request, basic = false) {
      const token = bearer(request) ?? (basic ? password(request) : null);
      if (token !== null) {
        if (same(token, options.trainerToken)) return trainer;
        const known = people.ofToken(token);
        return known && tokenActor(known);
      }
      if (options.open) return localAdmin;
      const found = sessions.of(request);
      return found && actorOf(found.person);
    },
    routes: [
      { method: 'GET', path: '/api/join', for: 'anybody', handle: showWays },
      { method: 'POST', path: '/api/join', for: 'anybody', handle: join },
      { method: 'POST', path: signOutPath, for: 'anybody', handle: signOut },
    ],
  };
}

/** What a page is told whose session has ended. */
export const signedOut = 'You were signed out. To come back, sign in again or open an invite link.';

/**
 * Why a page may not act: another person is signed in in its browser now. null: it may.
 * @param openedAs id of the person as whom the page was opened; undefined: it does not know yet, or is no page
 */
export const someoneElse = (actor: Actor, openedAs: unknown): string | null =>
  openedAs === undefined || openedAs === actor.id ? null : `${actor.name} has signed in in this browser`;

const joinRequest = z.strictObject({
  invite: z.string().min(1, 'the link lacks its secret').max(200),
  name: newPersonName,
  colour: colour.optional(),
});

/** The body as JSON; undefined if it is not JSON. At most 16 kB. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 16_384) return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * A random secret, made once and kept in the folder, readable by its owner alone. Of several nodes, all have the one that is
 * among their settings.
 */
export async function keptSecret(folder: string, name: string, shared?: Pick<Store, 'setting' | 'setSetting'>): Promise<string> {
  const file = path.join(folder, name);
  const write = (secret: string) => writeFile(file, `${secret}\n`, { mode: 0o600, flush: true });
  const common = await shared?.setting(name);
  if (common) {
    await write(common);
    return common;
  }
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (kept !== null && kept.trim().length >= 20 && !shared) return kept.trim();
  const secret = newSecret();
  await shared?.setSetting(name, secret);
  await write(secret);
  return secret;
}

export function bearer(request: IncomingMessage): string | null {
  const match = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '');
  return match?.[1] ?? null;
}

/**
 * The token sent as a password, as clients of other tools do. The wandb client refuses a short token, so it is given as
 * "headroom.TOKEN.key".
 */
function password(request: IncomingMessage): string | null {
  const match = /^Basic (\S+)$/i.exec(request.headers.authorization ?? '');
  if (!match) return null;
  const [, secret = ''] = /:(.*)$/s.exec(Buffer.from(match[1]!, 'base64').toString()) ?? [];
  return /^headroom\.([^.]+)\.[^.]+$/.exec(secret)?.[1] ?? secret;
}

/** Compares in a time that does not depend on where the texts differ. */
export function same(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
