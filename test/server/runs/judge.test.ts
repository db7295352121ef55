import { describe, expect, it } from 'vitest';
import { isResend, judge, questionCalledOff } from '~/server/runs/judge';
import { argumentError } from '~/shared/commandError';
import type { Command } from '~/shared/commands';
import type { ActionSpec, ControlSpec } from '~/shared/controls';
import type { RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { checkpointsThere } from '~/shared/revert';
import { asDeclared, wordsOf } from '~/shared/roles';
import { mostOpenCommands, type RunView } from '~/shared/view';
import { publishedSetup } from '~/test/support/setups';

const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };
const eve: Actor = { id: 'u2', name: 'Eve', role: 'viewer' };
const number = (name: string, more: Partial<ControlSpec> = {}): ControlSpec => ({
  ...{ name, label: 'Rate', help: '', unit: '', type: 'number', min: 0, max: null, exclusiveMin: false, exclusiveMax: false },
  ...{ options: null, nullLabel: null, scale: 'linear', default: 1, takesEffect: 'next step', group: 'g', ...more },
});
const action = (name: string, more: Partial<ActionSpec> = {}): ActionSpec => ({
  ...{ name, label: name, help: '', args: [], risky: false, ...more },
});
const controls = {
  values: [number('lr', { role: 'learningRate' }), number('other', { label: 'Other' })],
  actions: [
    action('halt', { role: 'stop' }),
    action('rest', { role: 'pause' }),
    action('go on', { role: 'resume' }),
    action('call off', { role: 'cancel', args: [number('commandId', { type: 'text' })] }),
    action('check', { question: true, args: [number('seed')] }),
    action('plain'),
  ],
};
const hash = (letter: string) => letter.repeat(64);
const saved = (step: number, letter: string): Extract<RunEvent, { type: 'checkpoint' }> => ({
  ...{ type: 'checkpoint', step, blob: { hash: hash(letter), bytes: 1 }, trigger: 'cadence', commandId: null, lastCommandSeq: 0 },
});
const status = (to: 'running' | 'paused' | 'finished'): RunEvent => ({ type: 'status', status: to, step: 3, message: '' });

function viewAfter(created: object, ...events: RunEvent[]): RunView {
  const first = { type: 'run.created', setup: publishedSetup('reverse'), actor: ada, parent: null, ...created } as RunEvent;
  let view = emptyView('run001', { seq: 1, attempt: 0, at: 0, event: first });
  for (const event of events) view = fold(view, { seq: view.seq + 1, attempt: 1, at: 0, event });
  return view;
}
const begun: RunEvent[] = [
  { type: 'run.assigned', attempt: 1, trainer: { id: 't', name: 'gpu', host: 'h' }, fromStep: 0, checkpoint: null },
  {
    ...{ type: 'started', step: 0, device: { device: 'CPU' }, controls, values: { lr: 5, other: 1 } },
    streams: [
      {
        stream: 's',
        columns: [
          { name: 'loss', role: 'loss' },
          { name: 'g', role: 'gradNorm' },
          { name: 'acc', role: 'accuracy' },
        ],
      },
    ],
  },
  status('running'),
];
const row = (...values: [loss: number, gradNorm: number, accuracy: number]): RunEvent => ({
  ...{ type: 'rows', stream: 's', steps: { first: 2, count: 1 } },
  values: Float64Array.from(values),
});
const running = viewAfter({}, ...begun);
const epoch: RunEvent = { type: 'series', stream: 'epochs', columns: [{ name: 'epoch', role: 'epoch' }] };
const tenEpochs = { ...viewAfter({}, ...begun, epoch), totalSteps: 2000, stepsPerEpoch: 200 };
const finished = viewAfter({}, ...begun, saved(2, 'c'), status('finished'));
const ownScript = { setup: publishedSetup('reverse', {}, { recipe: null, name: 'mine' }) };

const set = (more: object = {}): Command => ({
  ...{ kind: 'set', id: 'command1', runId: 'run001', control: 'lr', value: 1 },
  ...more,
});
const act = (name: string, args: object = {}, more: object = {}): Command =>
  ({ ...{ kind: 'act', id: 'command1', runId: 'run001', action: name, args }, ...more }) as Command;
const checkpoints = (...of: [number, string][]) => of.map(([step, letter], i) => ({ ...saved(step, letter), seq: i + 5, at: 0 }));
const two = checkpoints([2, 'c'], [2, 'e'], [4, 'd']);
/** The reason, the field and the words; null: it may enter the log. */
const said = (view: RunView, command: Command, of = two, actor = ada, endsAlone?: boolean): unknown[] | null => {
  const refusal = judge(view, actor, command, of, endsAlone);
  return refusal && [refusal.reason, refusal.field, refusal.message];
};
const unknown = 'there is no control "nosuch"; this run has lr, other';

describe('a command', () => {
  it.each([
    ['of somebody who only watches', running, set(), ['forbidden', null, 'Eve (viewer) may not steer runs'], eve],
    ['a value', running, set(), null],
    ['a value that does not fit', running, set({ value: -1 }), ['invalid', 'value', 'lr: -1 does not fit; give a number >= 0']],
    ['a value of what is not declared', running, set({ control: 'nosuch' }), ['unknown-control', 'control', unknown]],
    ['a value of a run that has declared nothing yet', viewAfter({}), set({ control: 'nosuch' }), null],
    ['a value that is as it was seen', running, set({ expected: 5 }), null],
    [
      'a value that has changed since',
      running,
      set({ expected: 4 }),
      ['conflict', 'expected', 'Rate was changed: it is 5 now, you saw 4'],
    ],
    [
      'a value that somebody has changed since',
      { ...running, values: { lr: { value: 7, changedBy: eve, changedAtStep: 3 } } },
      set({ expected: 5 }),
      ['conflict', 'expected', 'Rate was changed by Eve at step 3: it is 7 now, you saw 5'],
    ],
    [
      'another value that has changed since',
      running,
      set({ control: 'other', expected: 4 }),
      ['conflict', 'expected', 'Other was changed: it is 1 now, you saw 4'],
    ],
    [
      'a value of a run that has declared only values',
      { ...viewAfter({}), controls: { ...controls, actions: [] } },
      set({ control: 'nosuch' }),
      ['unknown-control', 'control', unknown],
    ],
    [
      'a value of a run that has declared only actions',
      { ...viewAfter({}), controls: { ...controls, values: [] } },
      set(),
      ['unknown-control', 'control', 'there is no control "lr"; this run has '],
    ],
    [
      'a value of a run that has begun without declarations',
      { ...viewAfter({}), device: { device: 'CPU' } },
      set(),
      ['unknown-control', 'control', 'there is no control "lr"; this run has '],
    ],
    ['a value of which no state is known', { ...running, values: {} }, set({ expected: 4 }), null],
    ['an action', running, act('plain'), null],
    ['an action of a run that has declared nothing yet', viewAfter({}), act('nosuch'), null],
    [
      'an action that is not declared',
      running,
      act('nosuch'),
      ['unknown-control', 'action', 'there is no action "nosuch"; this run has halt, rest, go on, call off, check, plain'],
    ],
    [
      'an action with an argument of none',
      running,
      act('plain', { a: 1 }),
      ['invalid', 'args.a', 'plain takes no arguments, not "a"'],
    ],
    ['an action with another argument', running, act('check', { a: 1 }), ['invalid', 'args.a', 'check takes seed, not "a"']],
    [
      'an action with an argument that does not fit',
      running,
      act('check', { seed: -1 }),
      ['invalid', 'args.seed', 'seed: -1 does not fit; give a number >= 0'],
    ],
    [
      'a condition that is never met',
      running,
      set({ when: { kind: 'series', name: 'acc', comparison: '>', value: 2 } }),
      ['invalid', 'when.value', 'when.value: an accuracy is never above 1; give a number below 1'],
    ],
    [
      'a condition beyond the end of the run',
      tenEpochs,
      set({ when: { kind: 'series', name: 'epoch', comparison: '>', value: 1e9 } }),
      ['invalid', 'when.value', 'when.value: the run ends after 10 epochs; give a number below that'],
    ],
    ['a condition', running, set({ when: { kind: 'series', name: 'acc', comparison: '>', value: 0.9 } }), null],
    [
      'of a run that has ended',
      finished,
      set(),
      ['run-ended', null, 'the run has ended (finished); to go on, revert it to one of its checkpoints or branch it'],
    ],
    [
      'of a run that has ended without a checkpoint',
      viewAfter({}, ...begun, status('finished')),
      set(),
      ['run-ended', null, 'the run has ended (finished)'],
    ],
  ] as [string, RunView, Command, unknown[] | null, Actor?][])('%s', (_, view, command, expected, actor) => {
    expect(said(view, command, two, actor)).toEqual(expected);
  });

  it('that stops a script’s own run whose process is away needs no declared action', () => {
    expect([said(running, act('stop'), two, ada, true), said(running, act('stop'))?.[0]]).toEqual([null, 'unknown-control']);
    expect(said(finished, act('stop'), two, ada, true)?.[0]).toBe('run-ended');
  });

  it('is refused while too many wait, but one that ends others has room', () => {
    const waiting = (count: number): RunView => ({
      ...running,
      openCommands: Array.from({ length: count }, (_, i) => ({
        ...{ seq: i, at: 0, actor: ada, outcome: { status: 'requested' as const } },
        command: set({ id: `waiting-${i}` }),
      })),
    });
    const busy = ['busy', null, `${mostOpenCommands} commands of this run wait already`];
    const [full, over] = [waiting(mostOpenCommands), waiting(mostOpenCommands + 20)];
    expect([set(), act('rest'), act('halt'), act('call off'), act('revert', { step: 2 })].map((c) => said(full, c))).toEqual([
      busy,
      busy,
      null,
      null,
      null,
    ]);
    expect([said(waiting(mostOpenCommands - 1), set()), said(waiting(mostOpenCommands + 19), act('halt'))]).toEqual([null, null]);
    expect([act('halt'), act('call off'), act('revert', { step: 2 })].map((c) => said(over, c))).toEqual([busy, busy, busy]);
  });

  it('is a resend when the same person sent the same, by the role or by the declared name of its action', () => {
    const known = { actor: ada, command: act('stop') };
    expect(isResend(running, known, ada, act('halt'))).toBe(true);
    expect([isResend(running, known, eve, act('halt')), isResend(running, known, ada, act('rest'))]).toEqual([false, false]);
    // An action is what it is declared as, whatever role its name is.
    const taken = { controls: { values: [], actions: [action('halt', { role: 'stop' }), action('stop'), action('x')] } };
    const twice = { controls: { values: [], actions: [action('halt', { role: 'stop' }), action('end', { role: 'stop' })] } };
    expect([asDeclared(twice, act('end')), asDeclared(twice, act('stop'))]).toEqual([act('end'), act('halt')]);
    expect([asDeclared(taken, act('stop')), wordsOf(taken, act('stop')), wordsOf(taken, set())]).toEqual([
      act('stop'),
      ['stop'],
      ['lr'],
    ]);
    expect([asDeclared(running, act('nosuch')), asDeclared(running, set()), asDeclared(running, act('branch'))]).toEqual([
      act('nosuch'),
      set(),
      act('branch'),
    ]);
  });

  it('is matched by the team’s rules by its name and its role', () => {
    expect(
      [set(), set({ control: 'other' }), act('halt'), act('plain'), act('stop'), act('nosuch')].map((c) => wordsOf(running, c)),
    ).toEqual([['lr', 'learningRate'], ['other'], ['halt', 'stop'], ['plain'], ['stop', 'stop'], ['nosuch']]);
  });

  it('may leave out arguments; a null where the declaration allows one is an argument', () => {
    const args = [number('a', { nullLabel: 'off' }), number('b')];
    expect([{}, { a: null }, { b: 2 }].map((given) => argumentError({ name: 'x', args }, given as never))).toEqual([
      null,
      null,
      null,
    ]);
    expect(argumentError({ name: 'x', args }, { b: null })).toMatchObject({ field: 'args.b' });
    expect(argumentError({ name: 'x', args }, { toString: 1 } as never)).toMatchObject({
      message: 'x takes a, b, not "toString"',
    });
  });
});

describe('going on from NaN', () => {
  const paused = (...values: [number, number, number]) => viewAfter({}, ...begun, row(...values), status('paused'));
  const words = (what: string) =>
    `the ${what} at step 2: going on would not help; take the run back to a checkpoint before that, or branch from one`;

  it('is refused while the run of a recipe is paused, by every action that goes on', () => {
    expect(said(paused(Number.NaN, 1, 0), act('go on'))).toEqual(['state', null, words('loss is NaN')]);
    expect(said(paused(1, Number.POSITIVE_INFINITY, 0), act('go on'))).toEqual([
      'state',
      null,
      words('gradient norm is Infinity'),
    ]);
    const stepping = paused(Number.NaN, 1, 0);
    stepping.controls = { values: [], actions: [action('one more', { role: 'step' })] };
    expect(said(stepping, act('one more'))?.[0]).toBe('state');
  });

  it('is not, where the numbers are finite, the run goes on anyway, a script owns it, or the action does something else', () => {
    expect(said(paused(1, 1, Number.NaN), act('go on'))).toBeNull();
    expect(said(viewAfter({}, ...begun, row(Number.NaN, 1, 0)), act('go on'))).toBeNull();
    expect(said(viewAfter(ownScript, ...begun, row(Number.NaN, 1, 0), status('paused')), act('go on'))).toBeNull();
    expect(said(paused(Number.NaN, 1, 0), act('halt'))).toBeNull();
    expect(said(viewAfter({}, ...begun, status('paused')), act('go on'))).toBeNull();
  });
});

describe('a question about parameters', () => {
  const about = (letter: string) => ({ checkpoint: hash(letter) });
  it.each([
    ['of the run as it is', running, act('check'), null],
    ['once a condition is met', running, act('check', {}, { when: { kind: 'step', step: 9 } }), null],
    ['of a checkpoint', running, act('check', {}, about('c')), null],
    ['of an ended run: of its last checkpoint', finished, act('check'), null],
    [
      'of a checkpoint that is not in force',
      { ...running, checkpointsThinned: 2 },
      act('check', {}, about('x')),
      [
        'invalid',
        'checkpoint',
        `checkpoint: the run has no checkpoint xxxxxxxxxxxx... in force; its last one, at step 4, is ${hash('d')}. 2 checkpoints were deleted, as the activity of the run says`,
      ],
    ],
    [
      'of a checkpoint, once a condition is met',
      running,
      act('check', {}, { ...about('c'), when: { kind: 'step', step: 9 } }),
      ['invalid', 'when', 'when: a checkpoint does not change; leave `when` out'],
    ],
    [
      'of an ended run, once a condition is met',
      finished,
      act('check', {}, { when: { kind: 'step', step: 9 } }),
      ['invalid', 'when', 'when: a checkpoint does not change; leave `when` out'],
    ],
    [
      'that is none',
      running,
      act('plain', {}, about('c')),
      ['invalid', 'checkpoint', 'checkpoint: plain is no question about parameters; leave `checkpoint` out'],
    ],
  ] as [string, RunView, Command, unknown[] | null][])('%s', (_, view, command, expected) => {
    expect(said(view, command)).toEqual(expected);
  });

  it('of a run without a checkpoint has nothing to be about', () => {
    expect(said(finished, act('check'), [])).toEqual(['state', null, 'the run has no checkpoint to ask about']);
    expect(said(running, act('check'), [])).toBeNull();
  });

  it('about a checkpoint may be called off after the end, and nothing else', () => {
    const asked = (command: Command): RunView => ({
      ...finished,
      openCommands: [{ seq: 9, at: 0, actor: ada, command, outcome: { status: 'requested' } }],
    });
    const question = asked(act('check', {}, { id: 'question1', ...about('c') }));
    const off = (id: string) => act('call off', { commandId: id });
    expect([said(question, off('question1')), said(question, off('question9'))?.[0]]).toEqual([null, 'run-ended']);
    expect(said(asked(set({ id: 'question1' })), off('question1'))?.[0]).toBe('run-ended');
    const asks = (more: object, record: object = {}) => {
      const view = asked(act('check', {}, { id: 'question1', ...more }));
      return questionCalledOff({ ...view, openCommands: [{ ...view.openCommands[0]!, ...record }] }, off('question1'))?.seq;
    };
    expect([asks({}), asks({}, { afterEnd: true }), asks({ ...about('c'), when: { kind: 'step', step: 9 } })]).toEqual([
      undefined,
      9,
      undefined,
    ]);
    expect(asks(about('c'), { outcome: { status: 'proposed' } })).toBeUndefined();
    expect(questionCalledOff(asked(act('plain', {}, { id: 'question1', ...about('c') })), off('question1'))).toBeUndefined();
    expect([
      questionCalledOff(question, off('question1'))?.seq,
      questionCalledOff(question, act('halt', { commandId: 'question1' })),
    ]).toEqual([9, undefined]);
  });
});

describe('taking a run back', () => {
  const revert = (args: object, more: object = {}) => act('revert', args, more);
  it.each([
    ['to a step', running, revert({ step: 2 }), null],
    ['to a checkpoint', running, revert({ checkpoint: hash('d') }), null],
    ['of an ended run', finished, revert({ step: 4, checkpoint: hash('d') }), null],
    [
      'before a trainer has taken it',
      viewAfter({}),
      revert({ step: 2 }),
      ['state', null, 'no trainer has taken the run yet: there is nothing to go back to'],
    ],
    [
      'of a run in the trash',
      { ...running, trashed: true },
      revert({ step: 2 }),
      ['state', null, 'the run is in the trash: take it out first'],
    ],
    [
      'later',
      running,
      revert({ step: 2 }, { when: { kind: 'step', step: 9 } }),
      ['invalid', 'when', 'when: the run goes back at once; leave `when` out'],
    ],
    [
      'to nowhere',
      running,
      revert({}),
      ['invalid', 'args.step', 'args.step: give the step of a checkpoint, or its hash as checkpoint'],
    ],
    [
      'with another argument',
      running,
      revert({ step: 2, a: 1 }),
      ['invalid', 'args.a', 'args.a: revert takes step and checkpoint, not "a"'],
    ],
    [
      'to a step without one',
      running,
      revert({ step: 3 }),
      ['invalid', 'args.step', 'args.step: no checkpoint at step 3; the nearest kept ones are at steps 2 and 4'],
    ],
    [
      'to a step of which checkpoints were deleted',
      { ...running, checkpointsThinned: 1 },
      revert({ step: 9 }),
      [
        'invalid',
        'args.step',
        'args.step: no checkpoint at step 9; the nearest kept one is at step 4. 1 checkpoint was deleted, as the activity of the run says',
      ],
    ],
    [
      'to a checkpoint of another step',
      running,
      revert({ step: 2, checkpoint: hash('d') }),
      ['invalid', 'args.step', 'args.step: no checkpoint at step 2; the nearest kept one is at step 4'],
    ],
    [
      'to an unknown checkpoint',
      running,
      revert({ checkpoint: 'x' }),
      ['invalid', 'args.checkpoint', 'args.checkpoint: no checkpoint "x"; there are checkpoints at step 2, 4'],
    ],
    [
      'of a script’s own run',
      viewAfter(ownScript, ...begun),
      revert({ step: 2 }),
      [
        'state',
        null,
        `the run is a script's own (mine), which declares no action that takes it back: start the script again with the run's key and resume = "must", and let it go on from the step you want`,
      ],
    ],
    [
      'of a script’s own run that declares an action for it',
      {
        ...viewAfter(ownScript, ...begun),
        controls: { values: [], actions: [action('rewind', { role: 'revert', label: 'Rewind' })] },
      },
      revert({ step: 2 }),
      ['state', null, `the run is a script's own (mine): take it back with its action "Rewind"`],
    ],
    [
      'of a script’s own run by the action that it declares for it',
      {
        ...viewAfter(ownScript, ...begun),
        controls: { values: [], actions: [action('x'), action('rewind', { role: 'revert', args: [number('step')] })] },
      },
      act('rewind', { step: 3 }),
      null,
    ],
  ] as [string, RunView, Command, unknown[] | null][])('%s', (_, view, command, expected) => {
    expect(said(view, command)).toEqual(expected);
  });

  it('names the nearest checkpoints, or the newest twenty', () => {
    const at = (...steps: number[]) => steps.map((step) => ({ step }));
    expect(checkpointsThere([], null)).toBe('the run has none');
    expect(checkpointsThere(at(5, 3, 3), 4)).toBe('the nearest kept ones are at steps 3 and 5');
    expect(checkpointsThere(at(5, 30), 2)).toBe('the nearest kept one is at step 5');
    const many = Array.from({ length: 25 }, (_, i) => 24 - i);
    expect(checkpointsThere(at(...many), null)).toBe(`there are checkpoints at step ${many.slice(0, 20).reverse().join(', ')}`);
  });
});
