import { describe, expect, it } from 'vitest';
import type { Command } from '~/shared/commands';
import { checkpointsThere } from '~/shared/revert';
import type { RunView } from '~/shared/view';
import {
  act,
  action,
  begun,
  finished,
  hash,
  number,
  ownScript,
  row,
  running,
  said,
  status,
  viewAfter,
} from '~/test/support/judged';

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
