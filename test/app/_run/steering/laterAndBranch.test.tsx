// @vitest-environment jsdom
/** Forms beside the controls: a change for later, and a branch. */
import { act, cleanup, screen, waitFor, within } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { toast } from '~/app/_live/toast';
import { OpenBranch, WhatIf } from '~/app/_run/steering/BranchDialog';
import { CheckpointActions } from '~/app/_run/steering/CheckpointActions';
import ScheduleForm from '~/app/_run/steering/ScheduleForm';
import type { RunEvent } from '~/shared/events';
import { inRun, mount, people, TestRun } from '~/test/support/component';
import { publishedSetup } from '~/test/support/setups';
import { server } from '~/test/support/stubServer';
import { blobOf, controls, refOf, runStarted, startValues, steps } from '~/test/support/synthetic';

const opened: string[] = [];
vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));
vi.mock('next/navigation', () => ({ useRouter: () => ({ push: (address: string) => opened.push(address) }) }));

const user = userEvent.setup({ delay: null });
const values = startValues(publishedSetup('reverse'));
const button = (name: string) => screen.getByRole<HTMLButtonElement>('button', { name });
const write = async (field: HTMLElement, text: string) => {
  await user.clear(field);
  if (text !== '') await user.type(field, text);
};
const blob = refOf(blobOf(Uint8Array.of(1)));

function atStep30(): TestRun {
  const run = new TestRun(people.ada);
  run.log(
    { type: 'run.assigned', attempt: 1, trainer: { id: 't1', name: 'box', host: 'box' }, fromStep: 0, checkpoint: null },
    runStarted(0, values),
    { type: 'status', status: 'running', step: 0, message: '' },
    steps(0, 30, values),
    { type: 'checkpoint', step: 30, blob, trigger: 'cadence', commandId: null, lastCommandSeq: 0 },
  );
  return run;
}
beforeEach(() => {
  server.answers.clear();
  opened.length = 0;
});
afterEach(cleanup);

describe('a change for later', () => {
  const choose = async (what: string) => user.selectOptions(screen.getByRole('combobox', { name: 'What is to happen' }), what);
  const field = (name: string) => screen.getByRole('textbox', { name });

  it('is sent with its step; a value or a step that does not fit is refused in words, and nothing is sent', async () => {
    const run = atStep30();
    mount(run, <ScheduleForm why={null} />);
    await choose('Learning rate');
    await write(field('Step'), '30');
    await write(field('New value'), '0.001');
    await user.click(button('Schedule'));
    expect(screen.getByRole('alert').textContent).toBe('Step: "30" does not fit; give a whole number above 30, where the run is');
    await write(field('Step'), '31');
    await write(field('New value'), '-1');
    await user.click(button('Schedule'));
    expect(screen.getByRole('alert').textContent).toBe('Learning rate: "-1" does not fit; give a number > 0');
    expect(run.sent).toEqual([]);
    await write(field('New value'), '0.001');
    await user.click(button('Schedule'));
    expect(screen.queryByRole('alert')).toBeNull();
    expect(run.sent).toEqual([{ kind: 'set', control: 'learningRate', value: 0.001, when: { kind: 'step', step: 31 } }]);
  });

  it('of a control with options is sent with the option that is shown, from the start and again', async () => {
    const run = atStep30();
    const [first] = controls.values;
    const clipBy = {
      ...first!,
      name: 'clipBy',
      label: 'Clip by',
      type: 'enum' as const,
      options: ['norm', 'value'],
      default: 'norm',
    };
    run.log({ ...runStarted(30, values), controls: { ...controls, values: [clipBy] } } as RunEvent);
    mount(run, <ScheduleForm why={null} />);
    for (const step of [40, 50]) {
      await write(field('Step'), String(step));
      expect(screen.getByRole<HTMLSelectElement>('combobox', { name: 'New value' }).value).toBe('norm');
      await user.click(button('Schedule'));
      expect(screen.queryByRole('alert')).toBeNull();
      expect(run.sent.at(-1)).toEqual({ kind: 'set', control: 'clipBy', value: 'norm', when: { kind: 'step', step } });
    }
  });

  it('is scheduled once by a double click', async () => {
    const run = atStep30();
    mount(run, <ScheduleForm why={null} />);
    await choose('Stop');
    await write(field('Step'), '31');
    await user.dblClick(button('Schedule'));
    expect(run.sent).toEqual([{ kind: 'act', action: 'stop', args: {}, when: { kind: 'step', step: 31 } }]);
  });

  it('to an unusual value is scheduled only by holding the button, as one for now', async () => {
    const run = atStep30();
    mount(run, <ScheduleForm why={null} />);
    await choose('Learning rate');
    await write(field('Step'), '31');
    await write(field('New value'), '5000{Enter}');
    screen.getByText(/^× 10,000,000 of now/);
    expect(run.sent).toEqual([]);
    const hold = button('Hold to schedule');
    hold.focus();
    await user.keyboard('{Enter>}');
    await waitFor(() => expect(run.sent).toHaveLength(1));
    expect(run.sent).toEqual([{ kind: 'set', control: 'learningRate', value: 5000, when: { kind: 'step', step: 31 } }]);
  });

  it('waits for a number of a curve or of an evaluation; a refusal of the server stands there, and the value stays', async () => {
    const run = atStep30();
    const metrics = [{ name: 'accuracy', value: 0.5, role: 'accuracy' as const }];
    run.log({ type: 'evaluation', step: 30, split: 'test', metrics, trigger: 'cadence', commandId: null });
    run.answer = () => ({ ok: false, reason: 'busy', message: 'too many commands wait', field: null });
    mount(run, <ScheduleForm why={null} />);
    await choose('Stop');
    await user.selectOptions(screen.getByRole('combobox', { name: 'When' }), 'when a set’s');
    await write(field('Value'), '2');
    await user.click(button('Schedule'));
    expect(screen.getByRole('alert').textContent).toBe('Value: an accuracy is never above 1; give a number below 1');
    await write(field('Value'), '0.9');
    await user.click(button('Schedule'));
    expect((await screen.findByText('too many commands wait')).role).toBe('alert');
    expect(run.sent).toEqual([
      {
        kind: 'act',
        action: 'stop',
        args: {},
        when: { kind: 'evaluation', split: 'test', metric: 'accuracy', comparison: '>', value: 0.9 },
      },
    ]);
    expect((field('Value') as HTMLInputElement).value).toBe('0.9');
  });

  it('for a number that the run will hardly reach is asked about, and one that it cannot reach is refused', async () => {
    const run = atStep30();
    const usual: [number, number] = [1e-5, 0.01];
    const started = runStarted(30, values) as Extract<RunEvent, { type: 'started' }>;
    run.log({
      ...started,
      controls: { ...controls, values: controls.values.map((c) => (c.role === 'learningRate' ? { ...c, usual } : c)) },
    });
    run.log({ type: 'series', stream: 'epochs', columns: [{ name: 'epoch', role: 'epoch' }] });
    mount(run, <ScheduleForm why={null} />);
    await choose('Stop');
    await user.selectOptions(screen.getByRole('combobox', { name: 'When' }), 'when a curve');
    await write(screen.getByRole('combobox', { name: 'Curve' }), 'epoch');
    await write(field('Value'), '1e9{Enter}');
    expect(screen.getByRole('alert').textContent).toBe('Value: the run ends after 10 epochs; give a number below that');
    await write(screen.getByRole('combobox', { name: 'Curve' }), 'learningRate');
    await write(field('Value'), '10{Enter}');
    screen.getByText('Learning rate: × 20,000 of now; usually 0.00001 to 0.01');
    expect(run.sent).toEqual([]);
    button('Hold to schedule').focus();
    await user.keyboard('{Enter>}');
    await waitFor(() => expect(run.sent).toHaveLength(1));
    expect(run.sent[0]!.when).toEqual({ kind: 'series', name: 'learningRate', comparison: '>', value: 10 });
  });

  it('is listed with who asked for it, and called off there', async () => {
    const run = atStep30();
    const { controls } = run.get().view!;
    const cancel = { name: 'call-off', label: 'Cancel', help: '', args: [], risky: false, role: 'cancel' as const };
    run.log({ ...runStarted(30, values), controls: { ...controls, actions: [...controls.actions, cancel] } } as RunEvent);
    mount(run, <ScheduleForm why={null} />);
    expect(screen.queryByRole('list', { name: 'Scheduled' })).toBeNull();
    const ask = (actor: typeof people.ada | typeof people.bob, id: string, step: number): RunEvent => ({
      type: 'command.requested',
      actor,
      command: { kind: 'set', id, runId: 'run001', control: 'learningRate', value: 0.1, when: { kind: 'step', step } },
    });
    act(() => {
      for (const [actor, id] of [
        [people.ada, 'later-one'],
        [people.bob, 'later-two'],
      ] as const) {
        const seq = run.log(ask(actor, id, 50));
        run.log({ type: 'command.scheduled', commandId: id, seq, step: 30, message: 'waits' });
      }
    });
    const lines = within(screen.getByRole('list', { name: 'Scheduled' })).getAllByRole('listitem');
    expect(lines.map((l) => /by (you|Bob)/.exec(l.textContent!)?.[1])).toEqual(['you', 'Bob']);
    await user.click(within(lines[1]!).getByRole('button', { name: /^Call off: .* by Bob$/ }));
    expect(run.sent).toEqual([{ kind: 'act', action: 'call-off', args: { commandId: 'later-two' } }]);
  });
});

describe('a question whether to take the run back', () => {
  const ask = async (run: TestRun) => {
    const mounted = mount(run, <CheckpointActions step={20} hash={blob.hash} />);
    await user.click(button('Revert'));
    return { ...mounted, dialog: within(await screen.findByRole('alertdialog')) };
  };

  it('says why nothing can be done any more, to who may only watch from then on, until the role is back', async () => {
    const run = atStep30();
    server.answers.set('runs.revert', () => ({ ok: true }));
    const { dialog } = await ask(run);
    const revert = dialog.getByRole<HTMLButtonElement>('button', { name: 'Revert' });
    act(() => run.set({ you: { ...people.ada, role: 'viewer' } }));
    expect(dialog.getByRole('alert').textContent).toBe('Not possible now: Ada (viewer) may watch but not steer.');
    expect(revert.disabled).toBe(true);
    act(() => run.set({ you: people.ada }));
    expect(dialog.queryByRole('alert')).toBeNull();
    await user.click(revert);
    await waitFor(() =>
      expect(server.asked.filter((a) => a.path === 'runs.revert').map((a) => a.input)).toEqual([
        { runId: 'run001', checkpoint: blob.hash },
      ]),
    );
  });

  it('stays about its checkpoint while its place offers another; one whose place goes is not gone without a word', async () => {
    const run = atStep30();
    const said = vi.spyOn(toast, 'warning').mockImplementation(() => {});
    const { dialog, rerender, unmount } = await ask(run);
    rerender(inRun(run, <CheckpointActions step={25} hash="another" />));
    dialog.getByText('Take this run back to step 20?');
    unmount();
    expect(said.mock.calls).toEqual([['“Take this run back to step 20?” was closed without an answer: nothing was done']]);
    said.mockClear();
    const again = await ask(run);
    await user.click(again.dialog.getByRole('button', { name: 'Cancel' }));
    again.unmount();
    expect(said).not.toHaveBeenCalled();
  });
});

describe('a branch', () => {
  const set = (id: string, actor: typeof people.ada | typeof people.bob, value: number) =>
    ({ kind: 'set', id, runId: 'run001', control: 'learningRate', value, actor }) as const;

  it('is asked for with a name, changed values that fit, and the later changes but one', async () => {
    const run = atStep30();
    server.answers.set('runs.items', ({ kind }: { kind: string }) =>
      kind !== 'commands'
        ? []
        : [
            [10, 'before-it', 20],
            [90, 'after-it1', 40],
            [92, 'after-it2', 45],
          ].map(([seq, id, step]) => {
            const { actor, ...command } = set(id as string, people.bob, 0.2);
            return {
              seq,
              at: 0,
              actor,
              command,
              outcome: { status: 'applied', seq, at: 0, step, before: 0.1, after: 0.2, message: '' },
            };
          }),
    );
    server.answers.set('runs.branch', () => ({ ok: true, runId: 'branch1' }));
    mount(run, <OpenBranch checkpoint={blob.hash}>Branch</OpenBranch>);
    await user.click(button('Branch'));
    const dialog = within(await screen.findByRole('dialog'));
    const name = dialog.getByRole('textbox', { name: 'Name' });
    await write(name, ' ');
    await user.click(dialog.getByRole('button', { name: 'Change a value' }));
    await user.selectOptions(dialog.getByRole('combobox', { name: 'Control 1' }), 'Learning rate');
    const rate = dialog.getByRole('textbox', { name: 'Value of Learning rate' });
    await write(rate, '-1');
    await user.click(dialog.getByRole('button', { name: 'Branch' }));
    dialog.getByText('give the branch a name');
    dialog.getByText('Learning rate: "-1" does not fit; give a number > 0');
    await write(name, 'gentler');
    await write(rate, '0.001');
    const repeat = await dialog.findByRole('combobox', { name: /^Repeat the later changes/ });
    expect([...(repeat as HTMLSelectElement).options].map((o) => o.value)).toEqual([
      'none of them',
      'all of them',
      'after-it1',
      'after-it2',
    ]);
    await user.selectOptions(repeat, 'after-it2');
    await user.click(dialog.getByRole('button', { name: 'Branch' }));
    await waitFor(() => expect(opened).toEqual(['/runs/branch1']));
    expect(server.asked.filter((a) => a.path === 'runs.branch').map((a) => a.input)).toEqual([
      {
        runId: 'run001',
        branchId: expect.stringMatching(/^[0-9a-z]{10}$/),
        checkpoint: blob.hash,
        name: 'gentler',
        changes: [{ control: 'learningRate', value: 0.001 }],
        repeat: { without: 'after-it2' },
      },
    ]);
  });

  it('without one change waits until the others are known, also from a checkpoint older than those on the page; its answer takes nobody away who closed the form', async () => {
    const run = atStep30();
    const old = refOf(blobOf(Uint8Array.of(9)));
    const answers: ((value: unknown) => void)[] = [];
    const held = () => new Promise((resolve) => answers.push(resolve));
    const answer = async (value: unknown) => {
      await waitFor(() => expect(answers.length).toBeGreaterThan(0));
      await act(async () => answers.shift()!(value));
    };
    server.answers.set('runs.item', held);
    server.answers.set('runs.items', ({ kind }: { kind: string }) => (kind === 'commands' ? held() : []));
    server.answers.set('runs.branch', held);
    const said = vi.spyOn(toast, 'success').mockImplementation(() => {});
    mount(run, <WhatIf checkpoint={old.hash} without="after-it1" of="Learning rate" />);
    await user.click(screen.getByRole('button', { name: /^Branch without this change/ }));
    const dialog = within(await screen.findByRole('dialog'));
    const branch = dialog.getByRole<HTMLButtonElement>('button', { name: 'Branch' });
    expect(branch.disabled).toBe(true);
    await answer({
      seq: 2,
      at: 0,
      type: 'checkpoint',
      step: 3,
      blob: old,
      trigger: 'cadence',
      commandId: null,
      lastCommandSeq: 0,
    });
    const from = dialog.getByRole<HTMLSelectElement>('combobox', { name: 'From' });
    await waitFor(() => expect(from.selectedOptions[0]!.textContent).toMatch(/^step 3/));
    expect(branch.disabled).toBe(true);
    const { actor, ...command } = set('after-it1', people.bob, 0.2);
    await answer([
      {
        seq: 5,
        at: 0,
        actor,
        command,
        outcome: { status: 'applied', seq: 5, at: 0, step: 4, before: 0.1, after: 0.2, message: '' },
      },
    ]);
    await waitFor(() => expect(branch.disabled).toBe(false));
    await user.click(branch);
    expect(server.asked.at(-1)).toMatchObject({
      path: 'runs.branch',
      input: { checkpoint: old.hash, repeat: { without: 'after-it1' } },
    });
    await user.keyboard('{Escape}');
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    await answer({ ok: true, runId: 'branch1' });
    await waitFor(() => expect(said.mock.calls).toEqual([['Reverse what if is queued']]));
    expect(opened).toEqual([]);
  });

  it('of a script is asked for once: a request whose answer was lost is the same one when it is sent again', async () => {
    const run = atStep30();
    const { view } = run.get();
    const action = { ...controls.actions[0]!, name: 'split', role: 'branch' as const };
    run.set({ view: { ...view!, setup: { ...view!.setup, recipe: null }, controls: { ...controls, actions: [action] } } });
    server.answers.set('runs.branch', () => {
      throw new Error('connection lost');
    });
    mount(run, <CheckpointActions step={30} hash={blob.hash} />);
    const ids = () => server.asked.flatMap((a) => (a.path === 'runs.branch' ? [(a.input as { branchId: string }).branchId] : []));
    const ask = async (times: number) => {
      await user.click(button('Branch'));
      await waitFor(() => expect([ids().length, button('Branch').disabled]).toEqual([times, false]));
    };
    await ask(1);
    server.answers.set('runs.branch', () => ({ ok: true, runId: null }));
    await ask(2);
    await ask(3);
    expect(ids()).toEqual([expect.stringMatching(/^[0-9a-z]{10}$/), ids()[0], expect.any(String)]);
    expect(ids()[2]).not.toBe(ids()[0]);
  });

  it('of a run that goes on begins where it is; who only watches is not offered one', async () => {
    const run = atStep30();
    server.answers.set('runs.items', () => []);
    server.answers.set('runs.branch', () => ({ ok: true, runId: null }));
    mount(run, <OpenBranch>Branch</OpenBranch>);
    await user.click(button('Branch'));
    await user.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Branch' }));
    await waitFor(() =>
      expect(server.asked.filter((a) => a.path === 'runs.branch').map((a) => a.input)).toEqual([
        { runId: 'run001', branchId: expect.any(String), checkpoint: null, name: 'Reverse branch', changes: [], repeat: null },
      ]),
    );
    expect(opened).toEqual([]);
    cleanup();
    mount(new TestRun(people.vic), <OpenBranch>Branch</OpenBranch>);
    expect(screen.queryByRole('button')).toBeNull();
  });

  it('of a run that ends while the form is open begins at its last checkpoint; why it was refused stands in the form', async () => {
    const run = atStep30();
    server.answers.set('runs.items', () => []);
    server.answers.set('runs.branch', () => ({ ok: false, reason: 'state', message: 'the run has ended (finished)' }));
    mount(run, <OpenBranch>Branch</OpenBranch>);
    await user.click(button('Branch'));
    const dialog = within(await screen.findByRole('dialog'));
    const from = dialog.getByRole<HTMLSelectElement>('combobox', { name: 'From' });
    expect(from.value).toBe('now');
    await user.click(dialog.getByRole('button', { name: 'Branch' }));
    expect((await dialog.findByRole('alert')).textContent).toBe('the run has ended (finished)');
    const last = refOf(blobOf(Uint8Array.of(2)));
    act(() =>
      run.log(
        { type: 'checkpoint', step: 30, blob: last, trigger: 'end', commandId: null, lastCommandSeq: 0 },
        { type: 'status', status: 'finished', step: 30, message: '' },
      ),
    );
    expect([...from.options].map((o) => o.value)).toEqual([last.hash, blob.hash]);
    expect(from.value).toBe(last.hash);
    server.answers.set('runs.branch', () => ({ ok: true, runId: 'branch0001' }));
    await user.click(dialog.getByRole('button', { name: 'Branch' }));
    await waitFor(() => expect(opened).toEqual(['/runs/branch0001']));
    expect(dialog.queryByRole('alert')).toBeNull();
    expect(
      server.asked.filter((a) => a.path === 'runs.branch').map((a) => (a.input as { checkpoint: unknown }).checkpoint),
    ).toEqual([null, last.hash]);
  });

  it('keeps its open form while its author may only watch, and hides its button after that', async () => {
    const run = atStep30();
    mount(run, <OpenBranch>Branch</OpenBranch>);
    await user.click(button('Branch'));
    const dialog = within(await screen.findByRole('dialog'));
    await write(dialog.getByRole('textbox', { name: 'Name' }), 'gentler');
    act(() => run.set({ you: { ...people.ada, role: 'viewer' } }));
    expect(dialog.getByRole<HTMLInputElement>('textbox', { name: 'Name' }).value).toBe('gentler');
    expect(dialog.getByRole('alert').textContent).toBe('Not possible now: Ada (viewer) may watch but not steer.');
    expect(dialog.getByRole<HTMLButtonElement>('button', { name: 'Branch' }).disabled).toBe(true);
    await user.click(dialog.getByRole('button', { name: 'Cancel' }));
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Branch' })).toBeNull());
  });
});
