// @vitest-environment jsdom
/** The list of what happened to a run: what each filter keeps, where a line leads, and who may take a change back. */
import { act, cleanup, screen, within } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { setCursor } from '~/app/_live/cursor';
import { ActivityPanel } from '~/app/_run/activity/ActivityPanel';
import type { RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { mount, people, TestRun } from '~/test/support/component';
import { publishedSetup } from '~/test/support/setups';
import { server } from '~/test/support/stubServer';
import { runStarted, startValues, steps } from '~/test/support/synthetic';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));

const values = startValues(publishedSetup('reverse'));
const user = userEvent.setup();
const lines = () =>
  within(screen.getByRole('list', { name: 'Activity, newest first' }))
    .getAllByRole('listitem')
    .map((line) => line.querySelector('p > span')!.textContent);
const pick = (name: string, option: string) => user.selectOptions(screen.getByRole('combobox', { name }), option);

/** Sets the clip value as `actor`; applied at step 3. */
const clipped = (actor: Actor, seq: number, value: number, before: number): RunEvent[] => [
  {
    type: 'command.requested',
    actor,
    command: { kind: 'set', id: `clip-of-${actor.id}`, runId: 'run001', control: 'clipThreshold', value, expected: before },
  },
  { type: 'command.applied', commandId: `clip-of-${actor.id}`, seq, step: 3, before, after: value, message: '' },
];

/** Ada and then Bob change the clip value; a loss is not finite. */
function steered(you: Actor): TestRun {
  const run = new TestRun(you);
  const start = values.clipThreshold as number;
  const seq = run.log(
    { type: 'run.assigned', attempt: 1, trainer: { id: 't1', name: 'box', host: 'box' }, fromStep: 0, checkpoint: null },
    runStarted(0, values),
    { type: 'status', status: 'running', step: 0, message: '' },
    steps(0, 5, values),
  );
  run.log(...clipped(people.ada, seq + 1, 2, start), ...clipped(people.bob, seq + 3, 3, 2));
  run.log({ type: 'alert', step: 4, level: 'error', kind: 'not-finite', message: 'loss is NaN' });
  return run;
}

beforeEach(() => {
  localStorage.clear();
  server.answers.clear();
});
afterEach(() => {
  cleanup();
  setCursor.reset();
});

it('lists everything, newest first; a filter keeps its kind, a person what that person did, and says when nothing is left', async () => {
  mount(steered(people.ada), <ActivityPanel />);
  const whole = lines();
  const commands = whole.filter((line) => line?.startsWith('Clip'));
  expect(commands).toHaveLength(2);
  await pick('Which activity', 'commands');
  expect(lines()).toEqual(commands);
  await pick('Whose activity', 'Bob');
  expect(lines()).toEqual(commands.slice(0, 1));
  await pick('Which activity', 'notes');
  expect(screen.getByText('Nothing of this kind.')).toBeTruthy();
  await pick('Whose activity', 'everybody');
  await pick('Which activity', 'alerts');
  expect(lines()[0]).toMatch(/not-finite|NaN|not finite/i);
  await pick('Which activity', 'everything');
  expect(lines()).toEqual(whole);
});

it('the step of a line pins every panel to it', async () => {
  mount(steered(people.ada), <ActivityPanel />);
  await user.click(screen.getAllByRole('button', { name: 'Go to step 3' })[0]!);
  expect(setCursor.get()).toMatchObject({ mode: 'pinned', step: 3 });
});

it('a change is taken back by who may steer; who may only watch sees why not', async () => {
  const run = steered(people.ada);
  mount(run, <ActivityPanel />);
  await user.click(screen.getAllByRole('button', { name: /^Undo: Clip/ })[0]!);
  expect(run.sent).toMatchObject([{ kind: 'set', control: 'clipThreshold', value: 2, expected: 3 }]);
  cleanup();
  mount(steered(people.vic), <ActivityPanel />);
  const undo = screen.getAllByRole<HTMLButtonElement>('button', { name: /^Undo: Clip/ });
  expect(undo.every((button) => button.disabled)).toBe(true);
  expect(undo[0]!.title).not.toBe('Take this change back');
});

it('says as of which step it is, but not of one that the run does not have', () => {
  mount(steered(people.ada), <ActivityPanel />);
  act(() => setCursor.pin(4));
  screen.getByText('as of step 4; later is gray');
  act(() => setCursor.pin(999_999));
  expect(screen.queryByText(/as of step/)).toBeNull();
});
