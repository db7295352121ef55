// @vitest-environment jsdom
import { cleanup, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { choices } from '~/app/_live/remembered';
import { viewsIn } from '~/app/_runs/savedViews';
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
