import { describe, expect, it } from 'vitest';
import { describeAnchor, describeAnchorAtStep, takenBackTo, threadsOfHead } from '~/app/_run/notes/anchors';
import { candidates, completed, mentionAt } from '~/app/_run/notes/findMentions';
import { emptyView } from '~/shared/fold';
import type { Note } from '~/shared/notes';
import type { CommandRecord } from '~/shared/view';
import { publishedSetup } from '~/test/support/setups';

describe('mentions', () => {
  it.each([
    ['at the start', '@ad', 3, { from: 0, typed: 'ad' }],
    ['after a blank', 'see @', 5, { from: 4, typed: '' }],
    ['in brackets, with accents', '(@Žof', 5, { from: 1, typed: 'Žof' }],
    ['not in an address', 'ann@lab', 7, null],
    ['not behind the caret', 'see @ad', 3, null],
    ['not once it is over', '@ada look', 9, null],
  ])('one is being written %s', (_, text, caret, expected) => {
    expect(mentionAt(text, caret)).toEqual(expected);
  });

  it('offers names by the beginning of any word, each once', () => {
    expect(candidates(['Ada Lovelace', 'Bob', 'Ada Lovelace', 'Grace Lo'], 'lo')).toEqual(['Ada Lovelace', 'Grace Lo']);
    expect(candidates(['Ada Lovelace'], 'adalove')).toEqual(['Ada Lovelace']);
  });

  it('completes to the name without its blanks and leaves what follows', () => {
    expect(completed('see @lo there', 7, 'Ada Lovelace')).toEqual({ text: 'see @AdaLovelace there', caret: 17 });
  });
});

const note = (id: string, step: number, changes: Partial<Note> = {}): Note => ({
  seq: 1,
  id,
  anchor: { step, chart: null, head: { layer: 0, head: 1, cell: null } },
  text: 'x',
  replyTo: null,
  author: { id: 'ada', name: 'Ada', role: 'viewer' },
  at: 0,
  editedAt: null,
  resolved: false,
  ...changes,
});

describe('anchors', () => {
  it('read as places, counted from 1', () => {
    expect(describeAnchor({ step: 7, chart: 'loss', value: 0.25, head: null })).toBe('loss at 0.25');
    expect(describeAnchorAtStep({ step: 1200, chart: null, head: { layer: 0, head: 1, cell: { query: 2, key: 3 } } })).toBe(
      'step 1,200, layer 1 head 2, query 3 to key 4',
    );
    expect(describeAnchorAtStep({ step: 0, chart: null, head: null })).toBe('step 0');
  });

  it('of a head are its open threads and those of its cells, nearest to the step first', () => {
    const cell = { step: 50, chart: null, head: { layer: 0, head: 1, cell: { query: 0, key: 0 } } };
    const notes = [
      note('far', 10),
      note('near', 60),
      note('of a cell', 50, { anchor: cell }),
      note('resolved', 52, { resolved: true }),
      note('reply', 52, { replyTo: 'near' }),
      note('elsewhere', 52, { anchor: { ...cell, head: { layer: 1, head: 1, cell: null } } }),
    ];
    expect(threadsOfHead(notes, 0, 1, 53).map((n) => n.id)).toEqual(['of a cell', 'near', 'far']);
  });
});

it('a note says that the run was taken back to before its step after it was written', () => {
  const revert = (seq: number, after: number): CommandRecord => ({
    seq: seq - 1,
    at: 0,
    actor: { id: 'ada', name: 'Ada', role: 'operator' },
    command: { kind: 'act', id: `back-to-${after}`, runId: 'run001', action: 'revert', args: {} },
    outcome: { status: 'applied', seq, at: 0, step: 500, before: 500, after, message: '' },
  });
  const { controls } = emptyView('run001', {
    seq: 1,
    attempt: 0,
    at: 0,
    event: {
      type: 'run.created',
      setup: publishedSetup('reverse'),
      actor: { id: 'ada', name: 'Ada', role: 'operator' },
      parent: null,
    },
  });
  const back = (step: number, seq: number) =>
    takenBackTo({ controls, commands: [revert(20, 300), revert(40, 100)] }, note('a', step, { seq }));
  // Written before both: at 400 the first took it back, at 200 the second; at 100 the run still has its step.
  expect([back(400, 10), back(200, 10), back(100, 10)]).toEqual([300, 100, null]);
  // Written between the two, and after both.
  expect([back(400, 30), back(400, 50)]).toEqual([100, null]);
});
