/** A real provider of OpenID Connect on loopback, with the package's own pages for signing in and for consent. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
// @ts-expect-error the package has no types
import { Provider } from 'oidc-provider';
import { closeHttp } from '~/server/web/listen';

export interface Claims {
  email?: string;
  email_verified?: boolean | string;
  name?: string;
  groups?: string[];
}

export interface OidcProvider {
  issuer: URL;
  /** Admits the client whose sign-ins end at `callback`; without a secret it is a public one. `slowByMs`: of the clock of its tokens. */
  register(options: {
    callback: string;
    clientId: string;
    clientSecret?: string;
    slowByMs?: number;
    /** Whether people can sign out there by a link; default: yes. */
    signsOut?: boolean;
    /** Whether the id token tells the claims itself; default: the userinfo address does. */
    claimsInToken?: boolean;
  }): void;
  close(): Promise<void>;
}

/** @param accounts what is told about each login; the password is free */
export async function startOidcProvider(accounts: Record<string, Claims>): Promise<OidcProvider> {
  let answer: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) =>
    response.writeHead(503).end();
  const server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    issuer,
    register({ callback, clientId, clientSecret, slowByMs = 0, signsOut = true, claimsInToken = false }) {
      const provider = new Provider(issuer.origin, {
        clients: [
          {
            client_id: clientId,
            redirect_uris: [callback],
            post_logout_redirect_uris: [callback],
            ...(clientSecret ? { client_secret: clientSecret } : { token_endpoint_auth_method: 'none' }),
          },
        ],
        claims: { email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
        scopes: ['openid', 'email', 'profile', 'groups'],
        conformIdTokenClaims: !claimsInToken,
        cookies: { keys: ['test'] },
        features: { rpInitiatedLogout: { enabled: signsOut } },
        findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, ...accounts[id] }) }),
      });
      const handle = provider.callback();
      answer = (request, response) => {
        if (request.url !== '/token') return handle(request, response);
        const real = Date.now;
        Date.now = () => real() - slowByMs;
        response.once('finish', () => {
          Date.now = real;
        });
        handle(request, response);
      };
    },
    close: () => closeHttp(server),
  };
}

/** A browser without a screen: follows redirects, keeps cookies of each host, and signs in at the provider. */
export class Visitor {
  readonly cookies = new Map<string, string>();
  /** Address of the page whose link is followed. */
  referer = '';

  async fetch(address: string | URL, form?: Record<string, string>): Promise<Response> {
    const response = await fetch(address, {
      redirect: 'manual',
      headers: {
        cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(this.referer && { referer: this.referer }),
      },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      if (value === '' || /max-age=0/i.test(cookie)) this.cookies.delete(name!);
      else this.cookies.set(name!, value!);
    }
    return response;
  }

  /** Opens an address and all that it leads to, up to an answer that is no redirect or an address for which `stop` is true. */
  async follow(address: string | URL, stop: (url: URL) => boolean = () => false, form?: Record<string, string>): Promise<URL> {
    let url = new URL(address);
    let response = await this.fetch(url, form);
    for (let location = response.headers.get('location'); location !== null; location = response.headers.get('location')) {
      url = new URL(location, url);
      if (stop(url)) return url;
      response = await this.fetch(url);
    }
    return url;
  }

  /** From our start to the provider, there as `login`, up to the address with which the provider sends the browser back. */
  async signInUpTo(start: string, login: string): Promise<URL> {
    const back = (url: URL) => url.pathname.endsWith('/api/oidc/callback');
    const page = await this.follow(start, back);
    const consent = await this.follow(page, back, { prompt: 'login', login, password: 'any' });
    return back(consent) ? consent : this.follow(consent, back, { prompt: 'consent' });
  }
}
