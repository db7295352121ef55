/** Who sends a request. Everything that comes in is asked here, once; people, sessions and tokens can stand behind the same interface. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import type { Actor } from '~/shared/ids';
import { isLoopback } from './origin';

export interface Identity {
  /** null: nobody we know. */
  identify(request: IncomingMessage): Promise<Actor | null>;
  /** Answers requests that make somebody known (links, sign-in); false: not one of those. */
  handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<boolean>;
  /** Path and query of the link to print at start; null when none is needed. */
  readonly link: string | null;
}

const cookieName = 'headroom';

/** On loopback everybody is the local admin; elsewhere whoever has followed the admin link, which is kept in the data folder. */
export async function openIdentity(options: { dataFolder: string; host: string; trainerToken: string }): Promise<Identity> {
  const loopback = isLoopback(options.host);
  const admin: Actor = loopback ? { id: 'local', name: 'You', role: 'admin' } : { id: 'admin', name: 'Admin', role: 'admin' };
  const trainer: Actor = { id: 'trainer', name: 'Trainer', role: 'trainer' };
  const secret = loopback ? null : await keptSecret(options.dataFolder, 'admin.token');

  return {
    link: secret && `/login?token=${secret}`,
    async identify(request) {
      const token = bearer(request);
      if (token !== null) {
        if (same(token, options.trainerToken)) return trainer;
        return secret && same(token, secret) ? admin : null;
      }
      if (!secret) return admin;
      return same(cookie(request, cookieName) ?? '', sessionOf(secret)) ? admin : null;
    },
    async handle(request, response, url) {
      if (url.pathname !== '/login' || request.method !== 'GET' || !secret) return false;
      if (!same(url.searchParams.get('token') ?? '', secret)) return false;
      response.writeHead(303, {
        location: '/',
        'set-cookie': `${cookieName}=${sessionOf(secret)}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000`,
        'cache-control': 'no-store',
      });
      response.end();
      return true;
    },
  };
}

/** A random secret, made once and kept in the folder, readable by its owner alone. */
export async function keptSecret(folder: string, name: string): Promise<string> {
  const file = path.join(folder, name);
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (kept !== null && kept.trim().length >= 20) return kept.trim();
  const secret = randomBytes(24).toString('base64url');
  await writeFile(file, `${secret}\n`, { mode: 0o600 });
  return secret;
}

export function bearer(request: IncomingMessage): string | null {
  const match = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '');
  return match?.[1] ?? null;
}

function cookie(request: IncomingMessage, name: string): string | null {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return null;
}

/** Not the secret itself, so that a stolen cookie is no bearer token. */
const sessionOf = (secret: string): string => createHash('sha256').update(`session ${secret}`).digest('base64url');

/** Equal, in a time that does not depend on where they differ. */
export function same(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
