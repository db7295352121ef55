import { createTRPCClient, httpBatchLink } from '@trpc/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { roleFor } from '~/server/team/admission';
import type { AppRouter } from '~/server/trpc';
import { withinSite } from '~/server/web/oidc';
import { transformer } from '~/shared/json';
import { paths } from '~/shared/protocol';
import { startApp, type TestApp } from '~/test/support/app';
import { openMemoryStore } from '~/test/support/memoryStore';
import { type Claims, type OidcProvider, startOidcProvider, Visitor } from '~/test/support/oidcProvider';
import { TestViewer } from '~/test/support/viewer';

const basePath = '/headroom';
const client = { clientId: 'headroom', clientSecret: 'a secret+with/signs' };
const allow = [
  { who: '@lab.example', role: 'viewer' as const },
  { who: 'group:ml', role: 'operator' as const },
  { who: 'ada@lab.example', role: 'admin' as const },
];

let provider: OidcProvider;
let app: TestApp;
let callback: string;
beforeAll(async () => {
  provider = await startOidcProvider({
    ada: { email: 'Ada@Lab.example', email_verified: true, name: 'Ada Lovelace' },
    ada2: { email: 'ada2@lab.example', email_verified: true, name: 'ada lovelace' },
    bob: { email: 'bob@lab.example', email_verified: true, name: 'Bob', groups: ['ml', 'lunch'] },
    cyd: { email: 'cyd@elsewhere.example', email_verified: true, name: 'Cyd' },
    dan: { email: 'dan@lab.example', email_verified: false, name: 'Dan' },
    eve: { name: 'Eve' },
    fay: { email: 'fay@elsewhere.example', email_verified: 'true' },
  });
  app = await startApp({
    store: openMemoryStore(),
    basePath,
    oidc: { issuer: provider.issuer, ...client, name: 'Lab ID', allow },
  });
  callback = `${app.url}/api/oidc/callback`;
  provider.register({ callback, ...client });
});
afterAll(async () => {
  await app.close();
  await provider.close();
});

const apiAs = (visitor: Visitor) =>
  createTRPCClient<AppRouter>({
    links: [
      httpBatchLink({
        url: `${app.url}${paths.trpc}`,
        transformer,
        headers: () => ({ cookie: `headroom=${visitor.cookies.get('headroom') ?? ''}` }),
      }),
    ],
  });
/** Signs somebody in; @returns the path where it ends */
async function signIn(login: string, query = '', visitor = new Visitor()): Promise<{ visitor: Visitor; at: string }> {
  const back = await visitor.signInUpTo(`${app.url}/api/oidc/start${query}`, login);
  const response = await visitor.fetch(back);
  return { visitor, at: response.headers.get('location')! };
}
/** The sentence on the page for signing in. */
const problemOf = async (visitor: Visitor): Promise<string | null> =>
  ((await (await visitor.fetch(`${app.url}/api/join`)).json()) as { problem: string | null }).problem;
async function refusal(login: string, query = ''): Promise<string | null> {
  const { visitor, at } = await signIn(login, query);
  // Whoever tries again comes in by the same link, to the same page.
  expect([at, visitor.cookies.has('headroom')]).toEqual([`${basePath}/join${query}`, false]);
  return problemOf(visitor);
}
const inviteLink = async (role: 'viewer' | 'operator') =>
  (await apiAs((await signIn('ada')).visitor).team.invite.mutate({ role, uses: 1, expiresInMs: 3_600_000 })).secret;

describe('sign-in at a provider', () => {
  it('an unknown browser is sent to the page for signing in, which names the provider; the API answers 401 as before', async () => {
    const page = await fetch(`${app.url}/runs/abc?tab=1`, { redirect: 'manual' });
    expect([page.status, page.headers.get('location')]).toEqual([303, '/headroom/join?to=%2Fruns%2Fabc%3Ftab%3D1']);
    expect((await fetch(`${app.url}${paths.trpc}/runs.list`)).status).toBe(401);
    expect(await (await fetch(`${app.url}/api/join`)).json()).toMatchObject({ provider: 'Lab ID', problem: null });
  });

  it('asks with state, nonce and PKCE, and keeps what belongs to it in a cookie that comes back from the provider', async () => {
    const response = await fetch(`${app.url}/api/oidc/start`, { redirect: 'manual' });
    const asked = Object.fromEntries(new URL(response.headers.get('location')!).searchParams);
    expect(asked).toMatchObject({
      redirect_uri: callback,
      response_type: 'code',
      scope: 'openid email profile groups',
      code_challenge_method: 'S256',
    });
    for (const name of ['state', 'nonce', 'code_challenge']) expect(asked[name]).toMatch(/^[\w-]{43}$/);
    const cookie = response.headers.getSetCookie().find((c) => c.startsWith('headroom-sign-in='))!;
    expect(cookie.split('; ').slice(1)).toEqual(['Max-Age=600', 'Path=/headroom', 'HttpOnly', 'SameSite=Lax']);
  });

  it('the rules give the role: an address before a group before a domain; the name is the provider’s, made unique', async () => {
    for (const login of ['ada', 'ada2', 'bob']) expect((await signIn(login, '?to=/team')).at).toBe('/headroom/team');
    const { visitor } = await signIn('ada');
    const { team, system } = apiAs(visitor);
    expect((await team.people.query()).map((p) => [p.name, p.role])).toEqual([
      ['Ada Lovelace', 'admin'],
      ['ada lovelace (ada2@lab.example)', 'viewer'],
      ['Bob', 'operator'],
    ]);
    expect(await system.info.query()).toMatchObject({
      provider: 'Lab ID',
      loopback: false,
      you: { name: 'Ada Lovelace', role: 'admin' },
    });
    const { rows } = await team.audit.query({ fromSeq: 1, limit: 100, actorId: null, runId: null, kinds: ['person.joined'] });
    expect(rows[0]!.event).toMatchObject({ inviteId: null, account: { subject: 'ada', email: 'Ada@Lab.example' } });
  });

  it('refuses an address of another domain, one that is not verified, and none, each in a sentence', async () => {
    expect(await refusal('cyd', '?to=%2Fruns%2Fabc%3Ftab%3D1')).toBe(
      'cyd@elsewhere.example is not among those whom this server lets in; ask an admin for an invite link, or sign in with another account.',
    );
    expect(await refusal('dan')).toBe(
      'Lab ID does not say that dan@lab.example is your address. Confirm the address there, and sign in again.',
    );
    expect(await refusal('eve')).toBe('Lab ID does not tell your e-mail address; allow it there, and sign in again.');
  });

  it('an invite link lets an account in that no rule admits, once; the account then signs in without it', async () => {
    const secret = await inviteLink('operator');
    const first = await signIn('fay', `?invite=${secret}`);
    expect((await apiAs(first.visitor).system.info.query()).you).toMatchObject({ name: 'fay', role: 'operator' });
    expect(await refusal('cyd', `?invite=${secret}`)).toBe('This invite link is not valid any more; ask an admin for a new one.');
    expect((await signIn('fay')).visitor.cookies.has('headroom')).toBe(true);
  });

  it('a person who joined with a name links an account, which another person cannot link too', async () => {
    const fromTeamPage = () => Object.assign(new Visitor(), { referer: `${app.url}/team` });
    const gus = fromTeamPage();
    const body = JSON.stringify({ invite: await inviteLink('viewer'), name: 'Gus' });
    const joined = await fetch(`${app.url}/api/join`, { method: 'POST', body });
    gus.cookies.set('headroom', /headroom=([^;]+)/.exec(joined.headers.get('set-cookie')!)![1]!);
    expect((await signIn('cyd', '?link&to=/team', gus)).at).toBe('/headroom/team');
    expect(await apiAs(gus).team.myAccounts.query()).toEqual(['cyd@elsewhere.example']);
    expect((await apiAs((await signIn('cyd')).visitor).system.info.query()).you.name).toBe('Gus');
    const { visitor } = await signIn('bob');
    await signIn('cyd', '?link', fromTeamPage()).then(async (other) =>
      expect(await problemOf(other.visitor)).toBe('You were signed out in between. Sign in again.'),
    );
    const second = fromTeamPage();
    second.cookies.set('headroom', visitor.cookies.get('headroom')!);
    await signIn('cyd', '?link', second);
    expect(await problemOf(second)).toBe('cyd@elsewhere.example already signs in Gus; choose another account.');
  });

  it('a person who is removed loses sockets and sessions at once, and comes back only with an invite', async () => {
    const bob = await signIn('bob');
    const viewer = await TestViewer.connect(app.url, { cookie: `headroom=${bob.visitor.cookies.get('headroom')}` });
    const gone = new Promise<string>((resolve) => viewer.socket.once('disconnect', resolve));
    const { team } = apiAs((await signIn('ada')).visitor);
    const person = (await team.people.query()).find((p) => p.name === 'Bob')!;
    await team.removePerson.mutate({ personId: person.id });
    expect(await gone).toBe('io server disconnect');
    viewer.close();
    await expect(apiAs(bob.visitor).runs.list.query()).rejects.toThrow();
    expect(await refusal('bob')).toBe('bob@lab.example was removed from this team; ask an admin for a new invite link.');
    const back = await signIn('bob', `?invite=${await inviteLink('viewer')}`);
    expect((await apiAs(back.visitor).system.info.query()).you).toMatchObject({ name: 'Bob', role: 'viewer' });
  });

  it('signing out ends this session alone', async () => {
    const [here, there] = [await signIn('ada'), await signIn('ada')];
    await here.visitor.fetch(`${app.url}/api/signout`, {});
    expect(here.visitor.cookies.has('headroom')).toBe(false);
    expect((await apiAs(there.visitor).system.info.query()).you.name).toBe('Ada Lovelace');
  });
});

describe('signing out', () => {
  /** @returns where the browser is sent next */
  const signOut = async (visitor: Visitor, url = app.url): Promise<string | undefined> => {
    const response = await visitor.fetch(`${url}/api/signout`, {});
    expect(response.status).toBe(200);
    return ((await response.json()) as { next?: string }).next;
  };

  it('signs out at the provider too, which asks for the password at the next sign-in, and leads back to ours', async () => {
    const { visitor } = await signIn('ada');
    const start = `${app.url}/api/oidc/start`;
    const signedIn = (url: URL) => url.pathname.endsWith('/api/oidc/callback');
    // The provider still knows the browser.
    expect(signedIn(await visitor.follow(start, signedIn))).toBe(true);
    const next = (await signOut(visitor))!;
    const question = await (await visitor.fetch(next)).text();
    const [, action, xsrf] = /action="([^"]+)".*name="xsrf" value="([^"]+)"/.exec(question)!;
    const back = await visitor.follow(action!, signedIn, { xsrf: xsrf!, logout: 'yes' });
    expect(back.href).toBe(callback);
    const problem = await problemOf(visitor);
    expect((await visitor.fetch(back)).headers.get('location')).toBe('/headroom/join');
    expect(await problemOf(visitor)).toBe(problem);
    expect((await visitor.follow(start, signedIn)).pathname).toMatch(/^\/interaction\//);
    expect(await signOut(visitor)).toBeUndefined();
  });

  it('says at the provider who it is by the token of the sign-in, which goes to the path of signing out alone', async () => {
    const visitor = new Visitor();
    const back = await visitor.signInUpTo(`${app.url}/api/oidc/start`, 'ada');
    const cookie = (await visitor.fetch(back)).headers.getSetCookie().find((c) => c.startsWith('headroom-id-token='))!;
    const [token, ...rest] = cookie.replace('headroom-id-token=', '').split('; ');
    expect(rest).toEqual(['Max-Age=31536000', 'Path=/headroom/api/signout', 'HttpOnly', 'SameSite=Lax']);
    const next = new URL((await signOut(visitor))!);
    expect([next.origin, Object.fromEntries(next.searchParams)]).toEqual([
      provider.issuer.origin,
      { client_id: client.clientId, id_token_hint: token, post_logout_redirect_uri: callback },
    ]);
  });

  it('without the provider, where the browser came in by an invite link', async () => {
    const visitor = new Visitor();
    const body = JSON.stringify({ invite: await inviteLink('viewer'), name: 'Hal' });
    const joined = await fetch(`${app.url}/api/join`, { method: 'POST', body });
    visitor.cookies.set('headroom', /headroom=([^;]+)/.exec(joined.headers.get('set-cookie')!)![1]!);
    expect(await signOut(visitor)).toBeUndefined();
    expect(visitor.cookies.has('headroom')).toBe(false);
  });

  it.each<[string, Claims, Partial<Parameters<OidcProvider['register']>[0]>, 'stay' | 'go', boolean]>([
    ['a provider that offers no such thing', {}, { signsOut: false }, 'stay', false],
    [
      'a token too long for a cookie',
      { groups: Array.from({ length: 400 }, (_, i) => `group ${i}`) },
      { claimsInToken: true },
      'stay',
      true,
    ],
    ['a provider that is gone, of a server that was started again', {}, {}, 'go', false],
  ])('is no error with %s', async (_name, claims, changes, providerDoes, goesThere) => {
    const other = await startOidcProvider({ ada: { email: 'ada@lab.example', email_verified: true, ...claims } });
    const start = () => startApp({ store: openMemoryStore(), oidc: { issuer: other.issuer, ...client, name: 'Lab ID', allow } });
    const own = await start();
    other.register({ callback: `${own.url}/api/oidc/callback`, ...client, ...changes });
    const visitor = new Visitor();
    await visitor.fetch(await visitor.signInUpTo(`${own.url}/api/oidc/start`, 'ada'));
    expect(visitor.cookies.has('headroom')).toBe(true);
    if (providerDoes === 'go') await other.close();
    const again = await start();
    const next = await signOut(visitor, again.url);
    expect([visitor.cookies.has('headroom'), next !== undefined]).toEqual([false, goesThere]);
    if (next !== undefined) expect([...new URL(next).searchParams.keys()]).toEqual(['post_logout_redirect_uri', 'client_id']);
    for (const server of [own, again]) await server.close();
    if (providerDoes === 'stay') await other.close();
  });
});

describe('what an attacker or a bad day sends', () => {
  const lost = 'This sign-in was not begun in this browser within the last ten minutes. Sign in again.';
  const start = () => `${app.url}/api/oidc/start`;

  it('an answer without the browser’s own state is refused: forged, sent to another browser, or used again', async () => {
    const forged = new Visitor();
    const back = await forged.signInUpTo(start(), 'ada');
    back.searchParams.set('state', 'forged');
    await forged.fetch(back);
    const victim = new Visitor();
    await victim.fetch(await new Visitor().signInUpTo(start(), 'ada'));
    const again = new Visitor();
    const once = await again.signInUpTo(start(), 'ada');
    const kept = again.cookies.get('headroom-sign-in')!;
    await again.fetch(once);
    again.cookies.delete('headroom');
    await again.fetch(once);
    for (const visitor of [forged, victim, again])
      expect([await problemOf(visitor), visitor.cookies.has('headroom')]).toEqual([lost, false]);
    // Even with the cookie put back: the provider takes its code once.
    again.cookies.set('headroom-sign-in', kept);
    await again.fetch(once);
    expect([await problemOf(again), again.cookies.has('headroom')]).toEqual([
      'Lab ID takes each sign-in once, and soon. Sign in again.',
      false,
    ]);
  });

  it('a code of another sign-in does not fit this one’s verifier and nonce', async () => {
    const visitor = new Visitor();
    const own = await visitor.signInUpTo(start(), 'bob');
    const other = await new Visitor().signInUpTo(start(), 'ada');
    own.searchParams.set('code', other.searchParams.get('code')!);
    await visitor.fetch(own);
    expect([await problemOf(visitor), visitor.cookies.has('headroom')]).toEqual([
      'Lab ID takes each sign-in once, and soon. Sign in again.',
      false,
    ]);
  });

  it('a page of another site adds no account to whoever is signed in', async () => {
    const strangers: Record<string, string>[] = [
      { referer: 'http://evil.example/' },
      { 'sec-fetch-site': 'cross-site', referer: app.url },
      {},
    ];
    for (const headers of strangers) {
      const answer = await fetch(`${start()}?link`, { redirect: 'manual', headers });
      expect([answer.headers.get('location'), answer.headers.getSetCookie()[0]]).toEqual([
        '/headroom/join',
        expect.stringMatching(/^headroom-problem=Link%20an%20account%20on%20the%20Team%20page\.;/),
      ]);
    }
  });

  it('a sign-in canceled at the provider says so', async () => {
    const visitor = new Visitor();
    const page = await visitor.follow(start());
    const back = await visitor.follow(`${page.href}/abort`, (url) => url.pathname.endsWith('/api/oidc/callback'));
    await visitor.fetch(back);
    expect(await problemOf(visitor)).toBe('Lab ID did not sign you in: it was canceled or refused there.');
  });

  it.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '/..//evil.example',
    'javascript:alert(1)',
    'team',
    '/join?invite=x',
  ])('after signing in no link leads to %s', (to) => {
    expect(withinSite(to)).toBe('/');
  });

  it('a page of ours opens afterwards, with its query', () => {
    expect(withinSite('/runs/abc?step=3#x')).toBe('/runs/abc?step=3#x');
  });

  it('of several groups the highest role counts, and a rule for a domain means that domain alone', () => {
    const rules = [...allow, { who: 'group:lunch', role: 'viewer' as const }];
    expect(roleFor(rules, 'x@else.example', ['lunch', 'ml'])).toBe('operator');
    expect(roleFor(rules, 'x@sub.lab.example', [])).toBeNull();
    expect(roleFor(rules, 'lab.example@else.example', [])).toBeNull();
  });
});

describe('a provider that fails', () => {
  it('the server starts without it, says that it does not answer, and signs in once it is back', async () => {
    const late = await startOidcProvider({ ada: { email: 'ada@lab.example', email_verified: true } });
    // It answers 503 until a client is registered.
    const own = await startApp({ store: openMemoryStore(), oidc: { issuer: late.issuer, ...client, name: 'Late ID', allow } });
    const visitor = new Visitor();
    const { pathname } = await visitor.follow(`${own.url}/api/oidc/start`, (url) => url.pathname === '/join');
    const told = async () => (await (await visitor.fetch(`${own.url}/api/join`)).json()) as { problem: string | null };
    const unreachable = 'Late ID does not answer this server. Try again in a moment, or open an invite link.';
    expect([pathname, (await told()).problem]).toEqual(['/join', unreachable]);
    late.register({ callback: `${own.url}/api/oidc/callback`, ...client });
    await visitor.fetch(await visitor.signInUpTo(`${own.url}/api/oidc/start`, 'ada'));
    expect([visitor.cookies.has('headroom'), (await told()).problem]).toEqual([true, null]);
    const back = await visitor.signInUpTo(`${own.url}/api/oidc/start`, 'ada');
    await late.close();
    await visitor.fetch(back);
    expect((await told()).problem).toBe(unreachable);
    await own.close();
  });

  it.each<[string, { clientSecret?: string; slowByMs?: number }, string]>([
    [
      'does not accept the secret',
      { clientSecret: 'another' },
      'Lab ID refused this server. An admin of this server should check HEADROOM_OIDC_CLIENT_ID and HEADROOM_OIDC_CLIENT_SECRET.',
    ],
    [
      'has another time',
      { slowByMs: 7_200_000 },
      'The clocks of Lab ID and of this server differ too much. An admin should set the clock of this server.',
    ],
  ])('one that %s', async (_name, changes, sentence) => {
    const other = await startOidcProvider({ ada: { email: 'ada@lab.example', email_verified: true } });
    const own = await startApp({ store: openMemoryStore(), oidc: { issuer: other.issuer, ...client, name: 'Lab ID', allow } });
    other.register({ callback: `${own.url}/api/oidc/callback`, ...client, ...changes });
    const visitor = new Visitor();
    await visitor.fetch(await visitor.signInUpTo(`${own.url}/api/oidc/start`, 'ada'));
    const told = (await (await visitor.fetch(`${own.url}/api/join`)).json()) as { problem: string | null };
    expect([told.problem, visitor.cookies.has('headroom')]).toEqual([sentence, false]);
    await own.close();
    await other.close();
  });

  it('a public client needs no secret', async () => {
    const other = await startOidcProvider({ ada: { email: 'ada@lab.example', email_verified: true } });
    const own = await startApp({
      store: openMemoryStore(),
      oidc: { issuer: other.issuer, clientId: 'public', clientSecret: null, name: 'Lab ID', allow },
    });
    other.register({ callback: `${own.url}/api/oidc/callback`, clientId: 'public' });
    const visitor = new Visitor();
    await visitor.fetch(await visitor.signInUpTo(`${own.url}/api/oidc/start`, 'ada'));
    expect(visitor.cookies.has('headroom')).toBe(true);
    await own.close();
    await other.close();
  });
});
