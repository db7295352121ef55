// @vitest-environment jsdom
/** The page for signing in: no state of it is a dead end. */
import { cleanup, render, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { JoinForm } from '~/app/_team/JoinForm';
import '~/test/support/patience';

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});
/** @param answers of GET and POST /api/join */
const open = (query: string, ...answers: object[]) => {
  window.history.replaceState(null, '', `/join${query}`);
  vi.stubGlobal('fetch', async () => {
    const body = answers.shift()!;
    return body instanceof Response ? body : Response.json(body, { status: 'error' in body ? 400 : 200 });
  });
  render(<JoinForm />);
};

it('who is signed in already is told so, and led to the runs', async () => {
  open('', { error: 'no such link', you: 'Ada (admin)' });
  await screen.findByRole('heading', { name: 'You are signed in' });
  screen.getByText(/^This browser is signed in as Ada \(admin\)\./);
  expect(screen.getByRole('link', { name: 'All runs' }).getAttribute('href')).toBe('/');
});

it('who is signed in and could not link an account is told why', async () => {
  const problem = 'cyd@lab.example already signs in Gus; choose another account.';
  open('?to=%2Fteam', { error: 'no such link', you: 'Ada (admin)', provider: 'Lab ID', problem });
  expect((await screen.findByRole('alert')).textContent).toBe(problem);
  expect(screen.queryByRole('link', { name: 'Sign in with Lab ID' })).toBeNull();
});

it('a link that was used up leads to the runs whoever is signed in', async () => {
  open('?invite=x', { error: 'this invite link is not valid any more; ask an admin for a new one', you: 'Ada (admin)' });
  await screen.findByRole('heading', { name: 'This link does not open' });
  screen.getByRole('link', { name: 'All runs' });
});

it('without a link it says where one comes from', async () => {
  open('', { error: 'no such link' });
  await screen.findByText(
    'Open the invite link that you were given, or ask an admin for one. The first admin’s is printed where the server was started.',
  );
  expect(screen.queryByRole('link', { name: 'All runs' })).toBeNull();
});

it('a name that is missing is asked for at its field', async () => {
  open('?invite=x', { role: 'viewer' }, { error: 'name: say who you are', field: 'name' });
  await userEvent.click(await screen.findByRole('button', { name: 'Join' }));
  await screen.findByText('say who you are');
});

it('a proxy’s wrong setting is named as the server names it', async () => {
  open('?invite=x', { role: 'viewer' }, new Response('a page of http://a may not use this server\n', { status: 403 }));
  await userEvent.click(await screen.findByRole('button', { name: 'Join' }));
  expect((await screen.findByRole('alert')).textContent).toBe('a page of http://a may not use this server');
});
