// @vitest-environment jsdom
import { cleanup, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { choices } from '~/app/_live/remembered';
import { keepViews, viewsIn } from '~/app/_runs/savedViews';
import { defaultView } from '~/app/_runs/tableQuery';
import { Views } from '~/app/_runs/Views';
import { mount, people, TestRun } from '~/test/support/component';
import { server } from '~/test/support/stubServer';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));

afterEach(() => {
  cleanup();
  localStorage.clear();
});

it('a second view of the same name says that it replaces the first, and does', async () => {
  server.answers.set('runs.catalog', () => ({ projects: [] }));
  mount(new TestRun(people.ada), <Views view={{ ...defaultView, search: 'old' }} onView={() => {}} />);
  const name = () => screen.getByRole('textbox', { name: 'Name of the view' });
  await userEvent.type(name(), 'mine');
  await userEvent.click(screen.getByRole('button', { name: 'Save' }));
  cleanup();
  mount(new TestRun(people.ada), <Views view={{ ...defaultView, search: 'new' }} onView={() => {}} />);
  await userEvent.type(name(), ' mine ');
  await userEvent.click(screen.getByRole('button', { name: 'Replace' }));
  expect(viewsIn(choices.read('views'))).toEqual([{ name: 'mine', params: 'find=new' }]);
});

it('a view is renamed at its place, with the error at the field where the name is empty or taken; its first name is free then', async () => {
  server.answers.set('runs.catalog', () => ({ projects: [] }));
  keepViews(['a', 'b', 'c'].map((name) => ({ name, params: `find=${name}` })));
  mount(new TestRun(people.ada), <Views view={{ ...defaultView, search: 'new' }} onView={() => {}} />);
  const field = () => screen.getByRole('textbox', { name: 'New name' });
  const answer = async (name: string) => {
    await userEvent.clear(field());
    await userEvent.type(field(), `${name}{Enter}`);
    return screen.queryByRole('textbox', { name: 'New name' })?.getAttribute('aria-describedby') && field().parentElement;
  };
  const rename = (name: string) => userEvent.click(screen.getByRole('button', { name: `Rename the view ${name}` }));
  await rename('b');
  await userEvent.keyboard('x{Escape}');
  await rename('b');
  expect(field()).toHaveProperty('value', 'b');
  expect(within((await answer('  ')) as HTMLElement).getByText('New name: give the view a name')).toBeTruthy();
  expect(within((await answer(' c ')) as HTMLElement).getByText('New name: another view is called "c"')).toBeTruthy();
  expect(field().getAttribute('aria-invalid')).toBe('true');
  expect(await answer(' d ')).toBeFalsy();
  await userEvent.type(screen.getByRole('textbox', { name: 'Name of the view' }), 'b{Enter}');
  expect(viewsIn(choices.read('views'))).toEqual([
    { name: 'a', params: 'find=a' },
    { name: 'd', params: 'find=b', id: 'b' },
    { name: 'c', params: 'find=c' },
    { name: 'b', params: 'find=new', id: expect.any(String) },
  ]);
});
