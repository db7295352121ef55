// @vitest-environment jsdom
import { act, cleanup, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, it, vi } from 'vitest';
import { setCursor } from '~/app/_live/cursor';
import { ShareMenu } from '~/app/_run/shell/ShareMenu';
import type { RunEvent } from '~/shared/events';
import { mount, people, TestRun } from '~/test/support/component';
import { publishedSetup } from '~/test/support/setups';
import { server } from '~/test/support/stubServer';
import { runStarted, snapshot, startValues, steps } from '~/test/support/synthetic';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
afterEach(() => {
  cleanup();
  setCursor.reset();
});

it('the snapshot that it offers to save is the one that the panels show: the nearest', async () => {
  const setup = publishedSetup('reverse');
  const values = startValues(setup);
  const run = new TestRun(people.ada);
  const formats = [{ format: 'npy', title: 'NPY', what: 'attention', of: 'snapshot' }];
  server.answers.set('system.info', () => ({ exports: formats, you: people.ada }));
  mount(run, <ShareMenu />);
  act(() => {
    run.log(runStarted(0, values) as RunEvent, steps(0, 400, values) as RunEvent);
    for (const step of [280, 300]) run.log(snapshot(step, setup, 'cadence', null).event as RunEvent);
    setCursor.pin(291);
  });
  await userEvent.click(screen.getByRole('button', { name: 'Share' }));
  await screen.findByRole('button', { name: 'NPY attention of step 300' });
  act(() => setCursor.pin(290));
  await screen.findByRole('button', { name: 'NPY attention of step 280' });
});
