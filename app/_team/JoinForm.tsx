'use client';

import { type FormEvent, useEffect, useState } from 'react';
import { Button, buttonClass } from '~/app/_components/Button';
import { PageHeader } from '~/app/_components/TopBar';
import { atBase } from '~/app/_live/base';
import { reachJson } from '~/app/_live/reach';
import { ColorField, NameField } from './fields';

type Link = { state: 'checking' } | { state: 'open'; secret: string; role: string } | { state: 'closed'; message: string | null };

const lets: Record<string, string> = {
  viewer: 'watch runs and comment',
  operator: 'watch, start and steer runs',
  admin: 'watch, start and steer runs, and manage the team',
};

/** The page that lets people in: with an invite link and a name, with an account at the provider, or with both. */
export function JoinForm() {
  const [link, setLink] = useState<Link>({ state: 'checking' });
  const [you, setYou] = useState<string | null>(null);
  const [signIn, setSignIn] = useState<{ provider: string; problem: string | null; href: string } | null>(null);
  const [name, setName] = useState('');
  const [color, setColor] = useState<string | null>(null);
  const [problem, setProblem] = useState<{ field: string | null; message: string } | null>(null);
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    const query = new URLSearchParams(window.location.search);
    const secret = query.get('invite') ?? '';
    reachJson(atBase(`/api/join?invite=${encodeURIComponent(secret)}`))
      .then(async (answer) => {
        const body = (await answer.json()) as {
          role?: string;
          error?: string;
          provider?: string;
          problem?: string | null;
          you?: string;
        };
        const { provider, problem = null, error = 'no such link' } = body;
        setYou(body.you ?? null);
        if (provider) setSignIn({ provider, problem, href: atBase(`/api/oidc/start?${query}`) });
        setLink(body.role ? { state: 'open', secret, role: body.role } : { state: 'closed', message: secret ? error : null });
      })
      .catch((error: Error) => setLink({ state: 'closed', message: error.message }));
  }, []);

  async function join(event: FormEvent) {
    event.preventDefault();
    if (link.state !== 'open') return;
    setBusy(true);
    setProblem(null);
    try {
      const answer = await reachJson(atBase('/api/join'), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ invite: link.secret, name, ...(color && { colour: color }) }),
      });
      if (answer.ok) {
        window.location.assign(atBase('/'));
        return;
      }
      const { error, field } = (await answer.json()) as { error: string; field: string | null };
      setProblem({ field, message: error });
    } catch (error) {
      setProblem({ field: null, message: (error as Error).message });
    }
    setBusy(false);
  }

  return (
    <>
      <PageHeader />
      <main className="mx-auto mt-[15vh] max-w-sm px-4">
        {link.state === 'checking' && <p className="text-dim">Checking how you can sign in…</p>}
        {link.state === 'closed' && (
          <div className="space-y-1 text-center text-dim">
            <h1 className="text-base font-semibold text-ink">
              {link.message !== null ? 'This link does not open' : you === null ? 'Sign in to Headroom' : 'You are signed in'}
            </h1>
            {link.message !== null && <p className="first-letter:uppercase">{link.message}</p>}
            {link.message === null && !signIn && you === null && (
              <p>
                Open the invite link that you were given, or ask an admin for one. The first admin’s is printed where the server
                was started.
              </p>
            )}
            {you !== null && (
              <p>
                This browser is signed in as {you}.{' '}
                <a className="text-accent underline" href={atBase('/')}>
                  All runs
                </a>
              </p>
            )}
          </div>
        )}
        {link.state === 'open' && (
          <form onSubmit={join} className="flex flex-col gap-3 rounded border border-line bg-panel p-4" noValidate>
            <div>
              <h1 className="text-base font-semibold">Join the room</h1>
              <p className="text-dim">
                You come in as {link.role}: you can {lets[link.role]}.
              </p>
            </div>
            <NameField
              label="Your name"
              help="The others see it beside what you do."
              person
              error={problem?.field === 'name' ? problem.message.replace(/^name: /, '') : null}
              value={name}
              onChange={setName}
            />
            <ColorField
              label="Your color"
              help="Of your cursor and your initials; without a choice you are given one."
              value={color ?? '#56b4e9'}
              onChange={setColor}
            />
            {problem && problem.field !== 'name' && (
              <p role="alert" className="text-bad first-letter:uppercase">
                {problem.message}
              </p>
            )}
            <Button type="submit" look="primary" disabled={busy}>
              {busy ? 'Joining…' : 'Join'}
            </Button>
          </form>
        )}
        {signIn && (
          <div className="mt-3 flex flex-col gap-2">
            {signIn.problem && (
              <p role="alert" className="text-bad">
                {signIn.problem}
              </p>
            )}
            {you === null && (
              <a className={buttonClass(link.state === 'open' ? 'plain' : 'primary')} href={signIn.href}>
                Sign in with {signIn.provider}
              </a>
            )}
          </div>
        )}
      </main>
    </>
  );
}
