import { describe, expect, it } from 'vitest';
import { isResend, questionCalledOff } from '~/server/runs/judge';
import { argumentError } from '~/shared/commandError';
import type { Command } from '~/shared/commands';
import type { Actor } from '~/shared/ids';
import { asDeclared, wordsOf } from '~/shared/roles';
import { mostOpenCommands, type RunView } from '~/shared/view';
import {
  act,
  action,
  ada,
  begun,
  controls,
  eve,
  finished,
  hash,
  number,
  running,
  said,
  set,
  status,
  tenEpochs,
  two,
  unknown,
  viewAfter,
} from '~/test/support/judged';

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
