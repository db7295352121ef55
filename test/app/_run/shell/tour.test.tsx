// @vitest-environment jsdom
import { act, cleanup, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { kept } from '~/app/_live/kept';
import { choices } from '~/app/_live/remembered';
import { tilesIn } from '~/app/_live/tiles';
import { arranged, fromWorkspaceParams, reveal, workspace } from '~/app/_live/workspace';
import { Tour } from '~/app/_run/shell/Tour';
import { mount, people, TestRun } from '~/test/support/component';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));

const open = () => [...tilesIn(workspace.get().center).map((tile) => tile.open), workspace.get().side];
const press = (name: string) => userEvent.click(screen.getByRole('button', { name }));
/** A run that has begun, and a person whose choices are known. */
async function begin() {
  const run = new TestRun(people.ada);
  run.set({ view: { ...run.get().view!, step: 1 } });
  mount(run, <Tour />);
  const stop = choices.connect({ read: async () => ({ person: 'ada', values: {} }), write: async () => {} }, () => () => {});
  await vi.waitFor(() => expect(choices.get().settled).toBe(true));
  return stop;
}

beforeEach(() => {
  vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener() {}, removeEventListener() {} }));
  workspace.set(arranged('steer'));
});
afterEach(() => {
  cleanup();
  localStorage.clear();
});

it('shows what each of its steps speaks of, also after Back, in any layout and with the side closed', async () => {
  workspace.set({ side: null });
  const stop = await begin();
  await screen.findByText(/^Every step is drawn here/);
  await press('Next');
  await press('Next');
  screen.getByText(/^Change a value, evaluate or pause here/);
  expect(open()).toEqual(['curves', 'steer']);
  await press('Next');
  screen.getByText(/^Attention shows what each head looks at/);
  expect(open()).toEqual(['attention', 'steer']);
  for (let i = 0; i < 3; i++) await press('Back');
  screen.getByText(/^Every step is drawn here/);
  expect(open()).toEqual(['curves', 'steer']);
  stop();
});

it('waits until the curves are on the page: a link to another panel stays as it is', async () => {
  reveal('attention', 'center');
  const stop = await begin();
  expect(screen.queryByRole('region', { name: 'Tour' })).toBeNull();
  act(() => reveal('curves', 'center'));
  await screen.findByRole('region', { name: 'Tour' });
  stop();
});

it('is not left standing by the address: curves that were shown before it was read do not count', async () => {
  const stop = await begin();
  await screen.findByRole('region', { name: 'Tour' });
  act(() => workspace.set(fromWorkspaceParams(new URLSearchParams('tabs=attention'))));
  expect(screen.queryByRole('region', { name: 'Tour' })).toBeNull();
  stop();
});

it('ends here when it is dismissed in another tab', async () => {
  const stop = await begin();
  await screen.findByRole('region', { name: 'Tour' });
  kept.set('headroom.ada.tour', 'seen');
  act(() => choices.look(false));
  expect(screen.queryByRole('region', { name: 'Tour' })).toBeNull();
  stop();
});
