// @vitest-environment jsdom
import { act, cleanup, screen, within } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';

import { afterEach, expect, it, vi } from 'vitest';
import { setCursor } from '~/app/_live/cursor';
import { LateBar } from '~/app/_run/steering/LateBar';
import { SteeringPanel } from '~/app/_run/steering/SteeringPanel';
import { heldCommands } from '~/app/_run/steering/steering';
import type { CommandAnswer } from '~/shared/commands';
import type { RunEvent } from '~/shared/events';
import type { Actor } from '~/shared/ids';
import { mount, people, TestRun } from '~/test/support/component';
import { publishedSetup } from '~/test/support/setups';
import { server } from '~/test/support/stubServer';
import { runStarted, startValues, steps } from '~/test/support/synthetic';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));

afterEach(cleanup);

const user = userEvent.setup();
const learningRate = () => screen.getByLabelText<HTMLInputElement>('Learning rate');

function running(you: Actor | null = people.ada): TestRun {
  const run = new TestRun(you);
  run.log(
    { type: 'run.assigned', attempt: 1, trainer: { id: 't1', name: 'box', host: 'box' }, fromStep: 0, checkpoint: null },
    runStarted(0, startValues(publishedSetup('reverse'))),
    { type: 'status', status: 'running', step: 0, message: '' },
  );
  return run;
}

it('before a trainer has taken the run, it says what it waits for', () => {
  mount(new TestRun(people.ada), <SteeringPanel />);
  screen.getByText('Waiting for a trainer: what can be steered appears when one takes the run.');
});

it('a new value is sent with the one that was seen, once', async () => {
  const run = running();
  mount(run, <SteeringPanel />);
  await user.clear(learningRate());
  await user.type(learningRate(), '0.0004{Enter}');
  expect(run.sent).toEqual([{ kind: 'set', control: 'learningRate', value: 0.0004, expected: 0.0005 }]);
});

it('a double click on Apply asks once', async () => {
  const run = running();
  mount(run, <SteeringPanel />);
  await user.clear(learningRate());
  await user.type(learningRate(), '0.0004');
  await user.dblClick(screen.getByRole('button', { name: /^Apply: / }));
  expect(run.sent).toEqual([{ kind: 'set', control: 'learningRate', value: 0.0004, expected: 0.0005 }]);
});

it('a value that was asked for is settled by its own outcome, whatever others ask for after it, and also when it is not in the view any more', async () => {
  const run = running();
  mount(run, <SteeringPanel />);
  const ask = (id: string, value: number, actor: Actor = people.ada): RunEvent => ({
    type: 'command.requested',
    actor,
    command: { kind: 'set', id, runId: 'run001', control: 'learningRate', value, expected: 0.0005 },
  });
  const applied = (commandId: string, before: number, after: number, seq: number): RunEvent => ({
    type: 'command.applied',
    commandId,
    seq,
    step: 0,
    before,
    after,
    message: '',
  });
  const refused = (commandId: string, seq: number): RunEvent => ({
    type: 'command.refused',
    commandId,
    seq,
    step: 0,
    reason: 'conflict',
    message: 'changed by Ada',
  });
  const log = (...events: RunEvent[]) => act(() => void run.log(...events));
  const next = () => run.get().view!.seq + 1;
  const type = async (text: string) => {
    await user.clear(learningRate());
    await user.type(learningRate(), `${text}{Enter}`);
  };
  run.answer = () => ({ ok: true, seq: next() });
  await type('0.001');
  screen.getByText('asked for 0.001…');
  const asked = next();
  log(ask(run.lastId, 0.001), ask('bobs-rate', 0.002, people.bob));
  log(applied(run.lastId, 0.0005, 0.001, asked), refused('bobs-rate', asked + 1));
  expect(screen.queryByText(/asked for/)).toBeNull();
  expect([learningRate().readOnly, learningRate().value]).toEqual([false, '0.001']);
  screen.getByText('by you, step 0, was 0.0005');

  // One that a second operator approves moves to a later seq.
  await type('0.003');
  const proposed = run.lastId;
  log({ ...ask(proposed, 0.003), type: 'command.proposed' } as RunEvent);
  log({ type: 'proposal.answered', actor: people.bob, commandId: proposed, approved: true }, ask(proposed, 0.003));
  screen.getByText('asked for 0.003…');
  log(applied(proposed, 0.001, 0.003, next() - 1));
  expect([learningRate().readOnly, learningRate().value]).toEqual([false, '0.003']);

  // A burst of others' commands after it, all in one frame.
  await type('0.004');
  const early = run.lastId;
  const burst = Array.from({ length: 40 }, (_, i) => `burst-of-bob-${i}`);
  const from = next();
  log(
    ask(early, 0.004),
    applied(early, 0.003, 0.004, from),
    ...burst.flatMap((id, i) => [ask(id, 1, people.bob), refused(id, from + 2 + 2 * i)]),
  );
  expect(heldCommands(run.get().view!).some((c) => c.command.id === early)).toBe(false);
  expect([learningRate().readOnly, learningRate().value]).toEqual([false, '0.004']);
});

it('until the server answers, a value or an action is said to be asked for, and is not asked for again', async () => {
  const run = running();
  const gate: ((answer: CommandAnswer) => void)[] = [];
  run.answer = () => new Promise((resolve) => gate.push(resolve));
  mount(run, <SteeringPanel />);
  await user.clear(learningRate());
  await user.type(learningRate(), '0.0004{Enter}');
  screen.getByText('asked for 0.0004…');
  await user.type(learningRate(), '{Enter}');
  const evaluate = screen.getByRole('button', { name: /^Evaluate/ });
  await user.click(evaluate);
  expect(evaluate.getAttribute('aria-busy')).toBe('true');
  await user.click(evaluate);
  expect(run.sent.map((c) => (c.kind === 'set' ? c.control : c.action))).toEqual(['learningRate', 'evaluate']);
  await act(async () => gate[0]!({ ok: false, reason: 'conflict', message: 'changed by Bob', field: null }));
  screen.getByText('changed by Bob');
  expect([learningRate().readOnly, learningRate().value]).toEqual([false, '0.0004']);
  await act(async () => gate[1]!({ ok: true, seq: 3 }));
  expect(evaluate.getAttribute('aria-busy')).toBe('false');
  await user.click(evaluate);
  expect(run.sent.length).toBe(3);
});

it('while somebody else holds the control lock, what was typed cannot be applied, nor a proposal approved, except one of the holder', async () => {
  const run = running(people.bob);
  run.log({
    type: 'command.proposed',
    actor: people.ada,
    command: { kind: 'set', id: 'rate-of-ada', runId: 'run001', control: 'learningRate', value: 0.001 },
  });
  mount(run, <SteeringPanel />);
  await user.clear(learningRate());
  await user.type(learningRate(), '0.0004');
  const button = (name: string) => screen.getByRole<HTMLButtonElement>('button', { name: new RegExp(`^${name}: `) });
  const disabled = () => ['Apply', 'Approve', 'Decline'].map((name) => button(name).disabled);
  const lockedBy = (holder: Actor) => act(() => void run.log({ type: 'control.locked', actor: holder, holder, until: null }));
  expect(disabled()).toEqual([false, false, false]);
  lockedBy({ id: 'cleo', name: 'Cleo', role: 'admin' });
  expect(disabled()).toEqual([true, true, false]);
  expect([button('Apply').title, button('Approve').title]).toEqual(Array(2).fill('Cleo holds the control lock'));
  lockedBy(people.ada);
  expect(disabled()).toEqual([true, false, false]);
});

it('a value out of its range is refused beside the field, and nothing is sent', async () => {
  const run = running();
  mount(run, <SteeringPanel />);
  await user.clear(learningRate());
  await user.type(learningRate(), '-1{Enter}');
  screen.getByText('Learning rate: "-1" does not fit; give a number > 0');
  expect(learningRate().getAttribute('aria-invalid')).toBe('true');
  expect(run.sent).toEqual([]);
});

it('a double click on an action asks for it once; only steps are counted by clicks', async () => {
  const run = new TestRun(people.ada);
  const action = (name: 'checkpoint' | 'step') => ({ name, label: name, help: '', args: [], risky: false, role: name });
  run.log(
    { type: 'run.assigned', attempt: 1, trainer: { id: 't1', name: 'box', host: 'box' }, fromStep: 0, checkpoint: null },
    {
      type: 'started',
      step: 0,
      device: { device: '' },
      values: {},
      controls: { values: [], actions: [action('checkpoint'), action('step')] },
    },
    { type: 'status', status: 'paused', step: 0, message: '' },
  );
  mount(run, <SteeringPanel />);
  const names = () => run.sent.map((c) => c.kind === 'act' && c.action);
  await user.dblClick(screen.getByRole('button', { name: 'checkpoint' }));
  expect(names()).toEqual(['checkpoint']);
  await user.dblClick(screen.getByRole('button', { name: 'step' }));
  expect(names()).toEqual(['checkpoint', 'step', 'step']);
});

it('shows the value that was in force at a step, but not of one that the run does not have', () => {
  const run = running();
  const start = startValues(publishedSetup('reverse'));
  const asked = run.log(steps(0, 8, start), {
    type: 'command.requested',
    actor: people.bob,
    command: { kind: 'set', id: 'rate-of-bob', runId: 'run001', control: 'learningRate', value: 0.002, expected: 0.0005 },
  });
  run.log({ type: 'command.applied', commandId: 'rate-of-bob', seq: asked, step: 8, before: 0.0005, after: 0.002, message: '' });
  mount(run, <SteeringPanel />);
  act(() => setCursor.pin(3));
  expect(screen.getByText(/^as of step 3:/).textContent).toBe('as of step 3: 0.0005');
  act(() => setCursor.pin(-3));
  expect(screen.queryByText(/as of step/)).toBeNull();
  act(() => setCursor.reset());
});

it('Escape brings the value in force back', async () => {
  const run = running();
  mount(run, <SteeringPanel />);
  await user.clear(learningRate());
  await user.type(learningRate(), '7{Escape}');
  expect(learningRate().value).toBe('0.0005');
  expect(run.sent).toEqual([]);
});

it('somebody who only watches sees the values, why they cannot be changed, and no way to change them', () => {
  mount(running(people.vic), <SteeringPanel />);
  expect(screen.getByTestId('read-only').textContent).toBe('Vic (viewer) may watch but not steer');
  expect(learningRate().disabled).toBe(true);
  for (const button of screen.getAllByRole<HTMLButtonElement>('button', { name: /^(Stop|Snapshot|Checkpoint)$/ }))
    expect(button.disabled).toBe(true);
});

it('the control lock is taken, and another operator may only ask for it', async () => {
  const run = running();
  server.answers.set('runs.controlLock', () => ({ ok: true }));
  mount(run, <SteeringPanel />);
  const lock = within(screen.getByTestId('control-lock'));
  await user.click(lock.getByRole('button', { name: 'Take it' }));
  expect(server.asked).toEqual([
    { path: 'runs.controlLock', input: { runId: 'run001', request: { kind: 'take', forMs: 900_000 } } },
  ]);
  act(() => void run.log({ type: 'control.locked', actor: people.bob, holder: people.bob, until: null }));
  const says = () => screen.getByTestId('control-lock').textContent;
  const awayToo = 'Bob holds the control lock, and does not have this run open';
  expect(says()).toMatch(new RegExp(`^${awayToo}`));
  const bob = { actor: people.bob, tabs: 1 };
  act(() => run.set({ watchers: { listed: [bob], people: 1, tabs: 1 } }));
  expect(says()).toMatch(/^Bob holds the control lock(?!, and)/);
  // Of hundreds of people not all are listed.
  act(() => run.set({ watchers: { listed: [{ ...bob, actor: people.vic }], people: 200, tabs: 200 } }));
  expect(says()).toMatch(/^Bob holds the control lock(?!, and)/);
  expect(lock.queryByRole('button', { name: 'Take it' })).toBeNull();
  await user.click(lock.getByRole('button', { name: 'Ask for it' }));
  act(() => void run.log({ type: 'control.requested', actor: people.ada }));
  expect(lock.getByRole<HTMLButtonElement>('button', { name: 'You asked for it' }).disabled).toBe(true);
});

it('whoever asked for the control lock is handed it for as long as it is taken, or refused it', async () => {
  const run = running();
  server.answers.set('runs.controlLock', () => ({ ok: true }));
  mount(run, <SteeringPanel />);
  act(() => void run.log({ type: 'control.locked', actor: people.ada, holder: people.ada, until: null }));
  act(() => void run.log({ type: 'control.requested', actor: people.bob }));
  await user.click(screen.getByRole('button', { name: 'Hand over: Bob' }));
  const request = { kind: 'handOver', to: people.bob, forMs: 900_000 };
  await user.click(screen.getByRole('button', { name: 'Decline: Bob' }));
  expect(server.asked.map(({ input }) => input)).toEqual([
    { runId: 'run001', request },
    { runId: 'run001', request: { kind: 'refuse', askerId: people.bob.id } },
  ]);
  act(() => void run.log({ type: 'control.refused', actor: people.ada, asker: people.bob }));
  expect(screen.queryByText('Bob asks for the control lock')).toBeNull();
});

it('a command without a connection waits, and is sent late only when the person says so again', async () => {
  const run = running();
  mount(
    run,
    <>
      <LateBar />
      <SteeringPanel />
    </>,
  );
  act(() => run.set({ link: 'reconnecting' }));
  await user.clear(learningRate());
  await user.type(learningRate(), '0.0004{Enter}');
  const waiting = await screen.findByRole('list', { name: 'Waiting for the server' });
  expect(waiting.textContent).toContain('Waiting for the server: ');
  expect(run.sent).toEqual([]);
  act(() => run.set({ link: 'live' }));
  expect(run.sent).toEqual([]);
  await user.click(within(waiting).getByRole('button', { name: 'Apply now' }));
  expect(run.sent).toEqual([{ kind: 'set', control: 'learningRate', value: 0.0004, expected: 0.0005 }]);
  expect(screen.queryByRole('list', { name: 'Waiting for the server' })).toBeNull();
});

it('whoever was signed out is told so, and what was typed waits for no server', async () => {
  const run = running();
  mount(run, <SteeringPanel />);
  await user.clear(learningRate());
  await user.type(learningRate(), '0.0004');
  screen.getByText('Nobody holds the control lock');
  act(() => run.set({ link: 'refused', error: 'You were signed out.' }));
  // Who holds it now is not known here.
  expect(screen.queryByTestId('control-lock')).toBeNull();
  expect(learningRate().disabled).toBe(true);
  const evaluate = screen.getByRole<HTMLButtonElement>('button', { name: 'Evaluate' });
  expect([evaluate.disabled, evaluate.title]).toEqual([true, 'You were signed out.']);
  expect(run.sent).toEqual([]);
});
