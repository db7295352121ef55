import { expect, it } from 'vitest';
import type { RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { answeredBy, noticeOf } from '~/shared/notices';
import { publishedSetup } from '~/test/support/setups';

const ann: Actor = { id: 'ann', name: 'Ann Lee', role: 'admin' };
const bob: Actor = { id: 'bob', name: 'Bob', role: 'operator' };
const eve: Actor = { id: 'eve', name: 'Eve', role: 'viewer' };
const olga: Actor = { id: 'olga', name: 'Olga', role: 'operator' };
const people = [ann, bob, eve, olga];
const setup = publishedSetup('reverse', {}, { name: 'night run' });

/** Title of the last event's notice, and the people whom it concerns. */
function told(...events: RunEvent[]): [string, string[]] | null {
  const last = noticeAfter(...events);
  return last && [last.title, people.filter((p) => last.concerns(p)).map((p) => p.name)];
}
function noticeAfter(...events: RunEvent[]): ReturnType<typeof noticeOf> {
  let view = emptyView('run00001', {
    seq: 1,
    attempt: 0,
    at: 0,
    event: { type: 'run.created', setup, actor: ann, parent: null },
  });
  let last: ReturnType<typeof noticeOf> = null;
  for (const event of events) {
    const entry = { seq: view.seq + 1, attempt: 0, at: 0, event };
    const before = view;
    view = fold(view, entry);
    last = noticeOf(view, entry, before);
  }
  return last;
}
const note = (actor: Actor, text: string): RunEvent => ({
  type: 'note',
  actor,
  note: { kind: 'add', id: 'note-0001', anchor: { step: 7, chart: null, head: null }, text, replyTo: null },
});
const lock = (actor: Actor, holder: Actor | null): RunEvent => ({
  type: 'control.locked',
  actor,
  holder,
  until: null,
});
const proposed: RunEvent = {
  type: 'command.proposed',
  actor: bob,
  command: { kind: 'set', id: 'command-1', runId: 'run00001', control: 'learningRate', value: 0.1 },
};
const other: RunEvent = {
  type: 'command.proposed',
  actor: olga,
  command: { kind: 'act', id: 'command-0', runId: 'run00001', action: 'stop', args: {} },
};

it.each([
  ['a mention', [note(bob, 'look here, @annlee.')], ['night run: Bob mentions you at step 7', ['Ann Lee']]],
  ['a mention among others', [note(bob, '@Eve. @AnnLee... see')], ['night run: Bob mentions you at step 7', ['Ann Lee', 'Eve']]],
  ['a name with a hyphen', [note(bob, '@ann-lee, not you')], ['night run: Bob mentions you at step 7', []]],
  ['a longer name', [note(bob, '@AnnLeeson, not you')], ['night run: Bob mentions you at step 7', []]],
  ['oneself', [note(ann, 'I, @AnnLee')], ['night run: Ann Lee mentions you at step 7', []]],
  [
    'a request',
    [lock(bob, bob), { type: 'control.requested', actor: ann }],
    ['night run: Ann Lee asks for the control lock', ['Bob']],
  ],
  [
    'a request for a lock that nobody holds',
    [{ type: 'control.requested', actor: ann }],
    ['night run: Ann Lee asks for the control lock', []],
  ],
  [
    'a refusal of the lock',
    [lock(bob, bob), { type: 'control.requested', actor: olga }, { type: 'control.refused', actor: bob, asker: olga }],
    ['night run: Bob declined your request for the control lock', ['Olga']],
  ],
  ['a handover', [lock(bob, bob), lock(bob, ann)], ['night run: Bob handed the control lock to you', ['Ann Lee']]],
  ['a lock that somebody took', [lock(bob, bob)], ['night run: Bob took the control lock from you', []]],
  ['a lock that somebody takes again', [lock(bob, bob), lock(bob, bob)], ['night run: Bob took the control lock from you', []]],
  [
    'a lock that was taken away',
    [lock(bob, bob), { type: 'control.requested', actor: olga }, lock(ann, ann)],
    ['night run: Ann Lee took the control lock from you', ['Bob']],
  ],
  [
    'a lock that was taken away before its time was over',
    [{ type: 'control.locked', actor: bob, holder: bob, until: 1 }, lock(ann, ann)],
    ['night run: Ann Lee took the control lock from you', ['Bob']],
  ],
  [
    'a lock whose time was over',
    [{ type: 'control.locked', actor: bob, holder: bob, until: 0 }, lock(ann, ann)],
    ['night run: Ann Lee took the control lock from you', []],
  ],
  [
    'a lock that is free again, for whoever asked,',
    [lock(bob, bob), { type: 'control.requested', actor: olga }, lock(bob, null)],
    ['night run: Bob released the control lock', ['Olga']],
  ],
  [
    'a lock that somebody else released',
    [lock(bob, bob), { type: 'control.requested', actor: ann }, lock(ann, null)],
    ['night run: Ann Lee released the control lock', ['Bob']],
  ],
  ['a proposal', [proposed], ['night run: Bob asks for a second operator', ['Ann Lee', 'Olga']]],
  [
    'an approval',
    [proposed, { type: 'proposal.answered', actor: ann, commandId: 'command-1', approved: true }],
    ['night run: Ann Lee approved what you asked for', ['Bob']],
  ],
  [
    'a proposal that was declined, of two',
    [other, proposed, { type: 'proposal.answered', actor: ann, commandId: 'command-1', approved: false }],
    ['night run: Ann Lee declined what you asked for', ['Bob']],
  ],
  [
    'an answer to what the view does not hold',
    [{ type: 'proposal.answered', actor: ann, commandId: 'command-9', approved: true }],
    ['night run: Ann Lee approved what you asked for', []],
  ],
  ['a changed note', [{ type: 'note', actor: bob, note: { kind: 'edit', id: 'note-0001', text: '@AnnLee' } }], null],
  ['a status', [{ type: 'status', status: 'running', step: 0, message: '' }], null],
] as [string, RunEvent[], [string, string[]] | null][])('%s is told to whom it concerns', (_, events, expected) => {
  expect(told(...events)).toEqual(expected);
});

it('says what it is about, where to look, and the same key for the same entry', () => {
  const { concerns: _concerns, ...mention } = noticeAfter(note(bob, `@AnnLee ${'x'.repeat(300)}`))!;
  expect(mention).toEqual({
    key: 'run00001 2',
    runId: 'run00001',
    step: 7,
    title: 'night run: Bob mentions you at step 7',
    detail: `@AnnLee ${'x'.repeat(192)}`,
    asks: null,
  });
  expect([noticeAfter(proposed), noticeAfter(other), noticeAfter(lock(bob, ann))].map((n) => [n!.step, n!.detail])).toEqual([
    [null, 'set learningRate to 0.1'],
    [null, 'stop'],
    [null, ''],
  ]);
});

it.each<[string, RunEvent, RunEvent, boolean]>([
  ['a request by a handover', { type: 'control.requested', actor: ann }, lock(bob, ann), true],
  ['a request by a release', { type: 'control.requested', actor: ann }, lock(bob, null), true],
  [
    'a request by its refusal',
    { type: 'control.requested', actor: ann },
    { type: 'control.refused', actor: bob, asker: ann },
    true,
  ],
  [
    'a request by the refusal of another’s, whose id begins alike,',
    { type: 'control.requested', actor: { ...ann, id: 'anne' } },
    { type: 'control.refused', actor: bob, asker: ann },
    false,
  ],
  ['a request by another request', { type: 'control.requested', actor: ann }, { type: 'control.requested', actor: olga }, false],
  [
    'a proposal by its answer',
    proposed,
    { type: 'proposal.answered', actor: ann, commandId: 'command-1', approved: false },
    true,
  ],
  [
    'a proposal by another’s',
    proposed,
    { type: 'proposal.answered', actor: ann, commandId: 'command-2', approved: false },
    false,
  ],
  ['a proposal by the lock', proposed, lock(bob, ann), false],
  ['a proposal by the end of the run', proposed, { type: 'status', status: 'failed', step: 3, message: '' }, true],
  ['a proposal by a pause', proposed, { type: 'status', status: 'paused', step: 3, message: '' }, false],
])('%s is answered, or not', (_, asks, answer, over) => {
  const answered = answeredBy('run00001', { seq: 9, attempt: 0, at: 0, event: answer });
  expect(answered !== null && noticeAfter(asks)!.asks!.startsWith(answered)).toBe(over);
});

it('the end of a run answers nothing of another run', () => {
  const answered = answeredBy('run00002', {
    seq: 9,
    attempt: 0,
    at: 0,
    event: { type: 'status', status: 'failed', step: 3, message: '' },
  });
  expect(noticeAfter(proposed)!.asks!.startsWith(answered!)).toBe(false);
});
