import { describe, expect, it } from 'vitest';
import { approvalProblem, changeControlLock, gate, holder } from '~/server/team/gate';
import type { Command } from '~/shared/commands';
import { actionSpec, type Controls, controlSpec } from '~/shared/controls';
import type { Actor } from '~/shared/ids';
import { refuse } from '~/shared/refusals';
import type { RunView } from '~/shared/view';

const ada: Actor = { id: 'a', name: 'Ada', role: 'operator' };
const bob: Actor = { id: 'b', name: 'Bob', role: 'operator' };
const root: Actor = { id: 'r', name: 'Root', role: 'admin' };
const watchdog: Actor = { id: 'watchdog', name: 'Watchdog', role: 'system' };
const pause: Command = { kind: 'act', id: 'cmd00001', runId: 'run001', action: 'pause', args: {} };
const nothing: Controls = { values: [], actions: [] };
const held = (until: number | null) => ({ controls: nothing, controlLock: { holder: ada, until, askedBy: [] } });
const free = { controls: nothing, controlLock: null };

const declaredAction = (name: string, role?: 'pause') =>
  actionSpec.parse({ name, label: name, help: '', args: [], risky: false, ...(role && { role }) });
const declaredControl = (name: string, role?: 'learningRate') =>
  controlSpec.parse({
    ...{ name, label: name, help: '', unit: '', type: 'number', min: null, max: null, exclusiveMin: false, exclusiveMax: false },
    ...{ options: null, nullLabel: null, scale: 'log', default: 1, takesEffect: 'next step', group: '', ...(role && { role }) },
  });

describe('the control lock', () => {
  it('while somebody holds it, only they and the rules steer', () => {
    expect(gate(held(null), [], ada, pause, 0)).toBe('pass');
    expect(gate(held(null), [], bob, pause, 0)).toEqual(
      refuse('forbidden', 'Ada holds the control lock; ask for it, or wait until it is released'),
    );
    expect(gate(held(null), [], watchdog, pause, 0)).toBe('pass');
  });
  it('goes to somebody who watches the run and may steer, as the server knows them', () => {
    const hand = (to: Actor, present: Actor[]) =>
      changeControlLock(held(null), ada, { kind: 'handOver', to, forMs: null }, 0, present);
    expect(hand(bob, [ada])).toEqual(refuse('state', 'Bob does not watch this run; hand it to somebody who does', 'request.to'));
    expect(hand({ ...bob, name: 'Forged', role: 'admin' }, [ada, bob])).toMatchObject({ holder: bob });
    const cleo: Actor = { id: 'c', name: 'Cleo', role: 'viewer' };
    expect(hand({ ...cleo, role: 'operator' }, [ada, cleo])).toEqual(
      refuse('forbidden', 'Cleo (viewer) may not steer; hand it to an operator or an admin', 'request.to'),
    );
  });
  it('expires by itself', () => {
    expect(holder(held(100), 99)).toEqual(ada);
    expect(holder(held(100), 100)).toBeNull();
    expect(gate(held(100), [], bob, pause, 100)).toBe('pass');
  });
  it('is taken when free, asked for when not, handed over by its holder, taken away by an admin', () => {
    expect(changeControlLock(free, bob, { kind: 'take', forMs: 500 }, 100, [ada, bob])).toEqual({
      type: 'control.locked',
      actor: bob,
      holder: bob,
      until: 600,
    });
    expect(changeControlLock(held(null), bob, { kind: 'take', forMs: null }, 0, [ada, bob])).toEqual(
      refuse('forbidden', 'Ada holds the control lock; ask for it'),
    );
    expect(changeControlLock(held(null), bob, { kind: 'ask' }, 0, [ada, bob])).toEqual({ type: 'control.requested', actor: bob });
    expect(changeControlLock(held(null), ada, { kind: 'handOver', to: bob, forMs: 500 }, 100, [ada, bob])).toEqual({
      type: 'control.locked',
      actor: ada,
      holder: bob,
      until: 600,
    });
    expect(changeControlLock(held(null), root, { kind: 'take', forMs: null }, 0, [ada, bob])).toEqual({
      type: 'control.locked',
      actor: root,
      holder: root,
      until: null,
    });
    expect(changeControlLock(held(null), root, { kind: 'release' }, 0, [ada, bob])).toEqual({
      type: 'control.locked',
      actor: root,
      holder: null,
      until: null,
    });
    expect(changeControlLock(held(null), bob, { kind: 'release' }, 0, [ada, bob])).toMatchObject({ reason: 'forbidden' });
    expect(changeControlLock(free, bob, { kind: 'ask' }, 0, [ada, bob])).toMatchObject({ reason: 'state' });
    const asked = { controlLock: { holder: ada, until: null, askedBy: [bob] } };
    expect(changeControlLock(asked, bob, { kind: 'ask' }, 0, [ada, bob])).toEqual(
      refuse('state', 'you have asked for the control lock already'),
    );
    expect(changeControlLock(asked, root, { kind: 'ask' }, 0, [ada, bob])).toMatchObject({ type: 'control.requested' });
  });
  it('is refused by its holder or an admin, to somebody who asks for it', () => {
    const asked = { controlLock: { holder: ada, until: 9, askedBy: [bob] } };
    const refusal = (by: Actor, view: Pick<RunView, 'controlLock'> = asked, askerId = 'b', now = 0) =>
      changeControlLock(view, by, { kind: 'refuse', askerId }, now, []);
    for (const actor of [ada, root]) expect(refusal(actor)).toEqual({ type: 'control.refused', actor, asker: bob });
    expect(refusal(bob)).toEqual(
      refuse('forbidden', 'only Ada or an admin may give the control lock away, or decline a request for it'),
    );
    expect(refusal(ada, asked, 'c')).toEqual(
      refuse('state', 'c does not ask for the control lock (any more)', 'request.askerId'),
    );
    for (const nobodys of [refusal(ada, free), refusal(ada, asked, 'b', 9)])
      expect(nobodys).toEqual(refuse('state', 'nobody holds the control lock'));
  });
});

describe('approval', () => {
  const proposed = (controlLock: RunView['controlLock']) => ({
    controlLock,
    openCommands: [{ seq: 2, at: 0, actor: ada, command: pause, outcome: { status: 'proposed' as const } }],
  });
  it('what an admin marked waits for a second operator; the rest passes', () => {
    expect(gate(free, ['pause'], ada, pause, 0)).toBe('propose');
    expect(gate(free, ['stop'], ada, pause, 0)).toBe('pass');
  });
  it('goes by the role of a control or action, whatever its name; a name without a role is only a name', () => {
    const lr = declaredControl('optimizer.lr', 'learningRate');
    const halt = declaredAction('halt', 'pause');
    const run = {
      controlLock: null,
      controls: { values: [lr, declaredControl('rate')], actions: [halt, declaredAction('pause')] },
    };
    const act = (action: string): Command => ({ ...pause, action }) as Command;
    const set = (control: string): Command => ({ kind: 'set', id: 'cmd00001', runId: 'run001', control, value: 1 });
    const asked = [act('halt'), act('pause'), set('optimizer.lr'), set('rate')];
    const answers = (...rules: string[]) => asked.map((command) => gate(run, rules, ada, command, 0));
    expect(answers('pause', 'learningRate')).toEqual(['propose', 'propose', 'propose', 'pass']);
    expect(answers('halt', 'rate')).toEqual(['propose', 'pass', 'pass', 'propose']);
  });
  it('nobody approves their own, which can be taken back, or what does not wait', () => {
    expect(approvalProblem(proposed(null), bob, pause.id, true, 0)).toBeNull();
    expect(approvalProblem(proposed(null), ada, pause.id, true, 0)).toMatchObject({ reason: 'forbidden' });
    expect(approvalProblem(proposed(null), ada, pause.id, false, 0)).toBeNull();
    expect(approvalProblem(proposed(null), bob, 'another01', false, 0)).toMatchObject({ reason: 'state', field: 'commandId' });
  });
  it('while somebody else than these two holds the control lock, a proposal can be declined but not approved', () => {
    const answer = (holder: Actor, approved: boolean, now = 0) =>
      approvalProblem(proposed({ holder, until: 10, askedBy: [] }), bob, pause.id, approved, now);
    expect(answer(root, true)).toEqual(
      refuse('forbidden', `${root.name} holds the control lock; ask for it, or wait until it is released`),
    );
    expect([answer(root, false), answer(root, true, 10), answer(ada, true), answer(bob, true)]).toEqual([null, null, null, null]);
  });
});
