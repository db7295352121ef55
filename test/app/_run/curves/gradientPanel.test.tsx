// @vitest-environment jsdom
/** Gradients of a run with more parameters than a view holds: none is left out in silence. */
import { cleanup, screen, waitFor } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { GradientPanel } from '~/app/_run/curves/GradientPanel';
import type { RunEvent } from '~/shared/events';
import { mount, people, TestRun } from '~/test/support/component';
import { publishedSetup } from '~/test/support/setups';
import { server } from '~/test/support/stubServer';
import { runStarted, startValues } from '~/test/support/synthetic';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
vi.mock('~/app/_charts/HeatMap', () => ({
  HeatMap: ({ rows }: { rows: { name: string }[] }) => <output>{rows.map((r) => r.name).at(-1)}</output>,
}));

afterEach(cleanup);

it('says how many are shown, and reads the others when asked', async () => {
  const columns = Array.from({ length: 387 }, (_, i) => ({
    name: `gradNorm/layer.${i}.weight`,
    role: 'gradNormOf' as const,
    of: `layer.${i}.weight`,
  }));
  const run = new TestRun(people.ada);
  const started = runStarted(0, startValues(publishedSetup('reverse'))) as Extract<RunEvent, { type: 'started' }>;
  run.log(
    { type: 'run.assigned', attempt: 1, trainer: { id: 't1', name: 'box', host: 'box' }, fromStep: 0, checkpoint: null },
    { ...started, streams: [{ stream: 'steps', columns }] },
  );
  const held = run.get().view!.streams.flatMap((s) => s.columns).length;
  expect(held).toBeLessThan(387);
  server.answers.set('runs.series', () => ({
    total: 387,
    series: columns.map((c, index) => ({ ...c, stream: 'steps', index, latest: null })),
  }));
  server.answers.set('runs.range', () => ({ headStep: 0, series: [] }));
  mount(run, <GradientPanel />);
  screen.getByText(`${held} parameters are shown. The run has ${387 - held} more series than the page holds.`);
  await userEvent.click(screen.getByRole('button', { name: 'Show them' }));
  await waitFor(() => expect(screen.getByRole('status').textContent).toBe('gradNorm/layer.386.weight'));
  expect(screen.queryByText(/more series than the page holds/)).toBeNull();
});
