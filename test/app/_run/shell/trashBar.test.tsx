// @vitest-environment jsdom
import { act, cleanup, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { TrashBar } from '~/app/_run/shell/TrashBar';
import { mount, people, TestRun } from '~/test/support/component';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
afterEach(cleanup);

it('the page of a run in the trash says so, until it is taken out, or is gone', () => {
  const run = new TestRun(people.ada);
  mount(run, <TrashBar />);
  expect(screen.queryByRole('status')).toBe(null);
  act(() => void run.log({ type: 'run.labelled', actor: people.ada, trashed: true }));
  expect(screen.getByRole('status').textContent).toBe(
    'This run is in the trash, and will be deleted for good. An admin can take it out: list of runs, Trash.',
  );
  act(() => void run.log({ type: 'run.labelled', actor: people.ada, trashed: false }));
  expect(screen.queryByRole('status')).toBe(null);
  act(() => void run.log({ type: 'run.labelled', actor: people.ada, trashed: true }));
  screen.getByRole('status');
  act(() => run.set({ link: 'refused', error: 'there is no run run001' }));
  expect(screen.queryByRole('status')).toBe(null);
});
