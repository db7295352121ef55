// @vitest-environment jsdom
import { cleanup, screen } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { tilesIn } from '~/app/_live/tiles';
import { workspace } from '~/app/_live/workspace';
import { CurvesPanel } from '~/app/_run/curves/CurvesPanel';
import { SamplesPanel } from '~/app/_run/samples/SamplesPanel';
import type { RunEvent } from '~/shared/events';
import { mount, people, TestRun } from '~/test/support/component';
import { publishedSetup } from '~/test/support/setups';
import { server } from '~/test/support/stubServer';
import { runStarted, startValues } from '~/test/support/synthetic';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
afterEach(cleanup);
// jsdom has none.
vi.stubGlobal('matchMedia', () => Object.assign(new EventTarget(), { matches: false }));

it('of a run that logged samples and no number, the curves lead to the samples, which are the newest', async () => {
  const run = new TestRun(people.ada);
  const started = runStarted(0, startValues(publishedSetup('reverse'))) as Extract<RunEvent, { type: 'started' }>;
  run.log(
    { type: 'run.assigned', attempt: 1, trainer: { id: 't1', name: 'box', host: 'box' }, fromStep: 0, checkpoint: null },
    { ...started, streams: [] },
  );
  server.answers.set('runs.range', () => ({ headStep: 0, series: [] }));
  mount(run, <CurvesPanel />);
  screen.getByText('No number has been logged.');
  expect(screen.queryByRole('button', { name: 'Show its samples' })).toBeNull();
  cleanup();
  run.log({ type: 'media', kind: 'text', step: 2, name: 'sample', text: 'Once upon a time' });
  mount(run, <CurvesPanel />);
  await userEvent.click(screen.getByRole('button', { name: 'Show its samples' }));
  expect(tilesIn(workspace.get().center).map((tile) => tile.open)).toContain('samples');
  cleanup();
  // The run has no step 2, as it logged no row.
  server.answers.set('runs.samples', () => []);
  mount(run, <SamplesPanel />);
  screen.getByText('the newest');
});
