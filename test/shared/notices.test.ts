import { expect, it } from 'vitest';
import type { RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { noticeOf } from '~/shared/notices';
import { publishedSetup } from '~/test/support/setups';

const ann: Actor = { id: 'ann', name: 'Ann Lee', role: 'admin' };
const bob: Actor = { id: 'bob', name: 'Bob', role: 'operator' };
const eve: Actor = { id: 'eve', name: 'Eve', role: 'viewer' };
const people = [ann, bob, eve];
const setup = publishedSetup('reverse', {}, { name: 'night run' });

/** Title of the last event's notice, and the people whom it concerns. */
function told(...events: RunEvent[]): [string, string[]] | null {
  let view = emptyView('run00001', {
    seq: 1,
    attempt: 0,
    at: 0,
    event: { type: 'run.created', setup, actor: ann, parent: null },
  });
  let last: ReturnType<typeof noticeOf> = null;
  for (const event of events) {
    const entry = { seq: view.seq + 1, attempt: 0, at: 0, event };
    view = fold(view, entry);
    last = noticeOf(view, entry);
  }
  return last && [last.title, people.filter((p) => last.concerns(p)).map((p) => p.name)];
}
const note = (actor: Actor, text: string): RunEvent => ({
  type: 'note',
  actor,
  note: { kind: 'add', id: 'note-0001', anchor: { step: 7, chart: null, head: null }, text, replyTo: null },
});
const lock = (actor: Actor, holder: Actor | null): RunEvent => ({ type: 'control.locked', actor, holder, until: null });
const proposed: RunEvent = {
  type: 'command.proposed',
  actor: bob,
  command: { kind: 'set', id: 'command-1', runId: 'run00001', control: 'learningRate', value: 0.1 },
};

it.each([
  ['a mention', [note(bob, 'look here, @annlee.')], ['night run: Bob mentions you at step 7', ['Ann Lee']]],
  ['a longer name', [note(bob, '@AnnLeeson, not you')], ['night run: Bob mentions you at step 7', []]],
  ['oneself', [note(ann, 'I, @AnnLee')], ['night run: Ann Lee mentions you at step 7', []]],
  [
    'a request',
    [lock(bob, bob), { type: 'control.requested', actor: ann }],
    ['night run: Ann Lee asks for the control lock', ['Bob']],
  ],
  ['a handover', [lock(bob, bob), lock(bob, ann)], ['night run: Bob handed the control lock to you', ['Ann Lee']]],
  ['a lock that somebody took', [lock(bob, bob)], null],
  ['a proposal', [proposed], ['night run: Bob asks for a second operator', ['Ann Lee']]],
  [
    'an approval',
    [proposed, { type: 'proposal.answered', actor: ann, commandId: 'command-1', approved: true }],
    ['night run: Ann Lee approved what you asked for', ['Bob']],
  ],
  ['a status', [{ type: 'status', status: 'running', step: 0, message: '' }], null],
] as [string, RunEvent[], [string, string[]] | null][])('%s is told to whom it concerns', (_, events, expected) => {
  expect(told(...events)).toEqual(expected);
});
