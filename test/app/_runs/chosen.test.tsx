// @vitest-environment jsdom
import { cleanup, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { Toasts } from '~/app/_components/Toasts';
import { Chosen } from '~/app/_runs/Chosen';
import { asNow } from '~/app/_runs/chosenRuns';
import type { RunSummary } from '~/shared/summary';
import { mount, people, TestRun } from '~/test/support/component';
import { server } from '~/test/support/stubServer';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
afterEach(cleanup);

const run = (runId: string, more: object = {}) =>
  ({
    runId,
    name: runId.toUpperCase(),
    tags: [],
    status: 'finished',
    archived: false,
    trashed: false,
    ...more,
  }) as unknown as RunSummary;

it('of several runs those that stayed as they were, because they had changed meanwhile, stay chosen', async () => {
  server.answers.set('runs.label', (input) => {
    const { runId } = input as { runId: string };
    return runId === 'b'
      ? { ok: false, reason: 'state', message: 'the run has not ended: stop it first', field: null }
      : { ok: true, seq: 9 };
  });
  const done: string[][] = [];
  const runs = [run('a'), run('b'), run('c')];
  const props = { runs, you: people.ada, columns: [], onClear: () => {}, onChanged: () => {} };
  mount(new TestRun(people.ada), <Chosen {...props} onDone={(all) => done.push(all.map((r) => r.runId))} />);
  await userEvent.click(screen.getByRole('button', { name: 'Archive' }));
  await waitFor(() => expect(done).toEqual([['a', 'c']]));
});

it('many runs are changed fifty at a time, which is one request, and the page says how far it is; taking it back, too', async () => {
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  server.asked.length = 0;
  server.answers.set('runs.label', () => gate.then(() => ({ ok: true, seq: 9 })));
  const runs = Array.from({ length: 60 }, (_, i) => run(`r${i}`));
  const done: number[] = [];
  const props = { runs, you: people.ada, columns: [], onClear: () => {}, onChanged: () => {} };
  const chosen = <Chosen {...props} onDone={(all) => done.push(all.length)} />;
  mount(
    new TestRun(people.ada),
    <>
      {chosen}
      <Toasts />
    </>,
  );
  await userEvent.click(screen.getByRole('button', { name: 'Archive' }));
  await screen.findByText('0 of 60 runs: archived');
  const labelled = () => server.asked.filter((a) => a.path === 'runs.label').length;
  await waitFor(() => expect(labelled()).toBe(50));
  open();
  await waitFor(() => expect(done).toEqual([60]));
  expect(labelled()).toBe(60);
  fireEvent.click(await screen.findByRole('button', { name: /^Undo ?: 60 runs: archived$/ }));
  await screen.findByText('60 runs: as before');
  await waitFor(() => expect(screen.queryAllByText(/^\d+ of 60 runs/)).toEqual([]));
  expect(labelled()).toBe(120);
});

it('those of the chosen runs that have not ended are stopped, after a question; who only watches is not offered it', async () => {
  server.answers.set('runs.command', (input) =>
    (input as { runId: string }).runId === 'b'
      ? { ok: false, reason: 'forbidden', message: 'Bob holds the control lock', field: null }
      : { ok: true, seq: 9 },
  );
  const done: string[][] = [];
  const runs = [run('a'), run('b', { status: 'running' }), run('c', { status: 'queued' })];
  const props = { runs, columns: [], onClear: () => {}, onChanged: () => {} };
  const chosen = (you: (typeof people)['ada' | 'vic']) => (
    <Chosen {...props} you={you} onDone={(all) => done.push(all.map((r) => r.runId))} />
  );
  mount(new TestRun(people.ada), chosen(people.ada));
  await userEvent.click(screen.getByRole('button', { name: 'Stop the 2 that go on…' }));
  const question = within(await screen.findByRole('alertdialog', { name: 'Stop 2 runs?' }));
  const stops = () => server.asked.filter((a) => a.path === 'runs.command').map((a) => a.input);
  expect(stops()).toEqual([]);
  await userEvent.click(question.getByRole('button', { name: 'Stop' }));
  await waitFor(() => expect(done).toEqual([['c']]));
  const stop = { kind: 'act', id: expect.any(String), action: 'stop', args: {} };
  expect(stops()).toEqual(['b', 'c'].map((runId) => ({ ...stop, runId })));
  cleanup();
  mount(new TestRun(people.vic), chosen(people.vic as never));
  expect(screen.queryByRole('button', { name: /^Stop/ })).toBeNull();
});

it('chosen runs are as they are now, and one that is gone is not chosen any more', () => {
  const chosen = new Map(['a', 'b', 'c'].map((id) => [id, run(id, { status: 'running' })]));
  expect(asNow(chosen, [run('other')])).toBe(chosen);
  const now = asNow(chosen, [run('a'), run('b', { gone: true }), run('other')]);
  expect([...now.values()].map((r) => [r.runId, r.status])).toEqual([
    ['a', 'finished'],
    ['c', 'running'],
  ]);
});
