// @vitest-environment jsdom
/** Panels of the team page whose forms check what is typed. */
import { cleanup, screen, waitFor, within } from '@testing-library/react';
import { userEvent } from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Approval } from '~/app/_team/Approval';
import { Invites } from '~/app/_team/Invites';
import { WatchdogForm } from '~/app/_team/WatchdogRules';
import type { WatchdogRules } from '~/shared/watchdogs';
import { inRun, mount, people, TestRun } from '~/test/support/component';
import { server } from '~/test/support/stubServer';

vi.mock('~/app/_trpc/links', () => import('~/test/support/stubServer'));

const user = userEvent.setup({ delay: null });
const sent = (path: string) => server.asked.filter((a) => a.path === path).map((a) => a.input);
const button = (name: string) => screen.getByRole<HTMLButtonElement>('button', { name: new RegExp(`^${name}(:|$)`) });
/** The server's answer to a save of rules that another person has changed since they were read. */
const takenBy = (name: string) => ({
  error: {
    code: -32600,
    message: `expected: ${name} changed these rules after you had read them`,
    data: { field: 'expected' },
  },
});
beforeEach(() => server.answers.clear());
afterEach(cleanup);

describe('the watchdogs', () => {
  const rules: WatchdogRules = {
    rules: [
      { kind: 'not-finite', enabled: true, reactions: ['notify'] },
      { kind: 'loss-spike', enabled: false, reactions: [], sigmas: 8, window: 50 },
      { kind: 'plateau', enabled: true, reactions: [], steps: 100, improvement: 0.01 },
    ],
    webhooks: [],
  };
  beforeEach(() => {
    server.answers.set('team.watchdogs', () => rules);
    server.answers.set('team.setWatchdogs', () => ({}));
  });

  it('are saved as a whole, with what was switched and typed', async () => {
    mount(new TestRun(people.ada), <WatchdogForm editable />);
    await user.click(await screen.findByRole('checkbox', { name: 'NaN or infinity' }));
    const improvement = screen.getByRole<HTMLInputElement>('textbox', { name: 'improvement (share)' });
    await user.clear(improvement);
    await user.type(improvement, '5e-2');
    // Of seven boxes with the same words, a screen reader says whose each is.
    await user.click(within(screen.getByRole('group', { name: 'Plateau' })).getByRole('checkbox', { name: 'pause' }));
    await user.click(button('Save'));
    expect(sent('team.setWatchdogs')).toEqual([
      {
        runId: null,
        rules: {
          rules: [
            { ...rules.rules[0], enabled: false },
            rules.rules[1],
            { ...rules.rules[2], reactions: ['pause'], improvement: 0.05 },
          ],
          webhooks: [],
        },
        expected: rules,
      },
    ]);
  });

  it('take further changes as soon as a save has failed: nobody waits until a server that is away answers again', async () => {
    mount(new TestRun(people.ada), <WatchdogForm editable />);
    const improvement = await screen.findByRole<HTMLInputElement>('textbox', { name: 'improvement (share)' });
    server.answers.set('team.setWatchdogs', () => {
      throw new Error('the server does not answer');
    });
    server.answers.set('team.watchdogs', () => new Promise(() => {}));
    await user.click(button('Save'));
    await waitFor(() => expect(button('Save').disabled).toBe(false));
    await user.clear(improvement);
    await user.type(improvement, '5e-2');
    expect(improvement.value).toBe('5e-2');
  });

  it('that another person saved meanwhile are not overwritten: they are shown with who and what, below what was edited here', async () => {
    const hook = (name: string) => ({ url: `https://hooks.example/${name}`, format: 'json' }) as const;
    let stored: WatchdogRules = { ...rules, webhooks: [hook('gone')] };
    const [finite, spike, plateau] = rules.rules;
    server.answers.set('team.watchdogs', () => stored);
    server.answers.set('team.setWatchdogs', (input) => {
      const wish = input as { rules: WatchdogRules; expected: WatchdogRules };
      if (JSON.stringify(wish.expected) !== JSON.stringify(stored)) throw takenBy('Bob');
      stored = wish.rules;
      return {};
    });
    mount(new TestRun(people.ada), <WatchdogForm editable />);
    const steps = await screen.findByRole<HTMLInputElement>('textbox', { name: 'for steps' });
    await user.clear(steps);
    await user.type(steps, '200');
    await user.click(screen.getAllByRole('checkbox', { name: 'pause' }).at(-1)!);
    stored = {
      rules: [
        { ...finite!, enabled: false },
        spike!,
        { ...plateau!, reactions: ['snapshot'], steps: 300 } as WatchdogRules['rules'][number],
      ],
      webhooks: [hook('new')],
    };
    const theirs = stored;
    await user.click(button('Save'));
    expect((await screen.findByRole('alert')).textContent).toBe(
      'Bob changed these rules after you had read them: NaN or infinity, enabled: yes → no; Plateau, snapshot: no → yes; Plateau, for steps: 100 → 300; webhook https://hooks.example/gone: json → none; webhook https://hooks.example/new: none → json. Your own changes stand here on top of theirs: look at them, and save again.',
    );
    expect(stored).toBe(theirs);
    expect(steps.value).toBe('200');
    await user.click(button('Save'));
    await waitFor(() =>
      expect(stored).toEqual({
        rules: [{ ...finite, enabled: false }, spike, { ...plateau, reactions: ['pause', 'snapshot'], steps: 200 }],
        webhooks: [hook('new')],
      }),
    );
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('keep what was typed when its author may only watch from then on, and say who may save it', async () => {
    const run = new TestRun(people.ada);
    const { rerender } = mount(run, <WatchdogForm editable />);
    const steps = await screen.findByRole<HTMLInputElement>('textbox', { name: 'for steps' });
    await user.type(steps, '00');
    rerender(inRun(run, <WatchdogForm editable={false} />));
    screen.getByText('An operator or an admin changes the rules.');
    expect(screen.getByRole<HTMLInputElement>('textbox', { name: 'for steps' }).value).toBe('10000');
  });

  it('with a number that is none, or an address that is none, are refused with the rule and the field, and nothing is sent', async () => {
    mount(new TestRun(people.ada), <WatchdogForm editable />);
    const steps = await screen.findByRole<HTMLInputElement>('textbox', { name: 'for steps' });
    await user.clear(steps);
    await user.type(steps, 'many');
    await user.click(button('Save'));
    expect(screen.getByRole('alert').textContent).toMatch(/^Plateau, for steps: /);
    await user.clear(steps);
    await user.type(steps, '200');
    await user.click(button('Add a webhook'));
    await user.type(screen.getByRole('textbox', { name: 'Address of webhook 1' }), 'nowhere');
    await user.click(button('Save'));
    expect(screen.getByRole('alert').textContent).toMatch(/^webhooks\.0\.url: /);
    expect(sent('team.setWatchdogs')).toEqual([]);
    await user.click(button('Remove'));
    await user.click(button('Save'));
    expect(screen.queryByRole('alert')).toBeNull();
    expect(sent('team.setWatchdogs')).toMatchObject([{ rules: { rules: [{}, {}, { steps: 200 }], webhooks: [] } }]);
  });

  it('show free space in GB, and keep bytes: what was not typed stays to the last byte', async () => {
    const disk = { kind: 'disk', enabled: true, reactions: [], freeBytesBelow: 1_234_567_891 } as const;
    server.answers.set('team.watchdogs', () => ({ rules: [disk], webhooks: [] }));
    mount(new TestRun(people.ada), <WatchdogForm editable />);
    const free = await screen.findByRole<HTMLInputElement>('textbox', { name: 'free space below (GB)' });
    expect(free.value).toBe('1.234567891');
    await user.click(button('Save'));
    await user.clear(free);
    await user.type(free, '2.5');
    await user.click(button('Save'));
    const kept = sent('team.setWatchdogs') as { rules: WatchdogRules }[];
    expect(kept.map(({ rules }) => rules.rules)).toEqual([[disk], [{ ...disk, freeBytesBelow: 2.5e9 }]]);
  });

  it('are read by everybody: fields of a rule that is off, and all of them for who is no admin, cannot be changed', async () => {
    mount(new TestRun(people.ada), <WatchdogForm editable />);
    const disabled = () => screen.getAllByRole<HTMLInputElement>('textbox').map((field) => field.disabled);
    await screen.findByRole('checkbox', { name: 'Loss spike' });
    expect(disabled()).toEqual([true, true, false, false]);
    cleanup();
    mount(new TestRun(people.vic), <WatchdogForm editable={false} />);
    await screen.findByRole('checkbox', { name: 'Loss spike' });
    expect(disabled()).toEqual([true, true, true, true]);
    expect(screen.getAllByRole<HTMLInputElement>('checkbox').every((box) => box.disabled)).toBe(true);
    expect(screen.queryByRole('button', { name: /^Save/ })).toBeNull();
  });
});

describe('approval by a second person', () => {
  const box = (name: string) => screen.getByRole<HTMLInputElement>('checkbox', { name });

  it('is asked of what is ticked, a name of an older rule among it; what is as it was cannot be saved', async () => {
    let stored = ['learningRate', 'my control'];
    server.answers.set('team.needsApproval', () => stored);
    server.answers.set('team.setNeedsApproval', ({ names }: { names: string[] }) => {
      stored = names;
      return {};
    });
    mount(new TestRun(people.ada), <Approval editable />);
    await waitFor(() => expect(box('Learning rate').checked).toBe(true));
    expect([box('my control').checked, box('Stop').checked, button('Save').disabled]).toEqual([true, false, true]);
    await user.click(box('Stop'));
    expect(button('Save').disabled).toBe(false);
    await user.click(box('Stop'));
    expect(button('Save').disabled).toBe(true);
    await user.click(box('my control'));
    await user.click(box('Stop'));
    await user.click(button('Save'));
    expect(sent('team.setNeedsApproval')).toEqual([
      { names: ['learningRate', 'stop'], expected: ['learningRate', 'my control'] },
    ]);
    await waitFor(() => expect(screen.queryByRole('checkbox', { name: 'my control' })).toBeNull());
    expect(button('Save').disabled).toBe(true);
  });

  it('takes no tick while it is being saved: it would be gone with the others once they are', async () => {
    let answer = (_: object) => {};
    server.answers.set('team.needsApproval', () => []);
    server.answers.set('team.setNeedsApproval', () => new Promise((resolve) => (answer = resolve)));
    mount(new TestRun(people.ada), <Approval editable />);
    await waitFor(() => expect(box('Stop').matches(':disabled')).toBe(false));
    await user.click(box('Stop'));
    await user.click(button('Save'));
    await user.click(box('Pause'));
    expect([box('Stop').checked, box('Pause').checked]).toEqual([true, false]);
    answer({});
    await waitFor(() => expect(box('Stop').checked).toBe(false));
    await user.click(box('Pause'));
    expect(box('Pause').checked).toBe(true);
  });

  it('that another admin changed meanwhile is not overwritten', async () => {
    let stored = ['learningRate'];
    server.answers.set('team.needsApproval', () => stored);
    server.answers.set('team.setNeedsApproval', ({ names, expected }: { names: string[]; expected: string[] }) => {
      if (expected.join() !== stored.join()) throw takenBy('Bob');
      stored = names;
      return {};
    });
    mount(new TestRun(people.ada), <Approval editable />);
    await waitFor(() => expect(box('Learning rate').checked).toBe(true));
    await user.click(box('Stop'));
    stored = ['pause'];
    await user.click(button('Save'));
    expect((await screen.findByRole('alert')).textContent).toMatch(
      /^Bob changed these rules after you had read them: Learning rate: yes → none; Pause: none → yes\. Your own/,
    );
    expect([box('Learning rate').checked, box('Pause').checked, box('Stop').checked]).toEqual([false, true, true]);
    await user.click(button('Save'));
    await waitFor(() => expect(stored).toEqual(['pause', 'stop']));
    await waitFor(() => expect(screen.queryByRole('alert')).toBeNull());
  });
});

describe('invite links', () => {
  const now = Date.now();
  const invite = { id: 'i1', role: 'viewer', uses: 2, used: 1, expiresAt: now + 3_600_000, madeBy: 'Ada' };

  it('are made for a role, a time and a number of uses that fits, and shown once with an address that others reach', async () => {
    server.answers.set('team.invites', () => [
      invite,
      { ...invite, id: 'i2', used: 2 },
      { ...invite, id: 'i3', expiresAt: now - 1 },
    ]);
    server.answers.set('system.info', () => ({ addresses: ['10.0.0.7'], loopback: false, you: people.ada }));
    server.answers.set('team.invite', () => ({ secret: 'a-secret' }));
    server.answers.set('team.revokeInvite', () => ({}));
    mount(new TestRun(people.ada), <Invites />);
    const links = await screen.findAllByText(/uses left$/);
    expect(links.map((l) => l.textContent)).toEqual(['viewer, 1 of 2 uses left']);
    const uses = screen.getByRole<HTMLInputElement>('textbox', { name: 'Uses' });
    for (const wrong of ['0', '1001', '1.5', 'two']) {
      await user.clear(uses);
      await user.type(uses, wrong);
      screen.getByText('a whole number from 1 to 1000');
      await user.click(button('Make a link'));
    }
    expect(sent('team.invite')).toEqual([]);
    await user.clear(uses);
    await user.type(uses, '3');
    await user.selectOptions(screen.getByRole('combobox', { name: 'Valid for' }), 'a day');
    await user.selectOptions(screen.getByRole('combobox', { name: 'Role' }), 'operator');
    await user.click(button('Make a link'));
    expect(sent('team.invite')).toEqual([{ role: 'operator', uses: 3, expiresInMs: 86_400_000 }]);
    await screen.findByText(/^http:\/\/10\.0\.0\.7(:\d+)?\/join\?invite=a-secret$/);
    await user.click(within(links[0]!.closest('li')!).getByRole('button', { name: /^Revoke: / }));
    expect(sent('team.revokeInvite')).toEqual([{ inviteId: 'i1' }]);
  });

  it('of a server that others reach through a proxy alone say that their address works here only', async () => {
    server.answers.set('team.invites', () => []);
    server.answers.set('system.info', () => ({ addresses: [], loopback: false, you: people.ada }));
    server.answers.set('team.invite', () => ({ secret: 'a-secret' }));
    mount(new TestRun(people.ada), <Invites />);
    await screen.findByText('No open link.');
    await user.click(button('Make a link'));
    await screen.findByText(
      'The link works on this machine only: put the address at which others open this page in the place of its beginning. It is shown only this once.',
    );
    screen.getByText(/^http:\/\/localhost(:\d+)?\/join\?invite=a-secret$/);
  });
});
