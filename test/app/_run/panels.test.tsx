// @vitest-environment jsdom
/** Parts of the run page in every state that a log can bring them to. */
import { act, cleanup, screen, waitFor, within } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { setCursor } from '~/app/_live/cursor';
import { EvaluationsPanel } from '~/app/_run/activity/EvaluationsPanel';
import { CurvesPanel } from '~/app/_run/curves/CurvesPanel';
import { NotesPanel } from '~/app/_run/notes/NotesPanel';
import { AlarmBar } from '~/app/_run/shell/AlarmBar';
import { panelOf } from '~/app/_run/shell/panels';
import { Waits } from '~/app/_run/shell/Waits';
import { Proposals } from '~/app/_run/steering/Proposals';
import type { Evaluation, TrainerEvent } from '~/shared/events';
import { mount, people, TestRun } from '~/test/support/component';
import { publishedSetup } from '~/test/support/setups';
import { server } from '~/test/support/stubServer';
import { blobOf, refOf, runStarted, startValues, steps } from '~/test/support/synthetic';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));

const values = startValues(publishedSetup('reverse'));
const user = userEvent.setup();

beforeEach(() => {
  localStorage.clear();
  server.answers.clear();
});
afterEach(() => {
  cleanup();
  setCursor.reset();
});

function running(you: TestRun['get'] extends () => { you: infer Y } ? Y : never): TestRun {
  const run = new TestRun(you);
  run.log(
    { type: 'run.assigned', attempt: 1, trainer: { id: 't1', name: 'box', host: 'box' }, fromStep: 0, checkpoint: null },
    runStarted(0, values),
    { type: 'status', status: 'running', step: 0, message: '' },
  );
  return run;
}

const evaluated = (step: number, loss: number, more: Partial<Evaluation> = {}): Evaluation => ({
  type: 'evaluation',
  step,
  split: 'validation',
  metrics: [{ name: 'loss', value: loss, role: 'loss', better: 'lower', main: true }],
  trigger: 'cadence',
  commandId: null,
  ...more,
});
const saved = (step: number): TrainerEvent => ({
  type: 'checkpoint',
  step,
  blob: refOf(blobOf(Uint8Array.of(step))),
  trigger: 'cadence',
  commandId: null,
  lastCommandSeq: 0,
});

describe('evaluations', () => {
  const cells = () =>
    within(screen.getByTestId('evaluations'))
      .getAllByRole('row')
      .slice(1)
      .map((row) => [...row.children].map((cell) => cell.textContent));

  it('none yet, or none at all', () => {
    const run = running(people.ada);
    mount(run, <EvaluationsPanel />);
    screen.getByText('No evaluation yet.');
    act(() => void run.log({ type: 'status', status: 'stopped', step: 0, message: '' }));
    screen.getByText('The run ended without an evaluation.');
  });

  it('stand newest first as they come; NaN is shown as such; the best of a set is marked', () => {
    const run = running(people.ada);
    mount(run, <EvaluationsPanel />);
    act(() => void run.log(steps(0, 30, values), evaluated(10, 2), evaluated(20, 0.5), evaluated(30, Number.NaN)));
    expect(cells()).toEqual([
      ['validation', '30', 'NaN'],
      ['validation', '20', '0.5'],
      ['validation', '10', '2'],
    ]);
    expect([...document.querySelectorAll('td.text-good')].map((cell) => cell.textContent)).toEqual(['0.5']);
  });

  it('a result of other parameters than its step has says so', () => {
    const run = running(people.ada);
    run.log(steps(0, 30, values), evaluated(30, 0.5, { split: 'test', parametersStep: 20 }));
    mount(run, <EvaluationsPanel />);
    screen.getByTitle('of the parameters at step 20');
  });
});

describe('the alarm', () => {
  it('offers the last checkpoint before its step, for those who may; its note hides it for this browser alone', async () => {
    const run = running(people.ada);
    mount(run, <AlarmBar />);
    expect(screen.queryByRole('alert')).toBeNull();
    act(
      () =>
        void run.log(steps(0, 10, values), saved(10), steps(10, 10, values), saved(20), steps(20, 10, values), {
          type: 'alert',
          step: 15,
          level: 'error',
          kind: 'not-finite',
          message: 'loss is NaN at step 15',
        }),
    );
    const alarm = screen.getByRole('alert');
    expect(alarm.textContent).toContain('NaN or infinity loss is NaN at step 15');
    within(alarm).getByRole('button', { name: 'Branch from 10' });
    within(alarm).getByRole('button', { name: 'Revert to 10' });
    await user.click(within(alarm).getByRole('button', { name: 'Take note of the alarm' }));
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('shows somebody who only watches what happened, and no way back', () => {
    const run = running(people.vic);
    run.log(steps(0, 10, values), saved(10), steps(10, 10, values), {
      type: 'alert',
      step: 15,
      level: 'error',
      kind: 'not-finite',
      message: 'loss is NaN at step 15',
    });
    mount(run, <AlarmBar />);
    expect(
      within(screen.getByRole('alert'))
        .getAllByRole('button')
        .map((b) => b.textContent),
    ).toEqual(['Show step 15', 'What happened', '']);
  });

  it('says why the run failed, with its traceback, until it goes on', () => {
    const run = running(people.ada);
    mount(run, <AlarmBar />);
    act(
      () =>
        void run.log(steps(0, 5, values), {
          type: 'status',
          status: 'failed',
          step: 5,
          message: 'CUDA out of memory',
          traceback: 'Traceback: line 7',
        }),
    );
    expect(screen.getByRole('alert').textContent).toContain('The run failed: CUDA out of memory');
    screen.getByRole('button', { name: 'Traceback' });
    act(() => void run.log({ type: 'status', status: 'running', step: 5, message: '' }));
    expect(screen.queryByRole('alert')).toBeNull();
  });
});

describe('a command that needs a second operator', () => {
  const proposed = {
    type: 'command.proposed',
    actor: people.bob,
    command: { kind: 'set', id: 'c1', runId: 'run001', control: 'learningRate', value: 0.1, expected: 0.0005 },
  } as const;

  it('is taken back by who asked, who cannot approve it', async () => {
    const run = running(people.bob);
    run.log(proposed);
    server.answers.set('runs.answerProposal', () => ({ ok: true }));
    mount(run, <Proposals />);
    expect(screen.getByRole('listitem').textContent).toBe(
      'You ask for Learning rate → 0.1waits for a second operatorTake it back',
    );
    await user.click(screen.getByRole('button', { name: /^Take it back: / }));
    expect(server.asked).toEqual([{ path: 'runs.answerProposal', input: { runId: 'run001', commandId: 'c1', approved: false } }]);
  });

  it('is answered by another one, once', async () => {
    const run = running(people.ada);
    run.log(proposed);
    server.answers.set('runs.answerProposal', () => ({ ok: true }));
    mount(run, <Proposals />);
    expect(screen.getByRole('listitem').textContent).toContain('Bob asks for Learning rate → 0.1');
    await user.click(screen.getByRole('button', { name: /^Approve: / }));
    expect(server.asked).toEqual([{ path: 'runs.answerProposal', input: { runId: 'run001', commandId: 'c1', approved: true } }]);
    act(
      () =>
        void run.log(
          { type: 'proposal.answered', actor: people.ada, commandId: 'c1', approved: true },
          { ...proposed, type: 'command.requested' },
        ),
    );
    expect(screen.queryByRole('listitem')).toBeNull();
  });

  it('cannot be answered by a viewer', () => {
    const run = running(people.vic);
    run.log(proposed);
    mount(run, <Proposals />);
    expect(screen.getByRole('listitem').textContent).toBe('Bob asks for Learning rate → 0.1waits for a second operator');
    expect(screen.queryByRole('button')).toBeNull();
  });
});

describe('notes', () => {
  it('the buttons of notes with the same words at the same step are told apart', () => {
    const run = running(people.ada);
    const anchor = { step: 3, chart: null, head: null };
    for (const id of ['note-0001', 'note-0002'])
      run.log({ type: 'note', actor: people.ada, note: { kind: 'add', id, anchor, text: 'spike', replyTo: null } });
    mount(run, <NotesPanel />);
    const names = screen.getAllByRole('button', { name: /^Delete/ }).map((b) => b.getAttribute('aria-label'));
    expect(names).toEqual(['Delete: Ada at step 3: spike, note 1', 'Delete: Ada at step 3: spike, note 2']);
  });

  it('of a run with more than its view holds: the tab says that there are at least so many', () => {
    const run = running(people.ada);
    const anchor = { step: 3, chart: null, head: null };
    const write = (n: number) =>
      run.log({
        type: 'note',
        actor: people.ada,
        note: { kind: 'add', id: `note-${1000 + n}`, anchor, text: `thought ${n}`, replyTo: null },
      });
    const onTab = () => panelOf('notes')!.count!(run.get().view!);
    expect(onTab()).toBe('');
    write(0);
    expect(onTab()).toBe('1');
    for (let n = 1; n < 100; n++) write(n);
    expect(onTab()).toMatch(/^\d+\+$/);
  });

  it('one whose connection breaks is sent again under the same id, and nobody has to do anything', async () => {
    let tries = 0;
    server.answers.set('runs.note', () => {
      if (++tries === 1) throw new TypeError('Failed to fetch');
      return { ok: true };
    });
    server.answers.set('team.people', () => []);
    mount(running(people.ada), <NotesPanel />);
    const field = screen.getByRole<HTMLTextAreaElement>('textbox', { name: /^Note at step/ });
    await user.type(field, 'kept{Enter}');
    await waitFor(() => expect(field.value).toBe(''));
    const sent = server.asked.filter((a) => a.path === 'runs.note').map((a) => (a.input as { note: { id: string } }).note.id);
    expect([sent.length, new Set(sent).size]).toEqual([2, 1]);
  });

  it('a new one is pinned to the step that is looked at, and its text stays until the server has it', async () => {
    const run = running(people.ada);
    run.log(steps(0, 30, values));
    setCursor.pin(12);
    let answer: object = { ok: false, message: 'the run is locked' };
    server.answers.set('runs.note', () => answer);
    server.answers.set('team.people', () => []);
    mount(run, <NotesPanel />);
    expect(screen.getByText(/^No notes\./).textContent).toContain('One written here is pinned to the step you look at');
    const field = screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Note at step 12' });
    await user.type(field, 'why?{Enter}');
    expect(field.value).toBe('why?');
    await screen.findByText('Not sent. The text stays here until it is.');
    answer = { ok: true };
    await user.type(field, '{Enter}');
    await waitFor(() => expect(field.value).toBe(''));
    expect(screen.queryByRole('alert')).toBeNull();
    const sent = server.asked.filter((a) => a.path === 'runs.note').map((a) => a.input);
    expect(sent).toEqual(
      [1, 2].map(() => ({
        runId: 'run001',
        note: { kind: 'add', id: expect.any(String), anchor: { step: 12, chart: null, head: null }, text: 'why?', replyTo: null },
      })),
    );
  });
});

it('curves: a run without a row says whether any can come', () => {
  vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener() {}, removeEventListener() {} }));
  const empty = (status: 'queued' | 'stopped') => {
    const run = new TestRun(people.ada);
    if (status === 'stopped') run.log({ type: 'status', status, step: 0, message: 'stopped by Ada' });
    mount(run, <CurvesPanel />);
    const { textContent } = screen.getByText(/^The run /);
    cleanup();
    return textContent;
  };
  expect([empty('queued'), empty('stopped')]).toEqual([
    'The run has not begun: its curves appear with its first rows.',
    'The run ended before it began.',
  ]);
});

describe('a run that waits', () => {
  it('says why; who may not steer is not offered to make room', async () => {
    server.answers.set('runs.whyWaits', () => 'box can train it and is busy');
    server.answers.set('trainers.list', () => [
      { id: 't1', name: 'box', host: 'box', connected: true, runId: 'other1', opened: [], recipes: [], memoryBytes: null },
    ]);
    server.answers.set('runs.recipes', () => [
      { ...publishedSetup('reverse').recipe, trainers: [{ name: 'box', connected: true }] },
    ]);
    server.answers.set('runs.view', () => ({ setup: { name: 'Other' } }));
    mount(new TestRun(people.vic), <Waits />);
    expect((await screen.findByRole('status', { name: 'Why it waits' })).textContent).toContain(
      'It waits: box can train it and is busy.',
    );
    expect(screen.queryByRole('button', { name: /^(Make room|Cancel)/ })).toBeNull();
  });

  it('is canceled where it says that it waits', async () => {
    server.answers.set('runs.whyWaits', () => 'no trainer is connected');
    server.answers.set('trainers.list', () => []);
    server.answers.set('runs.recipes', () => []);
    server.answers.set('runs.command', () => ({ ok: true, seq: 9 }));
    mount(new TestRun(people.ada), <Waits />);
    await user.click(await screen.findByRole('button', { name: 'Cancel this run' }));
    expect(server.asked.find((a) => a.path === 'runs.command')?.input).toMatchObject({ action: 'stop', runId: 'run001' });
  });
});
