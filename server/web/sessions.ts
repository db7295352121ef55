/** Cookies, and among them the one with which a person's browser stays signed in. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseCookie, stringifySetCookie } from 'cookie';
import { isSecure } from '~/server/base/forwarded';
import { actorOf, type People } from '~/server/team/people';
import type { Person, Session } from '~/shared/team';

export interface Sessions {
  /** The person whose browser sends the request; null: nobody is signed in there. */
  of(request: IncomingMessage): { person: Person; session: Session } | null;
  /** Also ends the browser's earlier session: pages that it opened must not act for the new person. */
  start(request: IncomingMessage, response: ServerResponse, secret: string): Promise<void>;
  end(request: IncomingMessage, response: ServerResponse): void;
  /**
   * Sets another cookie that only this server reads; an empty `value` deletes it.
   * @param within path to which alone it is sent; left out: every path of ours
   */
  set(request: IncomingMessage, response: ServerResponse, name: string, value: string, maxAge: number, within?: string): void;
}

export const signOutPath = '/api/signout';
const sessionCookie = 'headroom';
export const year = 31_536_000;

/** @param basePath prefix of the path under which a proxy serves Headroom; empty: none */
export function openSessions({ people, basePath }: { people: People; basePath: string }): Sessions {
  const sessions: Sessions = {
    of(request) {
      const secret = cookieOf(request, sessionCookie);
      return secret ? people.ofSession(secret) : null;
    },
    async start(request, response, secret) {
      const before = sessions.of(request);
      sessions.set(request, response, sessionCookie, secret, year);
      if (before) await people.revokeSession(actorOf(before.person), before.session.id);
    },
    end: (request, response) => sessions.set(request, response, sessionCookie, '', 0),
    set(request, response, name, value, maxAge, within = '') {
      const cookie = stringifySetCookie({
        name,
        value,
        path: basePath + within || '/',
        httpOnly: true,
        sameSite: 'lax',
        maxAge: value === '' ? 0 : maxAge,
        // Browsers send no Secure cookie over plain HTTP.
        secure: isSecure(request),
      });
      response.appendHeader('set-cookie', cookie);
    },
  };
  return sessions;
}

export const cookieOf = (request: IncomingMessage, name: string): string | null =>
  parseCookie(request.headers.cookie ?? '')[name] || null;

/** Describes the browser to its person. */
export const deviceOf = (request: IncomingMessage): string => request.headers['user-agent'] ?? 'unknown device';
