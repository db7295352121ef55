// @vitest-environment jsdom
import { fireEvent, screen, within } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { People } from '~/app/_run/shell/People';
import { mount, people, TestRun } from '~/test/support/component';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));

it('of a crowd the first people are named, and the others counted', async () => {
  const run = new TestRun(people.ada);
  const listed = [people.ada, people.bob].map((actor) => ({ actor, tabs: 1 }));
  run.set({ watchers: { listed, people: 1_302, tabs: 1_400 } });
  mount(run, <People />);
  const button = screen.getByRole('button');
  expect(button.textContent).toContain('1,400');
  expect(button.textContent).toContain('watching: Ada (you), Bob, 1,300 more');
  fireEvent.click(button);
  const lines = within((await screen.findAllByRole('list'))[0]!).getAllByRole('listitem');
  expect(lines.map((line) => line.textContent)).toEqual(['AAda (you)operator', 'BBoboperator', 'and 1,300 more']);
});
